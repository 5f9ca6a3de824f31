#include <sqlite3.h>

// sqlite3_db_config is variadic, which Swift cannot call; this is its form for switches that are on or off.
static inline int lapwing_sqlite3_db_config_switch(sqlite3 *database, int option, int isOn) {
    return sqlite3_db_config(database, option, isOn, (int *)0);
}

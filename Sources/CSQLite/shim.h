#include <sqlite3.h>

// sqlite3_db_config is variadic, which Swift cannot call; this is its form for switches that are on or off.
static inline int lapwing_sqlite3_db_config_switch(sqlite3 *database, int option, int isOn) {
    return sqlite3_db_config(database, option, isOn, (int *)0);
}

// No room for twenty pages for each connection from the start: one that reads partitions needs a handful, and there is one for
// each partition and thread. Before the library is initialized; afterwards it does nothing.
static inline void lapwing_sqlite3_allocate_pages_singly(void) { sqlite3_config(SQLITE_CONFIG_PAGECACHE, (void *)0, 0, 0); }

// Waits until the journal of the main database is on the disk. It goes through SQLite's file object, which also syncs the
// folder of a journal that is new.
static inline int lapwing_sqlite3_sync_journal(sqlite3 *database) {
    sqlite3_file *file = 0;
    int code = sqlite3_file_control(database, "main", SQLITE_FCNTL_JOURNAL_POINTER, &file);
    if (code != SQLITE_OK || !file || !file->pMethods) return code;
    return file->pMethods->xSync(file, SQLITE_SYNC_NORMAL | SQLITE_SYNC_DATAONLY);
}

#ifndef LAPWING_CWEBFILES_H
#define LAPWING_CWEBFILES_H

// The files of the web page, inside the binary (C23 #embed: no resource bundle, no Foundation, no file system at run time).

#include <stddef.h>

typedef struct cweb_file {
    const char *_Nonnull path;
    const char *_Nonnull content_type;
    const unsigned char *_Nonnull bytes;
    size_t length;
} cweb_file;

/// The table; its entries are never freed.
const cweb_file *_Nonnull cweb_file_table(void);
extern const size_t cweb_file_count;

#endif

#include <zlib.h>

/// Begins a gzip file; what zlib has as a macro.
static inline int lapwing_gzip_begin(z_stream *stream, int level) {
    return deflateInit2(stream, level, Z_DEFLATED, MAX_WBITS + 16, 8, Z_DEFAULT_STRATEGY);
}

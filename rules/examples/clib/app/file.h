#ifndef APP_FILE_H
#define APP_FILE_H

#include <stdbool.h>

#include "kit/buffer.h"

/* Both say on stderr what went wrong. */
bool file_read(const char *path, kit_buffer *into);
bool file_write(const char *path, kit_slice text);

#endif

#include "app/file.h"

#include <stdio.h>

enum { CHUNK = 4096 };

bool file_read(const char *path, kit_buffer *into)
{
    char chunk[CHUNK];
    size_t size;
    FILE *file = fopen(path, "rb");

    if (!file) {
        perror(path);
        return false;
    }
    while ((size = fread(chunk, 1, sizeof chunk, file)) > 0)
        kit_buffer_add(into, (kit_slice){chunk, size});
    bool ok = !ferror(file);
    if (!ok)
        perror(path);
    fclose(file);
    return ok;
}

bool file_write(const char *path, kit_slice text)
{
    FILE *file = fopen(path, "wb");

    if (!file) {
        perror(path);
        return false;
    }
    bool ok = fwrite(text.start, 1, text.size, file) == text.size;
    ok = fclose(file) == 0 && ok;
    if (!ok)
        perror(path);
    return ok;
}

#include "kit/buffer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_CAPACITY = 64, LONG_DIGITS = 24 };

static void reserve(kit_buffer *buffer, size_t more)
{
    if (buffer->capacity - buffer->size >= more)
        return;
    size_t capacity = buffer->capacity ? buffer->capacity : FIRST_CAPACITY;
    while (capacity - buffer->size < more)
        capacity *= 2;
    char *grown = realloc(buffer->start, capacity);
    if (!grown) {
        fputs("out of memory\n", stderr);
        abort();
    }
    buffer->start = grown;
    buffer->capacity = capacity;
}

void kit_buffer_add(kit_buffer *buffer, kit_slice slice)
{
    if (slice.size == 0)
        return;
    reserve(buffer, slice.size);
    memcpy(buffer->start + buffer->size, slice.start, slice.size);
    buffer->size += slice.size;
}

void kit_buffer_add_char(kit_buffer *buffer, char c)
{
    kit_buffer_add(buffer, (kit_slice){&c, 1});
}

void kit_buffer_add_long(kit_buffer *buffer, long value)
{
    char digits[LONG_DIGITS];
    int size = snprintf(digits, sizeof digits, "%ld", value);

    kit_buffer_add(buffer, (kit_slice){digits, (size_t)size});
}

kit_slice kit_buffer_slice(const kit_buffer *buffer)
{
    return (kit_slice){buffer->start, buffer->size};
}

void kit_buffer_free(kit_buffer *buffer)
{
    free(buffer->start);
    *buffer = (kit_buffer){0};
}

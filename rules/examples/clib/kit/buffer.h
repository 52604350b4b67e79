#ifndef KIT_BUFFER_H
#define KIT_BUFFER_H

#include <stddef.h>

#include "kit/slice.h"

/* Bytes that grow at the end. Zero-initialise to make one. */
typedef struct {
    char *start;
    size_t size;
    size_t capacity;
} kit_buffer;

void kit_buffer_add(kit_buffer *buffer, kit_slice slice);
void kit_buffer_add_char(kit_buffer *buffer, char c);
void kit_buffer_add_long(kit_buffer *buffer, long value);
kit_slice kit_buffer_slice(const kit_buffer *buffer);
void kit_buffer_free(kit_buffer *buffer);

#endif

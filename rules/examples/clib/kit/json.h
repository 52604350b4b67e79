#ifndef KIT_JSON_H
#define KIT_JSON_H

#include <stdbool.h>

#include "kit/buffer.h"
#include "kit/slice.h"

/* Writes JSON into a buffer, putting commas where they belong. Zero-initialise, then set `into`. */
typedef struct {
    kit_buffer *into;
    bool needs_comma;
} kit_json_writer;

void kit_json_open(kit_json_writer *writer, char bracket);
void kit_json_close(kit_json_writer *writer, char bracket);
void kit_json_name(kit_json_writer *writer, kit_slice name);
void kit_json_text(kit_json_writer *writer, kit_slice text);
void kit_json_number(kit_json_writer *writer, long number);

/* Whether the slice is one JSON value, nested at most 64 deep, and nothing else. */
bool kit_json_valid(kit_slice text);

#endif

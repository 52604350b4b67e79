#ifndef KIT_MAP_H
#define KIT_MAP_H

#include <stddef.h>

#include "kit/arena.h"
#include "kit/slice.h"

typedef struct {
    const char *key; /* ends in a zero; NULL in an empty place */
    size_t key_size;
    long value;
} kit_map_entry;

/* Numbers by name, open addressing. Zero-initialise to make one; keys live in the map's own arena. */
typedef struct {
    kit_map_entry *places;
    size_t capacity;
    size_t size;
    kit_arena keys;
} kit_map;

/* The number under `key`, made zero if it was not there; valid until the next call. */
long *kit_map_at(kit_map *map, kit_slice key);

/* The number under `key`, or NULL. */
const long *kit_map_find(const kit_map *map, kit_slice key);
void kit_map_free(kit_map *map);

#endif

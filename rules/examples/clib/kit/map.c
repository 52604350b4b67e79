#include "kit/map.h"

#include <stdio.h>
#include <stdlib.h>

#include "kit/hash.h"

enum { FIRST_CAPACITY = 16 };

/* The entry with that key, or the empty place it would take. The map is never full, so there is one. */
static kit_map_entry *place_of(kit_map_entry *places, size_t capacity, kit_slice key)
{
    size_t at = kit_hash(key.start, key.size) & (capacity - 1);

    while (places[at].key && !kit_slice_equal((kit_slice){places[at].key, places[at].key_size}, key))
        at = (at + 1) & (capacity - 1);
    return &places[at];
}

static void grow(kit_map *map)
{
    size_t capacity = map->capacity ? map->capacity * 2 : FIRST_CAPACITY;
    kit_map_entry *places = calloc(capacity, sizeof *places);

    if (!places) {
        fputs("out of memory\n", stderr);
        abort();
    }
    for (size_t i = 0; i < map->capacity; i++) {
        kit_map_entry *entry = &map->places[i];
        if (entry->key)
            *place_of(places, capacity, (kit_slice){entry->key, entry->key_size}) = *entry;
    }
    free(map->places);
    map->places = places;
    map->capacity = capacity;
}

long *kit_map_at(kit_map *map, kit_slice key)
{
    if (4 * (map->size + 1) > 3 * map->capacity)
        grow(map);
    kit_map_entry *entry = place_of(map->places, map->capacity, key);
    if (!entry->key) {
        *entry = (kit_map_entry){kit_arena_copy(&map->keys, key), key.size, 0};
        map->size++;
    }
    return &entry->value;
}

const long *kit_map_find(const kit_map *map, kit_slice key)
{
    if (map->size == 0)
        return NULL;
    const kit_map_entry *entry = place_of(map->places, map->capacity, key);
    return entry->key ? &entry->value : NULL;
}

void kit_map_free(kit_map *map)
{
    free(map->places);
    kit_arena_free(&map->keys);
    *map = (kit_map){0};
}

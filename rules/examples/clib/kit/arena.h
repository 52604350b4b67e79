#ifndef KIT_ARENA_H
#define KIT_ARENA_H

#include <stddef.h>

#include "kit/slice.h"

/* Memory that is given back all at once. Zero-initialise to make one. */
typedef struct kit_arena_block kit_arena_block;
typedef struct {
    kit_arena_block *newest;
} kit_arena;

/* Zeroed memory, aligned for any type; ends the program when there is none. */
void *kit_arena_take(kit_arena *arena, size_t size);

/* A copy of the slice with a zero after it. */
char *kit_arena_copy(kit_arena *arena, kit_slice slice);
void kit_arena_free(kit_arena *arena);

#endif

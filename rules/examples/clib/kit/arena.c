#include "kit/arena.h"

#include <stdalign.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK_SIZE = 1 << 14 };

struct kit_arena_block {
    kit_arena_block *older;
    size_t used;
    size_t size;
    alignas(max_align_t) unsigned char bytes[];
};

static kit_arena_block *new_block(kit_arena_block *older, size_t size)
{
    kit_arena_block *block = calloc(1, sizeof *block + size);

    if (!block) {
        fputs("out of memory\n", stderr);
        abort();
    }
    block->older = older;
    block->size = size;
    return block;
}

void *kit_arena_take(kit_arena *arena, size_t size)
{
    size_t rounded = (size + alignof(max_align_t) - 1) / alignof(max_align_t) * alignof(max_align_t);

    if (!arena->newest || arena->newest->size - arena->newest->used < rounded)
        arena->newest = new_block(arena->newest, rounded > BLOCK_SIZE ? rounded : BLOCK_SIZE);
    void *taken = arena->newest->bytes + arena->newest->used;
    arena->newest->used += rounded;
    return taken;
}

char *kit_arena_copy(kit_arena *arena, kit_slice slice)
{
    char *copy = kit_arena_take(arena, slice.size + 1);

    if (slice.size)
        memcpy(copy, slice.start, slice.size);
    return copy;
}

void kit_arena_free(kit_arena *arena)
{
    while (arena->newest) {
        kit_arena_block *older = arena->newest->older;
        free(arena->newest);
        arena->newest = older;
    }
}

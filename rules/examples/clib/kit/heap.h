#ifndef KIT_HEAP_H
#define KIT_HEAP_H

#include <stdbool.h>
#include <stddef.h>

#include "kit/order.h"

/* Keeps pointers so that the first in order is at hand; at most `capacity` of them, in the caller's memory. */
typedef struct {
    const void **items;
    size_t size;
    size_t capacity;
    kit_order *order;
} kit_heap;

kit_heap kit_heap_in(const void **memory, size_t capacity, kit_order *order);

/* False when the heap is full. */
bool kit_heap_push(kit_heap *heap, const void *item);

/* The first in order, which stays; NULL when empty. */
const void *kit_heap_first(const kit_heap *heap);

/* The first in order, which is taken out; NULL when empty. */
const void *kit_heap_pop(kit_heap *heap);

#endif

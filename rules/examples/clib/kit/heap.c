#include "kit/heap.h"

kit_heap kit_heap_in(const void **memory, size_t capacity, kit_order *order)
{
    return (kit_heap){memory, 0, capacity, order};
}

static void swap(const void **left, const void **right)
{
    const void *kept = *left;

    *left = *right;
    *right = kept;
}

static void sift_up(kit_heap *heap, size_t at)
{
    while (at > 0) {
        size_t parent = (at - 1) / 2;
        if (heap->order(heap->items[parent], heap->items[at]) <= 0)
            return;
        swap(&heap->items[parent], &heap->items[at]);
        at = parent;
    }
}

static void sift_down(kit_heap *heap, size_t at)
{
    for (;;) {
        size_t first = at;
        for (size_t child = 2 * at + 1; child <= 2 * at + 2 && child < heap->size; child++)
            if (heap->order(heap->items[child], heap->items[first]) < 0)
                first = child;
        if (first == at)
            return;
        swap(&heap->items[first], &heap->items[at]);
        at = first;
    }
}

bool kit_heap_push(kit_heap *heap, const void *item)
{
    if (heap->size == heap->capacity)
        return false;
    heap->items[heap->size] = item;
    sift_up(heap, heap->size++);
    return true;
}

const void *kit_heap_first(const kit_heap *heap)
{
    return heap->size ? heap->items[0] : NULL;
}

const void *kit_heap_pop(kit_heap *heap)
{
    const void *first = kit_heap_first(heap);

    if (first) {
        heap->items[0] = heap->items[--heap->size];
        sift_down(heap, 0);
    }
    return first;
}

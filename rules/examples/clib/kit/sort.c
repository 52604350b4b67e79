#include "kit/sort.h"

#include <string.h>

enum { SMALL = 8 };

static void insert_each(const void **items, size_t size, kit_order *order)
{
    for (size_t i = 1; i < size; i++) {
        const void *item = items[i];
        size_t at = i;
        for (; at > 0 && order(items[at - 1], item) > 0; at--)
            items[at] = items[at - 1];
        items[at] = item;
    }
}

void kit_sort(const void **items, const void **spare, size_t size, kit_order *order)
{
    if (size <= SMALL) {
        insert_each(items, size, order);
        return;
    }
    size_t half = size / 2;
    kit_sort(items, spare, half, order);
    kit_sort(items + half, spare, size - half, order);

    memcpy(spare, items, half * sizeof *items);
    size_t left = 0;
    size_t right = half;
    for (size_t at = 0; left < half; at++) {
        if (right < size && order(items[right], spare[left]) < 0)
            items[at] = items[right++];
        else
            items[at] = spare[left++];
    }
}

#ifndef KIT_SORT_H
#define KIT_SORT_H

#include <stddef.h>

#include "kit/order.h"

/* Sorts pointers by merging; items that are equal keep their order. `spare` has room for as many. */
void kit_sort(const void **items, const void **spare, size_t size, kit_order *order);

#endif

#ifndef KIT_SLICE_H
#define KIT_SLICE_H

#include <stdbool.h>
#include <stddef.h>

/* A run of bytes that belongs to somebody else; need not end in a zero. */
typedef struct {
    const char *start;
    size_t size;
} kit_slice;

kit_slice kit_slice_of(const char *text);
bool kit_slice_equal(kit_slice left, kit_slice right);

/* Negative, zero or positive, by bytes and then by size. */
int kit_slice_compare(kit_slice left, kit_slice right);
bool kit_slice_starts_with(kit_slice slice, kit_slice prefix);
kit_slice kit_slice_trim(kit_slice slice);

/* Takes the part before `separator` off the front of `rest`; false when nothing is left. */
bool kit_slice_split(kit_slice *rest, char separator, kit_slice *part);

/* The whole slice as a decimal number; false when it is not one or does not fit. */
bool kit_slice_to_long(kit_slice slice, long *value);

#endif

#include "kit/slice.h"

#include <limits.h>
#include <string.h>

kit_slice kit_slice_of(const char *text)
{
    return (kit_slice){text, strlen(text)};
}

bool kit_slice_equal(kit_slice left, kit_slice right)
{
    return left.size == right.size && kit_slice_compare(left, right) == 0;
}

int kit_slice_compare(kit_slice left, kit_slice right)
{
    size_t shorter = left.size < right.size ? left.size : right.size;
    int order = shorter ? memcmp(left.start, right.start, shorter) : 0;

    if (order != 0)
        return order;
    return (left.size > right.size) - (left.size < right.size);
}

bool kit_slice_starts_with(kit_slice slice, kit_slice prefix)
{
    return prefix.size <= slice.size && kit_slice_equal((kit_slice){slice.start, prefix.size}, prefix);
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

kit_slice kit_slice_trim(kit_slice slice)
{
    while (slice.size && is_space(slice.start[0])) {
        slice.start++;
        slice.size--;
    }
    while (slice.size && is_space(slice.start[slice.size - 1]))
        slice.size--;
    return slice;
}

bool kit_slice_split(kit_slice *rest, char separator, kit_slice *part)
{
    if (rest->size == 0)
        return false;
    const char *found = memchr(rest->start, separator, rest->size);
    size_t taken = found ? (size_t)(found - rest->start) : rest->size;
    size_t skipped = found ? taken + 1 : taken;

    *part = (kit_slice){rest->start, taken};
    *rest = (kit_slice){rest->start + skipped, rest->size - skipped};
    return true;
}

bool kit_slice_to_long(kit_slice slice, long *value)
{
    bool negative = slice.size && slice.start[0] == '-';
    long sum = 0;

    if (slice.size == (size_t)negative)
        return false;
    for (size_t i = negative; i < slice.size; i++) {
        int digit = slice.start[i] - '0';
        if (digit < 0 || digit > 9 || sum < (LONG_MIN + digit) / 10)
            return false;
        sum = sum * 10 - digit; /* downwards: LONG_MIN has no positive twin */
    }
    if (!negative && sum < -LONG_MAX)
        return false;
    *value = negative ? sum : -sum;
    return true;
}

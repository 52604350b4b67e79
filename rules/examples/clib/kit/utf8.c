#include "kit/utf8.h"

/* How many bytes the first one announces; 0 for a byte that cannot be first. */
static unsigned length_of(unsigned char first)
{
    if (first < 0x80)
        return 1;
    if (first >= 0xc2 && first < 0xe0)
        return 2;
    if (first >= 0xe0 && first < 0xf0)
        return 3;
    return first >= 0xf0 && first < 0xf5 ? 4 : 0;
}

bool kit_utf8_next(kit_slice *rest, uint32_t *code_point)
{
    static const unsigned char first_bits[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
    static const uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
    const unsigned char *at = (const unsigned char *)rest->start;
    unsigned length = rest->size ? length_of(at[0]) : 0;

    if (length == 0 || length > rest->size)
        return false;
    uint32_t value = at[0] & first_bits[length];
    for (unsigned i = 1; i < length; i++) {
        if ((at[i] & 0xc0) != 0x80)
            return false;
        value = value << 6 | (at[i] & 0x3f);
    }
    if (value < smallest[length] || value > 0x10ffff || (value >= 0xd800 && value < 0xe000))
        return false; /* a longer spelling than needed, beyond Unicode, or half of a pair */
    *code_point = value;
    *rest = (kit_slice){rest->start + length, rest->size - length};
    return true;
}

bool kit_utf8_valid(kit_slice slice)
{
    uint32_t ignored;

    while (kit_utf8_next(&slice, &ignored)) {
    }
    return slice.size == 0;
}

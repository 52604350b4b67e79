#include "kit/hash.h"

enum { SHIFT_HIGH = 33, SHIFT_LOW = 29 };

uint64_t kit_hash_mix(uint64_t value)
{
    value ^= value >> SHIFT_HIGH;
    value *= UINT64_C(0xff51afd7ed558ccd);
    value ^= value >> SHIFT_LOW;
    value *= UINT64_C(0xc4ceb9fe1a85ec53);
    value ^= value >> SHIFT_HIGH;
    return value;
}

uint64_t kit_hash(const void *bytes, size_t size)
{
    const unsigned char *at = bytes;
    uint64_t hash = UINT64_C(0xcbf29ce484222325);

    for (size_t i = 0; i < size; i++) {
        hash ^= at[i];
        hash *= UINT64_C(0x100000001b3);
    }
    return kit_hash_mix(hash);
}

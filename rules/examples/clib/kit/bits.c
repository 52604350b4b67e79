#include "kit/bits.h"

static uint64_t mask_of(size_t bit)
{
    return UINT64_C(1) << (bit % KIT_BITS_PER_WORD);
}

void kit_bits_set(uint64_t *words, size_t bit)
{
    words[bit / KIT_BITS_PER_WORD] |= mask_of(bit);
}

void kit_bits_clear(uint64_t *words, size_t bit)
{
    words[bit / KIT_BITS_PER_WORD] &= ~mask_of(bit);
}

bool kit_bits_test(const uint64_t *words, size_t bit)
{
    return (words[bit / KIT_BITS_PER_WORD] & mask_of(bit)) != 0;
}

size_t kit_bits_count(const uint64_t *words, size_t count)
{
    size_t set = 0;

    for (size_t i = 0; i < count; i++)
        for (uint64_t word = words[i]; word; word &= word - 1)
            set++;
    return set;
}

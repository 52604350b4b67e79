#include "kit/random.h"

#include "kit/hash.h"

kit_random kit_random_from(uint64_t seed)
{
    return (kit_random){seed};
}

uint64_t kit_random_next(kit_random *random)
{
    random->state += UINT64_C(0x9e3779b97f4a7c15);
    return kit_hash_mix(random->state);
}

uint64_t kit_random_below(kit_random *random, uint64_t limit)
{
    uint64_t unfair = -limit % limit; /* the first 2^64 mod limit values would come up once too often */
    uint64_t drawn = kit_random_next(random);

    while (drawn < unfair)
        drawn = kit_random_next(random);
    return drawn % limit;
}

void kit_random_shuffle(kit_random *random, const void **items, size_t size)
{
    for (size_t left = size; left > 1; left--) {
        size_t chosen = (size_t)kit_random_below(random, left);
        const void *kept = items[left - 1];
        items[left - 1] = items[chosen];
        items[chosen] = kept;
    }
}

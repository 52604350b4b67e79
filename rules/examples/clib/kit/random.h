#ifndef KIT_RANDOM_H
#define KIT_RANDOM_H

#include <stddef.h>
#include <stdint.h>

/* A stream of numbers that looks random and is the same for the same seed. */
typedef struct {
    uint64_t state;
} kit_random;

kit_random kit_random_from(uint64_t seed);
uint64_t kit_random_next(kit_random *random);

/* A number from 0 to limit - 1, each as likely; `limit` is not 0. */
uint64_t kit_random_below(kit_random *random, uint64_t limit);
void kit_random_shuffle(kit_random *random, const void **items, size_t size);

#endif

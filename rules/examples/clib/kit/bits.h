#ifndef KIT_BITS_H
#define KIT_BITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { KIT_BITS_PER_WORD = 64 };

/* How many words hold `count` bits. */
#define KIT_BITS_WORDS(count) (((count) + KIT_BITS_PER_WORD - 1) / KIT_BITS_PER_WORD)

void kit_bits_set(uint64_t *words, size_t bit);
void kit_bits_clear(uint64_t *words, size_t bit);
bool kit_bits_test(const uint64_t *words, size_t bit);

/* How many of the bits in `count` words are set. */
size_t kit_bits_count(const uint64_t *words, size_t count);

#endif

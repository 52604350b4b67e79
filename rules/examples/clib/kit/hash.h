#ifndef KIT_HASH_H
#define KIT_HASH_H

#include <stddef.h>
#include <stdint.h>

/* A 64-bit hash of some bytes (FNV-1a, then mixed so that all bits are good). Not for adversaries. */
uint64_t kit_hash(const void *bytes, size_t size);

/* Spreads the bits of a number over all 64. */
uint64_t kit_hash_mix(uint64_t value);

#endif

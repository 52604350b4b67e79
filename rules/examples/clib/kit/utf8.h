#ifndef KIT_UTF8_H
#define KIT_UTF8_H

#include <stdbool.h>
#include <stdint.h>

#include "kit/slice.h"

/* Takes one code point off the front of `rest`; false at the end and at bytes that are not UTF-8. */
bool kit_utf8_next(kit_slice *rest, uint32_t *code_point);
bool kit_utf8_valid(kit_slice slice);

#endif

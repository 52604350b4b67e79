#ifndef KIT_WORDS_H
#define KIT_WORDS_H

#include <stdbool.h>

#include "kit/buffer.h"
#include "kit/slice.h"

/* Takes the next word off the front of `rest`, in lower case, into `word`; false when there is none.
   Letters are ASCII letters, an apostrophe between them, and anything beyond ASCII. */
bool kit_words_next(kit_slice *rest, kit_buffer *word);

#endif

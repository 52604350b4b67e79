#include "kit/words.h"

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || ((unsigned char)c >= 0x80);
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

bool kit_words_next(kit_slice *rest, kit_buffer *word)
{
    size_t at = 0;

    word->size = 0;
    while (at < rest->size && !is_letter(rest->start[at]))
        at++;
    for (; at < rest->size; at++) {
        char c = rest->start[at];
        bool joins = c == '\'' && at + 1 < rest->size && is_letter(rest->start[at + 1]);
        if (!is_letter(c) && !joins)
            break;
        kit_buffer_add_char(word, lower(c));
    }
    *rest = (kit_slice){rest->start + at, rest->size - at};
    return word->size > 0;
}

/* wordfreq TEXT REPORT: counts the words of a text and writes the most frequent ones as JSON. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/file.h"
#include "kit/heap.h"
#include "kit/json.h"
#include "kit/map.h"
#include "kit/utf8.h"
#include "kit/words.h"

enum { SHOWN = 5 };

/* Frequent words first; of equally frequent ones, the alphabetically first. */
static int by_count(const void *left, const void *right)
{
    const kit_map_entry *a = left;
    const kit_map_entry *b = right;

    if (a->value != b->value)
        return a->value > b->value ? -1 : 1;
    return strcmp(a->key, b->key);
}

static long count_words(kit_slice text, kit_map *counts)
{
    kit_buffer word = {0};
    long total = 0;

    for (; kit_words_next(&text, &word); total++)
        ++*kit_map_at(counts, kit_buffer_slice(&word));
    kit_buffer_free(&word);
    return total;
}

static void write_top(const kit_map *counts, kit_json_writer *json)
{
    const void **memory = calloc(counts->size + 1, sizeof *memory);

    if (!memory)
        abort();
    kit_heap heap = kit_heap_in(memory, counts->size, by_count);
    for (size_t i = 0; i < counts->capacity; i++)
        if (counts->places[i].key)
            kit_heap_push(&heap, &counts->places[i]);
    for (int shown = 0; shown < SHOWN && heap.size; shown++) {
        const kit_map_entry *entry = kit_heap_pop(&heap);
        kit_json_name(json, (kit_slice){entry->key, entry->key_size});
        kit_json_number(json, entry->value);
    }
    free(memory);
}

int main(int count, char **arguments)
{
    kit_buffer text = {0};
    kit_buffer report = {0};
    kit_map counts = {0};
    kit_json_writer json = {.into = &report};

    if (count != 3) {
        fputs("usage: wordfreq TEXT REPORT\n", stderr);
        return 2;
    }
    if (!file_read(arguments[1], &text))
        return 1;
    if (!kit_utf8_valid(kit_buffer_slice(&text))) {
        fprintf(stderr, "%s: not UTF-8\n", arguments[1]);
        return 1;
    }
    long total = count_words(kit_buffer_slice(&text), &counts);
    kit_json_open(&json, '{');
    kit_json_name(&json, kit_slice_of("words"));
    kit_json_number(&json, total);
    kit_json_name(&json, kit_slice_of("different"));
    kit_json_number(&json, (long)counts.size);
    kit_json_name(&json, kit_slice_of("top"));
    kit_json_open(&json, '{');
    write_top(&counts, &json);
    kit_json_close(&json, '}');
    kit_json_close(&json, '}');
    kit_buffer_add_char(&report, '\n');

    bool written = file_write(arguments[2], kit_buffer_slice(&report));
    kit_buffer_free(&text);
    kit_buffer_free(&report);
    kit_map_free(&counts);
    return written ? 0 : 1;
}

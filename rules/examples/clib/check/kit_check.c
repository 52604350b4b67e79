/* kit_check REPORT: runs every check of the library, writes one line each, fails if one does. */

#include <stdio.h>
#include <string.h>

#include "kit/bits.h"
#include "kit/heap.h"
#include "kit/json.h"
#include "kit/map.h"
#include "kit/random.h"
#include "kit/sort.h"
#include "kit/utf8.h"
#include "kit/words.h"

enum { MANY = 1000 };

static int by_number(const void *left, const void *right)
{
    long a = *(const long *)left;
    long b = *(const long *)right;

    return (a > b) - (a < b);
}

static bool slices_split_and_convert(void)
{
    kit_slice rest = kit_slice_of(" 12,,-7");
    kit_slice part;
    long number = 0;
    bool ok = kit_slice_split(&rest, ',', &part) && kit_slice_to_long(kit_slice_trim(part), &number) && number == 12;

    ok = ok && kit_slice_split(&rest, ',', &part) && part.size == 0 && !kit_slice_to_long(part, &number);
    ok = ok && kit_slice_split(&rest, ',', &part) && kit_slice_to_long(part, &number) && number == -7;
    ok = ok && !kit_slice_split(&rest, ',', &part);
    return ok && !kit_slice_to_long(kit_slice_of("9223372036854775808"), &number);
}

static bool a_map_keeps_what_it_was_given(void)
{
    kit_map map = {0};
    char name[32];
    bool ok = kit_map_find(&map, kit_slice_of("n0")) == NULL;

    for (long i = 0; i < MANY; i++) {
        snprintf(name, sizeof name, "n%ld", i);
        *kit_map_at(&map, kit_slice_of(name)) = i;
    }
    for (long i = 0; i < MANY; i++) {
        snprintf(name, sizeof name, "n%ld", i);
        const long *found = kit_map_find(&map, kit_slice_of(name));
        ok = ok && found && *found == i;
    }
    ok = ok && map.size == MANY && !kit_map_find(&map, kit_slice_of("n1000"));
    kit_map_free(&map);
    return ok;
}

static bool a_heap_and_a_sort_agree(void)
{
    static long numbers[MANY];
    static const void *sorted[MANY];
    static const void *memory[MANY];
    kit_heap heap = kit_heap_in(memory, MANY, by_number);
    kit_random random = kit_random_from(7);
    bool ok = true;

    for (size_t i = 0; i < MANY; i++) {
        numbers[i] = (long)kit_random_below(&random, 100);
        sorted[i] = &numbers[i];
        ok = ok && kit_heap_push(&heap, &numbers[i]);
    }
    ok = ok && !kit_heap_push(&heap, &numbers[0]);
    static const void *spare[MANY];
    kit_sort(sorted, spare, MANY, by_number);
    for (size_t i = 0; i < MANY; i++) {
        ok = ok && by_number(sorted[i], kit_heap_pop(&heap)) == 0;
        ok = ok && (i == 0 || by_number(sorted[i - 1], sorted[i]) < 0 ||
                    (by_number(sorted[i - 1], sorted[i]) == 0 && sorted[i - 1] < sorted[i])); /* stable */
    }
    return ok && kit_heap_pop(&heap) == NULL;
}

static bool a_shuffle_keeps_everything(void)
{
    static long numbers[MANY];
    static const void *items[MANY];
    uint64_t seen[KIT_BITS_WORDS(MANY)] = {0};
    kit_random random = kit_random_from(42);
    long moved = 0;

    for (long i = 0; i < MANY; i++) {
        numbers[i] = i;
        items[i] = &numbers[i];
    }
    kit_random_shuffle(&random, items, MANY);
    for (long i = 0; i < MANY; i++) {
        long number = *(const long *)items[i];
        kit_bits_set(seen, (size_t)number);
        moved += number != i;
    }
    bool all = kit_bits_count(seen, KIT_BITS_WORDS(MANY)) == MANY && moved > MANY / 2;
    kit_bits_clear(seen, 3);
    return all && !kit_bits_test(seen, 3) && kit_bits_test(seen, 4);
}

static bool text_is_utf8_or_it_is_not(void)
{
    return kit_utf8_valid(kit_slice_of("gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x8e\xb2")) &&
           !kit_utf8_valid(kit_slice_of("\xc0\xaf")) && !kit_utf8_valid(kit_slice_of("\xed\xa0\x80")) &&
           !kit_utf8_valid(kit_slice_of("\xe2\x82"));
}

static bool words_are_lower_case_and_keep_apostrophes(void)
{
    kit_slice rest = kit_slice_of("The Miller's cat' -- 3x");
    kit_buffer word = {0};
    const char *expected[] = {"the", "miller's", "cat", "x"};
    bool ok = true;

    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++)
        ok = ok && kit_words_next(&rest, &word) && kit_slice_equal(kit_buffer_slice(&word), kit_slice_of(expected[i]));
    ok = ok && !kit_words_next(&rest, &word);
    kit_buffer_free(&word);
    return ok;
}

static bool written_json_is_valid_json(void)
{
    kit_buffer text = {0};
    kit_json_writer json = {.into = &text};

    kit_json_open(&json, '[');
    kit_json_text(&json, kit_slice_of("a \"quote\", a \\ and a \n"));
    kit_json_open(&json, '{');
    kit_json_name(&json, kit_slice_of("n"));
    kit_json_number(&json, -1);
    kit_json_close(&json, '}');
    kit_json_close(&json, ']');
    bool ok = kit_slice_equal(kit_buffer_slice(&text), kit_slice_of("[\"a \\\"quote\\\", a \\\\ and a \\u000a\",{\"n\":-1}]"));
    ok = ok && kit_json_valid(kit_buffer_slice(&text)) && kit_json_valid(kit_slice_of(" [1.5e-3, true, {}] "));
    kit_buffer_free(&text);
    return ok && !kit_json_valid(kit_slice_of("[1,]")) && !kit_json_valid(kit_slice_of("01")) &&
           !kit_json_valid(kit_slice_of("{\"a\" 1}")) && !kit_json_valid(kit_slice_of("\"\\x\""));
}

typedef struct {
    const char *name;
    bool (*holds)(void);
} check;

static const check checks[] = {
    {"slices split and convert", slices_split_and_convert},
    {"a map keeps what it was given", a_map_keeps_what_it_was_given},
    {"a heap and a sort agree", a_heap_and_a_sort_agree},
    {"a shuffle keeps everything", a_shuffle_keeps_everything},
    {"text is UTF-8 or it is not", text_is_utf8_or_it_is_not},
    {"words are lower case and keep apostrophes", words_are_lower_case_and_keep_apostrophes},
    {"written JSON is valid JSON", written_json_is_valid_json},
};

int main(int count, char **arguments)
{
    FILE *report = count == 2 ? fopen(arguments[1], "w") : NULL;
    int failed = 0;

    if (!report) {
        fputs("usage: kit_check REPORT\n", stderr);
        return 2;
    }
    for (size_t i = 0; i < sizeof checks / sizeof *checks; i++) {
        bool ok = checks[i].holds();
        failed += !ok;
        fprintf(report, "%s %s\n", ok ? "ok    " : "FAILED", checks[i].name);
        if (!ok)
            fprintf(stderr, "FAILED %s\n", checks[i].name);
    }
    return fclose(report) != 0 || failed ? 1 : 0;
}

#include <string.h>

#include "kit/json.h"
#include "kit/utf8.h"

enum { DEEPEST = 64 };

static bool value(kit_slice *rest, int depth);

static bool take(kit_slice *rest, const char *text)
{
    kit_slice wanted = kit_slice_of(text);

    if (!kit_slice_starts_with(*rest, wanted))
        return false;
    *rest = (kit_slice){rest->start + wanted.size, rest->size - wanted.size};
    return true;
}

/* At least one character of `allowed`, and all there are. */
static bool take_all(kit_slice *rest, const char *allowed)
{
    size_t taken = 0;

    while (taken < rest->size && rest->start[taken] && strchr(allowed, rest->start[taken]))
        taken++;
    *rest = (kit_slice){rest->start + taken, rest->size - taken};
    return taken > 0;
}

static bool string(kit_slice *rest)
{
    uint32_t c;

    if (!take(rest, "\""))
        return false;
    while (kit_utf8_next(rest, &c) && c >= 0x20) {
        if (c == '"')
            return true;
        if (c == '\\' && take(rest, "u")) {
            for (int i = 0; i < 4; i++)
                if (!kit_utf8_next(rest, &c) || c > 'f' || !c || !strchr("0123456789abcdefABCDEF", (int)c))
                    return false;
        } else if (c == '\\' && (!kit_utf8_next(rest, &c) || c > 't' || !c || !strchr("\"\\/bfnrt", (int)c))) {
            return false;
        }
    }
    return false;
}

static bool number(kit_slice *rest)
{
    static const char digits[] = "0123456789";

    take(rest, "-");
    if (!take(rest, "0") && !take_all(rest, digits))
        return false;
    if (take(rest, ".") && !take_all(rest, digits))
        return false;
    if (take(rest, "e") || take(rest, "E")) {
        if (!take(rest, "+"))
            take(rest, "-");
        return take_all(rest, digits);
    }
    return true;
}

static bool items(kit_slice *rest, int depth, const char *close, bool named)
{
    *rest = kit_slice_trim(*rest);
    if (take(rest, close))
        return true;
    do {
        *rest = kit_slice_trim(*rest);
        if (named) {
            if (!string(rest))
                return false;
            *rest = kit_slice_trim(*rest);
            if (!take(rest, ":"))
                return false;
        }
        if (!value(rest, depth))
            return false;
        *rest = kit_slice_trim(*rest);
    } while (take(rest, ","));
    return take(rest, close);
}

static bool value(kit_slice *rest, int depth)
{
    *rest = kit_slice_trim(*rest);
    if (take(rest, "{"))
        return depth < DEEPEST && items(rest, depth + 1, "}", true);
    if (take(rest, "["))
        return depth < DEEPEST && items(rest, depth + 1, "]", false);
    return take(rest, "true") || take(rest, "false") || take(rest, "null") || string(rest) || number(rest);
}

bool kit_json_valid(kit_slice text)
{
    return value(&text, 0) && kit_slice_trim(text).size == 0;
}

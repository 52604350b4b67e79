#include "kit/json.h"

static void separate(kit_json_writer *writer)
{
    if (writer->needs_comma)
        kit_buffer_add_char(writer->into, ',');
    writer->needs_comma = true;
}

static void quote(kit_buffer *into, kit_slice text)
{
    static const char hex[] = "0123456789abcdef";

    kit_buffer_add_char(into, '"');
    for (size_t i = 0; i < text.size; i++) {
        unsigned char c = (unsigned char)text.start[i];
        if (c < 0x20) {
            kit_buffer_add(into, kit_slice_of("\\u00"));
            kit_buffer_add_char(into, hex[c >> 4]);
            kit_buffer_add_char(into, hex[c & 0x0f]);
            continue;
        }
        if (c == '"' || c == '\\')
            kit_buffer_add_char(into, '\\');
        kit_buffer_add_char(into, (char)c);
    }
    kit_buffer_add_char(into, '"');
}

void kit_json_open(kit_json_writer *writer, char bracket)
{
    separate(writer);
    kit_buffer_add_char(writer->into, bracket);
    writer->needs_comma = false;
}

void kit_json_close(kit_json_writer *writer, char bracket)
{
    kit_buffer_add_char(writer->into, bracket);
    writer->needs_comma = true;
}

void kit_json_name(kit_json_writer *writer, kit_slice name)
{
    separate(writer);
    quote(writer->into, name);
    kit_buffer_add_char(writer->into, ':');
    writer->needs_comma = false;
}

void kit_json_text(kit_json_writer *writer, kit_slice text)
{
    separate(writer);
    quote(writer->into, text);
}

void kit_json_number(kit_json_writer *writer, long number)
{
    separate(writer);
    kit_buffer_add_long(writer->into, number);
}

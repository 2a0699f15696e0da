// SPDX-License-Identifier: Apache-2.0
// Bounded text: appending, escaping for people and for JSON, checking names.
#include "base/text.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/check.h"

struct text text_over(char *bytes, size_t size_bytes)
{
    SB_ASSERT(size_bytes > 0);
    bytes[0] = '\0';
    return (struct text){.bytes = bytes, .size_bytes = size_bytes};
}

void text_add_bytes(struct text *text, const char *bytes, size_t count)
{
    size_t room = text->size_bytes - 1 - text->length;
    if (count > room) {
        count = room;
        text->is_cut = true;
    }
    if (count > 0) {
        memcpy(text->bytes + text->length, bytes, count);
        text->length += count;
    }
    text->bytes[text->length] = '\0';
}

void text_add(struct text *text, const char *string)
{
    text_add_bytes(text, string, strlen(string));
}

void text_add_format_list(struct text *text, const char *format, va_list list)
{
    size_t room = text->size_bytes - text->length;
    int wanted = vsnprintf(text->bytes + text->length, room, format, list);
    if (wanted < 0) {
        text->bytes[text->length] = '\0';
        text->is_cut = true;
    } else if ((size_t)wanted >= room) {
        text->length = text->size_bytes - 1;
        text->is_cut = true;
    } else {
        text->length += (size_t)wanted;
    }
}

void text_add_format(struct text *text, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    text_add_format_list(text, format, list);
    va_end(list);
}

// The smallest code point that a sequence of this length may encode: shorter ones are overlong.
static const uint32_t utf8_smallest[] = {0, 0, 0x80, 0x800, 0x10000};

size_t text_utf8_length(const char *bytes, size_t count)
{
    if (count == 0) {
        return 0;
    }
    unsigned char first = (unsigned char)bytes[0];
    size_t length = first < 0x80             ? 1
                    : (first & 0xe0) == 0xc0 ? 2
                    : (first & 0xf0) == 0xe0 ? 3
                    : (first & 0xf8) == 0xf0 ? 4
                                             : 0;
    if (length <= 1 || length > count) {
        return length == 1 ? 1 : 0;
    }
    uint32_t point = first & (0x7fU >> length);
    for (size_t i = 1; i < length; i++) {
        unsigned char next = (unsigned char)bytes[i];
        if ((next & 0xc0) != 0x80) {
            return 0;
        }
        point = (point << 6) | (next & 0x3fU);
    }
    bool is_surrogate = point >= 0xd800 && point <= 0xdfff;
    return point >= utf8_smallest[length] && point <= 0x10ffff && !is_surrogate ? length : 0;
}

static void add_json_character(struct text *text, unsigned char byte)
{
    switch (byte) {
    case '"':
        text_add(text, "\\\"");
        break;
    case '\\':
        text_add(text, "\\\\");
        break;
    case '\n':
        text_add(text, "\\n");
        break;
    case '\t':
        text_add(text, "\\t");
        break;
    case '\r':
        text_add(text, "\\r");
        break;
    default:
        if (byte < 0x20 || byte == 0x7f) {
            text_add_format(text, "\\u%04x", byte);
        } else {
            char character = (char)byte;
            text_add_bytes(text, &character, 1);
        }
    }
}

void text_add_json(struct text *text, const char *bytes, size_t count)
{
    text_add(text, "\"");
    for (size_t i = 0; i < count;) {
        size_t length = text_utf8_length(bytes + i, count - i);
        if (length == 0) {
            text_add(text, "\\ufffd");
            i++;
        } else if (length == 1) {
            add_json_character(text, (unsigned char)bytes[i]);
            i++;
        } else {
            text_add_bytes(text, bytes + i, length);
            i += length;
        }
    }
    text_add(text, "\"");
}

void text_add_escaped(struct text *text, const char *bytes, size_t count)
{
    for (size_t i = 0; i < count;) {
        size_t length = text_utf8_length(bytes + i, count - i);
        unsigned char first = (unsigned char)bytes[i];
        bool is_control = first < 0x20 || first == 0x7f ||
                          (first == 0xc2 && length == 2 && (unsigned char)bytes[i + 1] < 0xa0);
        if (length == 0 || (is_control && first != '\t')) {
            text_add_format(text, "\\x%02x", first);
            i++;
        } else {
            text_add_bytes(text, bytes + i, length);
            i += length;
        }
    }
}

bool text_copy(char *to, size_t size_bytes, const char *from)
{
    SB_ASSERT(size_bytes > 0);
    size_t length = strnlen(from, size_bytes);
    bool is_whole = length < size_bytes;
    if (!is_whole) {
        length = size_bytes - 1;
    }
    memcpy(to, from, length);
    to[length] = '\0';
    return is_whole;
}

bool text_is_id(const char *string)
{
    size_t length = strnlen(string, 64);
    if (length == 0 || length > 63 || string[0] < 'a' || string[0] > 'z') {
        return false;
    }
    for (size_t i = 1; i < length; i++) {
        char c = string[i];
        bool is_allowed = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
        if (!is_allowed) {
            return false;
        }
    }
    return true;
}

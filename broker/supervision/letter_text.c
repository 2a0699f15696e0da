// SPDX-License-Identifier: Apache-2.0
// Writes heads and names of dead letter files.
#include "broker/supervision/letter_text.h"

#include <errno.h>
#include <string.h>

#include "base/text.h"

#define FORMAT_BYTES 256

static void add_line(struct text *text, const char *key, const char *value)
{
    text_add_format(text, "%s: ", key);
    text_add_escaped(text, value, strlen(value));
    text_add(text, "\n");
}

static void add_number(struct text *text, const char *key, uint64_t value)
{
    text_add_format(text, "%s: %llu\n", key, (unsigned long long)value);
}

int letter_text_head(const struct dead_letter *letter, const struct sb_format *format, char *out,
                     size_t size_bytes)
{
    struct text text = text_over(out, size_bytes);
    text_add(&text, LETTER_MAGIC);
    add_line(&text, "node", letter->node);
    add_line(&text, "to", letter->to);
    add_line(&text, "link", letter->link);
    add_number(&text, "seq", letter->seq);
    add_number(&text, "deaths", letter->deaths);
    add_line(&text, "reason", letter->reason);
    if (format != NULL) {
        char words[FORMAT_BYTES];
        sb_format_text(format, words, sizeof words);
        add_line(&text, "format", words);
    }
    return text.is_cut ? -E2BIG : 0;
}

void letter_text_frame(const struct frame_header *header, uint64_t payload_bytes, char *out,
                       size_t size_bytes)
{
    struct text text = text_over(out, size_bytes);
    add_number(&text, "number", header->number);
    text_add_format(&text, "pts-ns: %lld\n", (long long)header->pts_ns);
    text_add_format(&text, "duration-ns: %lld\n", (long long)header->duration_ns);
    add_number(&text, "flags", header->flags);
    add_number(&text, "trace-id", header->trace_id);
    add_number(&text, "job-id", header->job_id);
    add_number(&text, "payload-bytes", payload_bytes);
    text_add(&text, "\n");
}

void letter_text_name(const struct dead_letter *letter, int64_t wall_ms, char *out,
                      size_t size_bytes)
{
    struct text text = text_over(out, size_bytes);
    text_add_format(&text, "%013lld-%s-%u-%llu" LETTER_SUFFIX, (long long)wall_ms, letter->node,
                    letter->link_id, (unsigned long long)letter->seq);
}

bool letter_text_is_name(const char *name)
{
    size_t length = strlen(name);
    size_t suffix = sizeof LETTER_SUFFIX - 1;
    return length > suffix && name[0] != '.' && strchr(name, '/') == NULL &&
           strcmp(name + length - suffix, LETTER_SUFFIX) == 0;
}

// SPDX-License-Identifier: Apache-2.0
// Takes the lines of a dead letter apart.
#include "processors/common/letter_file.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "processors/iceoryx/format_words.h"

#define LINE_BYTES 2048
#define LINES_MAX 64
#define PAYLOAD_BYTES_MAX (UINT64_C(1) << 30)

static int refuse(char text[LETTER_FILE_TEXT_BYTES], const char *what, const char *value)
{
    snprintf(text, LETTER_FILE_TEXT_BYTES, "%.60s '%.60s'", what, value);
    return -EPROTO;
}

static bool take_number(const char *value, uint64_t max, uint64_t *out_number)
{
    char *end;
    errno = 0;
    unsigned long long number = strtoull(value, &end, 10);
    *out_number = number;
    return value[0] >= '0' && value[0] <= '9' && errno == 0 && *end == '\0' && number <= max;
}

static bool take_uint32(const char *value, uint32_t *out_number)
{
    uint64_t number;
    bool is_good = take_number(value, UINT32_MAX, &number);
    *out_number = is_good ? (uint32_t)number : 0;
    return is_good;
}

static bool take_time(const char *value, int64_t *out_ns)
{
    char *end;
    errno = 0;
    long long number = strtoll(value, &end, 10);
    *out_ns = number;
    return end != value && errno == 0 && *end == '\0';
}

// -1 when it does not know the key.
static int take_value(struct letter_file *letter, const char *key, const char *value)
{
    const struct {
        const char *key;
        uint64_t *to;
        uint64_t max;
    } numbers[] = {
        {"number", &letter->number, UINT64_MAX},
        {"trace-id", &letter->trace_id, UINT64_MAX},
        {"job-id", &letter->job_id, UINT64_MAX},
        {"payload-bytes", &letter->payload_bytes, PAYLOAD_BYTES_MAX},
    };
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        if (strcmp(key, numbers[i].key) == 0) {
            return take_number(value, numbers[i].max, numbers[i].to);
        }
    }
    if (strcmp(key, "format") == 0) {
        return format_words_read(value, &letter->format) == 0;
    }
    if (strcmp(key, "flags") == 0) {
        return take_uint32(value, &letter->flags);
    }
    if (strcmp(key, "pts-ns") == 0) {
        return take_time(value, &letter->pts_ns);
    }
    return strcmp(key, "duration-ns") == 0 ? take_time(value, &letter->duration_ns) : -1;
}

static int take_line(struct letter_file *letter, char *line, char text[LETTER_FILE_TEXT_BYTES])
{
    char *value = strstr(line, ": ");
    if (value == NULL) {
        return refuse(text, "no line of a letter:", line);
    }
    *value = '\0';
    value += 2;
    int taken = take_value(letter, line, value);
    return taken != 0 ? 0 : refuse(text, line, value);
}

static int check(const struct letter_file *letter, char text[LETTER_FILE_TEXT_BYTES])
{
    if (sb_format_check(&letter->format) != 0) {
        return refuse(text, "no valid format:", sb_format_kind_name(letter->format.kind));
    }
    uint64_t frame_bytes = sb_format_frame_bytes(&letter->format);
    if (letter->payload_bytes == 0 || (frame_bytes != 0 && frame_bytes != letter->payload_bytes)) {
        return refuse(text, "the payload does not fit the format:", "payload-bytes");
    }
    return 0;
}

int letter_file_read_head(FILE *file, struct letter_file *out_letter,
                          char out_text[LETTER_FILE_TEXT_BYTES])
{
    struct letter_file letter = {.number = 0};
    char line[LINE_BYTES];
    for (int i = 0; i < LINES_MAX && fgets(line, sizeof line, file) != NULL; i++) {
        char *end = strchr(line, '\n');
        if (end == NULL) {
            break;
        }
        *end = '\0';
        if (i == 0 && strcmp(line, "streambroker-letter: 1") != 0) {
            return refuse(out_text, "no dead letter, it begins with", line);
        }
        int failed =
            line[0] == '\0' ? check(&letter, out_text) : take_line(&letter, line, out_text);
        if (failed != 0) {
            return failed;
        }
        if (line[0] == '\0') {
            *out_letter = letter;
            return 0;
        }
    }
    snprintf(out_text, LETTER_FILE_TEXT_BYTES, "%s",
             ferror(file) ? "cannot be read" : "it ends before its payload");
    return ferror(file) ? -EIO : -EPROTO;
}

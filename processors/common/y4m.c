// SPDX-License-Identifier: Apache-2.0
// YUV4MPEG2 headers: one line of words for the file, one line for each frame.
#include "processors/common/y4m.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static int refuse(FILE *file, char *text, const char *what)
{
    snprintf(text, Y4M_TEXT_BYTES, "%s at byte %ld", ferror(file) ? "cannot be read" : what,
             ftell(file));
    return ferror(file) ? -EIO : -EPROTO;
}

// A line without its end. Returns 1; 0 when the file ends before the first byte; -1 when the line
// is too long or not ended.
static int read_line(FILE *file, char line[Y4M_HEADER_BYTES_MAX])
{
    size_t count = 0;
    for (;;) {
        int byte = getc(file);
        if (byte == '\n') {
            line[count] = '\0';
            return 1;
        }
        if (byte == EOF || byte == '\0' || count == Y4M_HEADER_BYTES_MAX - 1) {
            return byte == EOF && count == 0 && !ferror(file) ? 0 : -1;
        }
        line[count++] = (char)byte;
    }
}

static bool read_number(const char *text, char end, uint32_t *out_value)
{
    char *stop = NULL;
    if (*text < '0' || *text > '9') {
        return false;
    }
    errno = 0;
    unsigned long value = strtoul(text, &stop, 10);
    if (errno != 0 || *stop != end || value > UINT32_MAX) {
        return false;
    }
    *out_value = (uint32_t)value;
    return true;
}

static bool read_rate(const char *text, struct sb_video_format *format)
{
    const char *colon = strchr(text, ':');
    return colon != NULL && read_number(text, ':', &format->fps_numerator) &&
           read_number(colon + 1, '\0', &format->fps_denominator);
}

static bool read_word(const char *word, struct sb_video_format *format)
{
    const char *value = word + 1;
    if (word[0] == 'W') {
        return read_number(value, '\0', &format->width);
    }
    if (word[0] == 'H') {
        return read_number(value, '\0', &format->height);
    }
    if (word[0] == 'F') {
        return read_rate(value, format);
    }
    if (word[0] == 'C') {
        static const char *const known[] = {"420", "420jpeg", "420mpeg2", "420paldv"};
        for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
            if (strcmp(value, known[i]) == 0) {
                return true;
            }
        }
        format->pixel = SB_PIXEL_GRAY8;
        return strcmp(value, "mono") == 0;
    }
    return true;  // interlacing, aspect and comments do not change the bytes
}

int y4m_read_header(FILE *file, struct sb_video_format *out_format, char out_text[Y4M_TEXT_BYTES])
{
    char line[Y4M_HEADER_BYTES_MAX];
    if (read_line(file, line) != 1 || strncmp(line, "YUV4MPEG2 ", 10) != 0) {
        return refuse(file, out_text, "no YUV4MPEG2 line");
    }
    struct sb_format format = {.kind = SB_FORMAT_VIDEO, .video = {.pixel = SB_PIXEL_I420}};
    char *rest = NULL;
    for (char *word = strtok_r(line + 10, " ", &rest); word != NULL;
         word = strtok_r(NULL, " ", &rest)) {
        if (!read_word(word, &format.video)) {
            snprintf(out_text, Y4M_TEXT_BYTES, "cannot use '%s' of the first line", word);
            return -EPROTO;
        }
    }
    if (format.video.fps_numerator == 0 || format.video.fps_denominator == 0) {
        format.video.fps_numerator = 0;
        format.video.fps_denominator = 0;
    }
    if (sb_format_check(&format) < 0) {
        return refuse(file, out_text, "a size out of bounds");
    }
    *out_format = format.video;
    return 0;
}

int y4m_read_frame_line(FILE *file, char out_text[Y4M_TEXT_BYTES])
{
    char line[Y4M_HEADER_BYTES_MAX] = "";
    int result = read_line(file, line);
    if (result == 0) {
        return 0;
    }
    if (result < 0 || strncmp(line, "FRAME", 5) != 0 || (line[5] != '\0' && line[5] != ' ')) {
        return refuse(file, out_text, "no FRAME line");
    }
    return 1;
}

int y4m_can_hold(enum sb_pixel pixel)
{
    return pixel == SB_PIXEL_I420 || pixel == SB_PIXEL_GRAY8;
}

int y4m_make_header(const struct sb_video_format *format, char out_line[Y4M_HEADER_BYTES_MAX])
{
    bool is_rated = format->fps_numerator != 0;
    return snprintf(out_line, Y4M_HEADER_BYTES_MAX, "YUV4MPEG2 W%u H%u F%u:%u Ip A1:1 C%s\n",
                    format->width, format->height, is_rated ? format->fps_numerator : 30,
                    is_rated ? format->fps_denominator : 1,
                    format->pixel == SB_PIXEL_GRAY8 ? "mono" : "420jpeg");
}

// SPDX-License-Identifier: Apache-2.0
// Reads a format word by word.
#include "processors/iceoryx/format_words.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WORDS_MAX 8
#define TEXT_BYTES_MAX 256

// A decimal number at *at that ends with `end`; *at is moved behind that.
static bool read_number(const char **at, char end, uint32_t *out)
{
    char *rest;
    if (**at < '0' || **at > '9') {
        return false;
    }
    errno = 0;
    unsigned long value = strtoul(*at, &rest, 10);
    if (errno != 0 || value > UINT32_MAX || *rest != end) {
        return false;
    }
    *out = (uint32_t)value;
    *at = end == '\0' ? rest : rest + 1;
    return true;
}

static bool read_video(char **words, size_t count, struct sb_video_format *video)
{
    if (count != 3 && count != 4) {
        return false;
    }
    const char *size = words[2];
    const char *rate = count == 4 ? words[3] : "0/0";
    video->pixel = sb_pixel_from_name(words[1]);
    return read_number(&size, 'x', &video->width) && read_number(&size, '\0', &video->height) &&
           read_number(&rate, '/', &video->fps_numerator) &&
           read_number(&rate, '\0', &video->fps_denominator);
}

static bool read_audio(char **words, size_t count, struct sb_audio_format *audio)
{
    size_t at = 3;
    if (count < 4) {
        return false;
    }
    const char *rate = words[2];
    at += strcmp(words[at], "Hz") == 0;
    if (at == count) {
        return false;
    }
    const char *channels = words[at++];
    at += at < count && (strcmp(words[at], "channels") == 0 || strcmp(words[at], "channel") == 0);
    audio->sample = sb_sample_from_name(words[1]);
    return at == count && read_number(&rate, '\0', &audio->rate) &&
           read_number(&channels, '\0', &audio->channels);
}

static bool read_tensor(char **words, size_t count, struct sb_tensor_format *tensor)
{
    if (count != 3) {
        return false;
    }
    const char *shape = words[2];
    tensor->element = sb_element_from_name(words[1]);
    while (tensor->rank < SB_TENSOR_RANK_MAX) {
        uint32_t *axis = &tensor->shape[tensor->rank++];
        if (read_number(&shape, '\0', axis)) {
            return true;
        }
        if (!read_number(&shape, 'x', axis)) {
            return false;
        }
    }
    return false;
}

static bool read_name(char **words, size_t count, char name[SB_FORMAT_NAME_MAX])
{
    if (count > 2 || (count == 2 && strlen(words[1]) >= SB_FORMAT_NAME_MAX)) {
        return false;
    }
    snprintf(name, SB_FORMAT_NAME_MAX, "%s", count == 2 ? words[1] : "");
    return true;
}

static bool read_format(char **words, size_t count, struct sb_format *format)
{
    format->kind = sb_format_kind_from_name(words[0]);
    switch (format->kind) {
    case SB_FORMAT_VIDEO:
        return read_video(words, count, &format->video);
    case SB_FORMAT_AUDIO:
        return read_audio(words, count, &format->audio);
    case SB_FORMAT_TENSOR:
        return read_tensor(words, count, &format->tensor);
    case SB_FORMAT_BINARY:
    case SB_FORMAT_MESSAGE:
        return read_name(words, count, format->name);
    case SB_FORMAT_TEXT:
        return count == 1;
    case SB_FORMAT_NONE:
    default:
        return false;
    }
}

int format_words_read(const char *text, struct sb_format *out_format)
{
    char copy[TEXT_BYTES_MAX];
    char *words[WORDS_MAX];
    char *rest = copy;
    size_t count = 0;
    struct sb_format format = {.kind = SB_FORMAT_NONE};
    if (strlen(text) >= sizeof copy) {
        return -EINVAL;
    }
    memcpy(copy, text, strlen(text) + 1);
    for (char *word; (word = strtok_r(rest, " ", &rest)) != NULL;) {
        if (count == WORDS_MAX) {
            return -EINVAL;
        }
        words[count++] = word;
    }
    if (count == 0 || !read_format(words, count, &format) || sb_format_check(&format) < 0) {
        return -EINVAL;
    }
    *out_format = format;
    return 0;
}

// SPDX-License-Identifier: Apache-2.0
// WAV headers: RIFF chunks with PCM of 16 or 32 bit, or floating point of 32 bit.
#include "processors/common/wav.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#define TAG_PCM 1
#define TAG_FLOAT 3
#define TAG_EXTENSIBLE 0xfffe
#define FMT_BYTES_MIN 16
#define FMT_BYTES_MAX 64
#define CHUNKS_MAX 64

static uint32_t get_u32(const uint8_t *bytes)
{
    return (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 |
           (uint32_t)bytes[3] << 24;
}

static uint32_t get_u16(const uint8_t *bytes)
{
    return (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8;
}

static void put_u32(uint8_t *bytes, uint32_t value)
{
    for (int i = 0; i < 4; i++) {
        bytes[i] = (uint8_t)(value >> (8 * i));
    }
}

static void put_u16(uint8_t *bytes, uint32_t value)
{
    bytes[0] = (uint8_t)value;
    bytes[1] = (uint8_t)(value >> 8);
}

static int refuse(FILE *file, char *text, const char *what)
{
    if (ferror(file)) {
        snprintf(text, WAV_TEXT_BYTES, "cannot be read at byte %ld", ftell(file));
        return -EIO;
    }
    snprintf(text, WAV_TEXT_BYTES, "not a WAV file that can be read: %s at byte %ld", what,
             ftell(file));
    return -EPROTO;
}

static bool read_exactly(FILE *file, void *bytes, size_t count)
{
    return fread(bytes, 1, count, file) == count;
}

// Reads on instead of seeking: the file may be a pipe.
static bool skip(FILE *file, uint64_t count)
{
    while (count > 0) {
        if (getc(file) == EOF) {
            return false;
        }
        count--;
    }
    return true;
}

static int read_fmt(FILE *file, uint32_t size, struct sb_audio_format *out_format, char *text)
{
    uint8_t bytes[FMT_BYTES_MAX];
    if (size < FMT_BYTES_MIN || size > FMT_BYTES_MAX) {
        return refuse(file, text, "a format chunk of an odd size");
    }
    if (!read_exactly(file, bytes, size)) {
        return refuse(file, text, "the end of the file in the format chunk");
    }
    uint32_t tag = get_u16(bytes);
    if (tag == TAG_EXTENSIBLE && size >= 26) {
        tag = get_u16(bytes + 24);
    }
    uint32_t bits = get_u16(bytes + 14);
    enum sb_sample sample = SB_SAMPLE_NONE;
    if (tag == TAG_PCM && bits == 16) {
        sample = SB_SAMPLE_S16;
    } else if (tag == TAG_PCM && bits == 32) {
        sample = SB_SAMPLE_S32;
    } else if (tag == TAG_FLOAT && bits == 32) {
        sample = SB_SAMPLE_F32;
    } else {
        return refuse(file, text, "samples that are not PCM of 16 or 32 bit or float of 32 bit,");
    }
    struct sb_format format = {.kind = SB_FORMAT_AUDIO,
                               .audio = {sample, get_u32(bytes + 4), get_u16(bytes + 2)}};
    if (sb_format_check(&format) < 0) {
        return refuse(file, text, "a rate or number of channels out of bounds");
    }
    *out_format = format.audio;
    return 0;
}

int wav_read_header(FILE *file, struct sb_audio_format *out_format, uint64_t *out_data_bytes,
                    char out_text[WAV_TEXT_BYTES])
{
    uint8_t head[12];
    if (!read_exactly(file, head, sizeof head) || memcmp(head, "RIFF", 4) != 0 ||
        memcmp(head + 8, "WAVE", 4) != 0) {
        return refuse(file, out_text, "no RIFF and WAVE");
    }
    struct sb_audio_format format = {0};
    for (int i = 0; i < CHUNKS_MAX; i++) {
        uint8_t chunk[8];
        if (!read_exactly(file, chunk, sizeof chunk)) {
            return refuse(file, out_text, "the end of the file before the samples");
        }
        uint32_t size = get_u32(chunk + 4);
        if (memcmp(chunk, "fmt ", 4) == 0) {
            int result = read_fmt(file, size, &format, out_text);
            if (result < 0) {
                return result;
            }
        } else if (memcmp(chunk, "data", 4) == 0) {
            if (format.sample == SB_SAMPLE_NONE) {
                return refuse(file, out_text, "samples before the format");
            }
            *out_format = format;
            *out_data_bytes = size == UINT32_MAX || size == 0 ? UINT64_MAX : size;
            return 0;
        } else if (!skip(file, (uint64_t)size + (size & 1))) {
            return refuse(file, out_text, "the end of the file in a chunk");
        }
    }
    return refuse(file, out_text, "too many chunks before the samples");
}

void wav_make_header(const struct sb_audio_format *format, uint64_t data_bytes,
                     uint8_t out_header[WAV_HEADER_BYTES])
{
    uint32_t sample_bytes = (uint32_t)sb_sample_bytes(format->sample);
    uint32_t block = sample_bytes * format->channels;
    uint64_t largest = UINT32_MAX - WAV_HEADER_BYTES;
    uint32_t size = (uint32_t)(data_bytes < largest ? data_bytes : largest);
    static const uint8_t head[] = {'R', 'I', 'F', 'F', 0,   0,   0,   0,
                                   'W', 'A', 'V', 'E', 'f', 'm', 't', ' '};
    static const uint8_t data[] = {'d', 'a', 't', 'a'};
    memcpy(out_header, head, sizeof head);
    put_u32(out_header + 4, size + WAV_HEADER_BYTES - 8);
    put_u32(out_header + 16, FMT_BYTES_MIN);
    put_u16(out_header + 20, format->sample == SB_SAMPLE_F32 ? TAG_FLOAT : TAG_PCM);
    put_u16(out_header + 22, format->channels);
    put_u32(out_header + 24, format->rate);
    put_u32(out_header + 28, format->rate * block);
    put_u16(out_header + 32, block);
    put_u16(out_header + 34, sample_bytes * 8);
    memcpy(out_header + 36, data, sizeof data);
    put_u32(out_header + 40, size);
}

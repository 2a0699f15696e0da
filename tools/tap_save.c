// SPDX-License-Identifier: Apache-2.0
// Writes PNG with libpng, and WAV by hand.
#include "tools/tap_save.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <png.h>

#include "base/text.h"

enum { WAVE_HEADER_BYTES = 44, WAVE_PCM = 1, WAVE_FLOAT = 3, RGB_BYTES = 3 };

static bool ends_with(const char *path, const char *end)
{
    size_t length = strlen(path);
    size_t end_length = strlen(end);
    return length > end_length && strcmp(path + length - end_length, end) == 0;
}

enum tap_save_kind tap_save_kind(const char *path)
{
    return ends_with(path, ".png")   ? TAP_SAVE_PNG
           : ends_with(path, ".wav") ? TAP_SAVE_WAV
                                     : TAP_SAVE_NONE;
}

__attribute__((format(printf, 3, 4))) static int refuse(char *why, size_t why_bytes,
                                                        const char *format, ...)
{
    va_list list;
    va_start(list, format);
    vsnprintf(why, why_bytes, format, list);
    va_end(list);
    return -EINVAL;
}

int tap_save_png(const char *path, const struct tap_frame *frame, char *why, size_t why_bytes)
{
    uint64_t needed = (uint64_t)frame->width * frame->height * RGB_BYTES;
    if (strcmp(frame->kind, "video") != 0) {
        return refuse(why, why_bytes, "a picture needs video, and this is %s", frame->format);
    }
    if (needed == 0 || frame->sent != needed) {
        return refuse(why, why_bytes, "the frame is not all there");
    }
    png_image image = {.version = PNG_IMAGE_VERSION,
                       .width = frame->width,
                       .height = frame->height,
                       .format = PNG_FORMAT_RGB};
    if (png_image_write_to_file(&image, path, 0, frame->bytes, 0, NULL) == 0) {
        refuse(why, why_bytes, "%s: %s", path, image.message);
        return -EIO;
    }
    return 0;
}

static void put(uint8_t *at, uint64_t value, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        at[i] = (uint8_t)(value >> (8 * i));
    }
}

// Sizes above what the format can say are written as the most that it can.
static int write_header(const struct tap_wav *wav)
{
    bool is_float = strcmp(wav->sample, "f32") == 0;
    uint32_t sample_bytes = strcmp(wav->sample, "s16") == 0 ? 2 : 4;
    uint32_t frame_bytes = sample_bytes * wav->channels;
    uint64_t bytes = wav->bytes < UINT32_MAX - 64 ? wav->bytes : UINT32_MAX - 64;
    uint8_t header[WAVE_HEADER_BYTES] = "RIFF    WAVEfmt ";
    put(header + 4, bytes + WAVE_HEADER_BYTES - 8, 4);
    put(header + 16, 16, 4);
    put(header + 20, is_float ? WAVE_FLOAT : WAVE_PCM, 2);
    put(header + 22, wav->channels, 2);
    put(header + 24, wav->rate, 4);
    put(header + 28, (uint64_t)wav->rate * frame_bytes, 4);
    put(header + 32, frame_bytes, 2);
    put(header + 34, sample_bytes * 8, 2);
    memcpy(header + 36, "data", 4);
    put(header + 40, bytes, 4);
    rewind(wav->file);
    return fwrite(header, 1, sizeof header, wav->file) == sizeof header ? 0 : -EIO;
}

static int begin(struct tap_wav *wav, const char *path, const struct tap_frame *frame, char *why,
                 size_t why_bytes)
{
    bool is_known = strcmp(frame->sample, "s16") == 0 || strcmp(frame->sample, "s32") == 0 ||
                    strcmp(frame->sample, "f32") == 0;
    if (strcmp(frame->kind, "audio") != 0 || !is_known || frame->channels == 0) {
        return refuse(why, why_bytes, "a WAV file needs audio, and this is %s", frame->format);
    }
    wav->file = fopen(path, "wbe");
    if (wav->file == NULL) {
        int failed = -errno;
        refuse(why, why_bytes, "%s: %s", path, strerrordesc_np(-failed));
        return failed;
    }
    wav->rate = frame->rate;
    wav->channels = frame->channels;
    text_copy(wav->sample, sizeof wav->sample, frame->sample);
    return write_header(wav);
}

int tap_save_wav(struct tap_wav *wav, const char *path, const struct tap_frame *frame, char *why,
                 size_t why_bytes)
{
    if (wav->file == NULL) {
        int failed = begin(wav, path, frame, why, why_bytes);
        if (failed != 0) {
            return failed;
        }
    }
    if (strcmp(frame->kind, "audio") != 0 || frame->rate != wav->rate ||
        frame->channels != wav->channels || strcmp(frame->sample, wav->sample) != 0) {
        return refuse(why, why_bytes, "the format changed to %s", frame->format);
    }
    if (fwrite(frame->bytes, 1, (size_t)frame->sent, wav->file) != frame->sent) {
        refuse(why, why_bytes, "%s cannot be written", path);
        return -EIO;
    }
    wav->bytes += frame->sent;
    return 0;
}

int tap_save_wav_end(struct tap_wav *wav)
{
    if (wav->file == NULL) {
        return 0;
    }
    int failed = write_header(wav);
    if (fclose(wav->file) != 0 && failed == 0) {
        failed = -EIO;
    }
    wav->file = NULL;
    return failed;
}

// SPDX-License-Identifier: Apache-2.0
// Frames as files: one picture as PNG, or sound as WAV, by the end of the file's name.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "tools/tap_feed.h"

enum tap_save_kind { TAP_SAVE_NONE, TAP_SAVE_PNG, TAP_SAVE_WAV };

// By the ending ".png" or ".wav"; NONE for any other.
enum tap_save_kind tap_save_kind(const char *path);

// Writes a frame of video rgb. Returns 0, or a negative errno with a sentence in why.
int tap_save_png(const char *path, const struct tap_frame *frame, char *why, size_t why_bytes);

struct tap_wav {
    FILE *file;         // owned
    uint64_t bytes;     // of samples
    uint32_t rate;      // of what is in it
    uint32_t channels;  // likewise
    char sample[8];     // likewise
};

// Adds a frame of audio; the first one begins the file. -EINVAL when it has another format than the
// one before, or is no audio: with a sentence in why.
int tap_save_wav(struct tap_wav *wav, const char *path, const struct tap_frame *frame, char *why,
                 size_t why_bytes);

// Writes the sizes into the header. Returns 0 or a negative errno. A file that was never begun is
// fine.
int tap_save_wav_end(struct tap_wav *wav);

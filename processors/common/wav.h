// SPDX-License-Identifier: Apache-2.0
// Headers of WAV files.
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <streambroker/format.h>

#define WAV_HEADER_BYTES 44
#define WAV_TEXT_BYTES 160

// Reads the chunks up to the samples; the file then stands at the first sample.
//
// out_data_bytes: bytes of samples, UINT64_MAX when the header leaves it open (a stream).
// Returns 0; -EPROTO or -EIO with the reason and the offset in out_text.
int wav_read_header(FILE *file, struct sb_audio_format *out_format, uint64_t *out_data_bytes,
                    char out_text[WAV_TEXT_BYTES]);

// Makes the header for data_bytes of samples; sizes above 4 GiB are written as the largest.
void wav_make_header(const struct sb_audio_format *format, uint64_t data_bytes,
                     uint8_t out_header[WAV_HEADER_BYTES]);

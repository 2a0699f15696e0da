// SPDX-License-Identifier: Apache-2.0
// The head of a dead letter file: lines of `key: value`, then an empty line, then the payload as it
// was. What only the helper can read, the header of the frame, it adds itself. Pure.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <streambroker/format.h>

#include "broker/supervision/dead_letters.h"
#include "schemas/frame_layout.h"

#define LETTER_HEAD_BYTES_MAX 4096
#define LETTER_SUFFIX ".letter"

// First line of every file.
#define LETTER_MAGIC "streambroker-letter: 1\n"

// The part that the broker knows. format may be NULL. Returns 0, or -E2BIG when it does not fit.
int letter_text_head(const struct dead_letter *letter, const struct sb_format *format, char *out,
                     size_t size_bytes);

// The part that is in the frame's header, and the empty line.
void letter_text_frame(const struct frame_header *header, uint64_t payload_bytes, char *out,
                       size_t size_bytes);

// Names sort by the time of the death: milliseconds of wall time, node, link and seq.
void letter_text_name(const struct dead_letter *letter, int64_t wall_ms, char *out,
                      size_t size_bytes);

// A name that may be a letter of ours, and nothing that leads out of its folder.
bool letter_text_is_name(const char *name);

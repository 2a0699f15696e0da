// SPDX-License-Identifier: Apache-2.0
// Reads the head of a dead letter file: lines of `key: value`, an empty line, then the payload.
#pragma once

#include <stdint.h>
#include <stdio.h>

#include <streambroker/format.h>

#define LETTER_FILE_TEXT_BYTES 160

struct letter_file {
    struct sb_format format;
    uint64_t number;
    int64_t pts_ns;
    int64_t duration_ns;
    uint32_t flags;
    uint64_t trace_id;
    uint64_t job_id;
    uint64_t payload_bytes;
};

// Reads up to the empty line; the file then stands at the payload. Keys that it does not know are
// passed over. Returns 0; -EPROTO or -EIO with the reason in out_text.
int letter_file_read_head(FILE *file, struct letter_file *out_letter,
                          char out_text[LETTER_FILE_TEXT_BYTES]);

// SPDX-License-Identifier: Apache-2.0
// A frame for people: a line about it, and its bytes as text or in hex.
#pragma once

#include <stdio.h>

#include "tools/tap_feed.h"

// What is known from the frames before.
struct tap_view {
    bool has_before;
    uint64_t number;
    int64_t seen_ns;
};

// One line: number, rate, latency, size, format.
void tap_view_line(struct tap_view *view, const struct tap_frame *frame, FILE *out);
// The same as one JSON document.
void tap_view_json(struct tap_view *view, const struct tap_frame *frame, FILE *out);

void tap_view_hex(const struct tap_frame *frame, FILE *out);
void tap_view_text(const struct tap_frame *frame, FILE *out);

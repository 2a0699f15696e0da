// SPDX-License-Identifier: Apache-2.0
// What the tap's worker sends: for each frame a line of JSON, then as many bytes as it says.
//
// The worker is trusted with what it may read, not with what it sends: everything is bounded.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define TAP_FEED_LINE_BYTES 1024
#define TAP_FEED_FORMAT_BYTES 160
#define TAP_FEED_FRAME_BYTES_MAX (UINT64_C(1) << 30)

struct tap_frame {
    uint64_t seq;     // of the tap's link: from 1, without a gap
    uint64_t number;  // of the producer's frame
    int64_t pts_ns;   // CLOCK_MONOTONIC
    int64_t seen_ns;  // likewise: when the tap had it
    uint64_t size;    // bytes of the frame
    uint64_t total;   // bytes of what is sent of it, had all been sent
    char format[TAP_FEED_FORMAT_BYTES];
    char kind[16];  // "video", "audio" and so on
    uint32_t width;
    uint32_t height;
    char sample[8];
    uint32_t rate;
    uint32_t channels;
    const uint8_t *bytes;  // borrowed from the feed until it goes on
    uint64_t sent;         // how many there are of them
};

struct tap_feed {
    uint8_t *bytes;  // owned
    size_t count;    // that came and were not taken yet
    size_t room;
    size_t taken;  // of the frame that was given out last
};

// Reads once from a socket. Returns the number of bytes, 0 at its end, -EAGAIN, or another error.
ssize_t tap_feed_read(struct tap_feed *feed, int fd);

// The next frame that is there as a whole. Returns 1; 0 when more has to come; -EPROTO for what is
// no such frame.
int tap_feed_next(struct tap_feed *feed, struct tap_frame *out_frame);

void tap_feed_fini(struct tap_feed *feed);

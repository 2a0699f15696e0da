// SPDX-License-Identifier: Apache-2.0
// Prints frames.
#include "tools/tap_view.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/text.h"

#define ROW_BYTES 16

// Frames of the producer per second since the one before, -1 when that is not known.
static double rate_of(struct tap_view *view, const struct tap_frame *frame)
{
    int64_t span_ns = frame->seen_ns - view->seen_ns;
    bool is_known = view->has_before && span_ns > 0 && frame->number >= view->number;
    double rate =
        is_known ? (double)(frame->number - view->number) * (double)CLOCK_NS_PER_S / (double)span_ns
                 : -1;
    *view =
        (struct tap_view){.has_before = true, .number = frame->number, .seen_ns = frame->seen_ns};
    return rate;
}

static double latency_ms(const struct tap_frame *frame)
{
    return (double)(frame->seen_ns - frame->pts_ns) / (double)CLOCK_NS_PER_MS;
}

void tap_view_line(struct tap_view *view, const struct tap_frame *frame, FILE *out)
{
    double rate = rate_of(view, frame);
    fprintf(out, "#%llu", (unsigned long long)frame->number);
    if (rate >= 0) {
        fprintf(out, "  %.1f/s", rate);
    }
    fprintf(out, "  %.3f ms old  %llu bytes  %s\n", latency_ms(frame),
            (unsigned long long)frame->size, frame->format);
}

void tap_view_json(struct tap_view *view, const struct tap_frame *frame, FILE *out)
{
    char bytes[2 * TAP_FEED_FORMAT_BYTES];
    struct text format = TEXT_OVER(bytes);
    double rate = rate_of(view, frame);
    text_add_json(&format, frame->format, strlen(frame->format));
    fprintf(out, "{\"number\": %llu, \"seq\": %llu, \"rate\": ", (unsigned long long)frame->number,
            (unsigned long long)frame->seq);
    if (rate >= 0) {
        fprintf(out, "%.3f", rate);
    } else {
        fputs("null", out);
    }
    fprintf(out, ", \"latency_ms\": %.6f, \"size\": %llu, \"format\": %s}\n", latency_ms(frame),
            (unsigned long long)frame->size, bytes);
}

static void print_row(const uint8_t *bytes, size_t count, size_t offset, FILE *out)
{
    fprintf(out, "  %06zx ", offset);
    for (size_t i = 0; i < ROW_BYTES; i++) {
        if (i < count) {
            fprintf(out, " %02x", bytes[i]);
        } else {
            fputs("   ", out);
        }
    }
    fputs("  ", out);
    for (size_t i = 0; i < count; i++) {
        fputc(bytes[i] >= 0x20 && bytes[i] < 0x7f ? bytes[i] : '.', out);
    }
    fputc('\n', out);
}

void tap_view_hex(const struct tap_frame *frame, FILE *out)
{
    size_t sent = (size_t)frame->sent;
    for (size_t at = 0; at < sent; at += ROW_BYTES) {
        print_row(frame->bytes + at, sent - at < ROW_BYTES ? sent - at : ROW_BYTES, at, out);
    }
}

void tap_view_text(const struct tap_frame *frame, FILE *out)
{
    // Four characters for a byte that is none: \xNN.
    size_t room = (size_t)frame->sent * 4 + 1;
    auto_free char *bytes = malloc(room);
    if (bytes == NULL) {
        return;
    }
    size_t count = (size_t)frame->sent;
    while (count > 0 && (frame->bytes[count - 1] == '\n' || frame->bytes[count - 1] == '\0')) {
        count--;
    }
    struct text text = text_over(bytes, room);
    text_add_escaped(&text, (const char *)frame->bytes, count);
    fprintf(out, "  %s%s\n", bytes, frame->sent < frame->total ? "..." : "");
}

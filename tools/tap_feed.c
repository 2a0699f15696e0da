// SPDX-License-Identifier: Apache-2.0
// Collects bytes and takes frames out of them.
#include "tools/tap_feed.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>

#include "base/text.h"

#define READ_BYTES (256 * 1024)

ssize_t tap_feed_read(struct tap_feed *feed, int fd)
{
    if (feed->room - feed->count < READ_BYTES) {
        size_t room = feed->count + 2 * READ_BYTES + feed->room / 2;
        uint8_t *bytes = realloc(feed->bytes, room);
        if (bytes == NULL) {
            return -ENOMEM;
        }
        feed->bytes = bytes;
        feed->room = room;
    }
    ssize_t got = read(fd, feed->bytes + feed->count, feed->room - feed->count);
    if (got > 0) {
        feed->count += (size_t)got;
    }
    return got < 0 ? -errno : got;
}

static uint64_t number_of(const json_t *map, const char *name)
{
    json_int_t value = json_integer_value(json_object_get(map, name));
    return value < 0 ? 0 : (uint64_t)value;
}

static uint32_t small_number_of(const json_t *map, const char *name)
{
    uint64_t value = number_of(map, name);
    return value > UINT32_MAX ? 0 : (uint32_t)value;
}

static void copy_text(const json_t *map, const char *name, char *out, size_t size_bytes)
{
    const char *text = json_string_value(json_object_get(map, name));
    struct text copy = text_over(out, size_bytes);
    text_add_escaped(&copy, text == NULL ? "" : text, text == NULL ? 0 : strlen(text));
}

static int parse(const char *line, size_t count, struct tap_frame *frame)
{
    json_t *map = json_loadb(line, count, 0, NULL);
    if (!json_is_object(map)) {
        json_decref(map);
        return -EPROTO;
    }
    *frame = (struct tap_frame){
        .seq = number_of(map, "seq"),
        .number = number_of(map, "number"),
        .pts_ns = json_integer_value(json_object_get(map, "pts_ns")),
        .seen_ns = json_integer_value(json_object_get(map, "seen_ns")),
        .size = number_of(map, "size"),
        .total = number_of(map, "total"),
        .width = small_number_of(map, "width"),
        .height = small_number_of(map, "height"),
        .rate = small_number_of(map, "rate"),
        .channels = small_number_of(map, "channels"),
        .sent = number_of(map, "sent"),
    };
    copy_text(map, "format", frame->format, sizeof frame->format);
    copy_text(map, "kind", frame->kind, sizeof frame->kind);
    copy_text(map, "sample", frame->sample, sizeof frame->sample);
    json_decref(map);
    return frame->sent <= TAP_FEED_FRAME_BYTES_MAX ? 0 : -EPROTO;
}

int tap_feed_next(struct tap_feed *feed, struct tap_frame *out_frame)
{
    feed->count -= feed->taken;
    memmove(feed->bytes, feed->bytes + feed->taken, feed->count);
    feed->taken = 0;
    const uint8_t *end = feed->count > 0 ? memchr(feed->bytes, '\n', feed->count) : NULL;
    if (end == NULL) {
        return feed->count > TAP_FEED_LINE_BYTES ? -EPROTO : 0;
    }
    size_t line = (size_t)(end - feed->bytes) + 1;
    struct tap_frame frame;
    int failed = parse((const char *)feed->bytes, line, &frame);
    if (failed != 0) {
        return failed;
    }
    if (feed->count - line < frame.sent) {
        return 0;
    }
    frame.bytes = feed->bytes + line;
    feed->taken = line + (size_t)frame.sent;
    *out_frame = frame;
    return 1;
}

void tap_feed_fini(struct tap_feed *feed)
{
    free(feed->bytes);
    *feed = (struct tap_feed){.bytes = NULL};
}

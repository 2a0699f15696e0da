// SPDX-License-Identifier: Apache-2.0
// tap: sends what it sees to a program that listens on a Unix socket: a line of JSON per frame,
// then bytes of it. `streamctl tap` is that program.
#include <errno.h>
#include <poll.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <streambroker/streambroker.h>

#include "processors/common/pixels.h"

#define LINE_BYTES 1024
#define FORMAT_BYTES 160
#define SLICE_MS 100  // between two looks whether the node should stop

struct tap {
    int socket;
    uint64_t limit_bytes;  // of a frame that are sent
    bool is_rgb;
    int64_t interval_ns;                 // least time between two frames
    int64_t sent_ns;                     // when the last one was sent
    struct pixels_converter *converter;  // NULL: frames are sent as they are
    uint8_t *converted;                  // one frame
    struct sb_format format;             // of what is sent
};

static int connect_to(struct sb_node *node, const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof address.sun_path) {
        return sb_node_error(node, -ENAMETOOLONG, "socket: the path is too long");
    }
    memcpy(address.sun_path, path, strlen(path) + 1);
    socklen_t size = (socklen_t)sizeof address;
    if (path[0] == '@') {
        address.sun_path[0] = '\0';
        size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path));
    }
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) {
        return sb_node_error(node, -errno, "socket: %s", strerrordesc_np(errno));
    }
    if (connect(fd, (const struct sockaddr *)&address, size) < 0) {
        int failed = -errno;
        close(fd);
        return sb_node_error(node, failed, "nobody listens on %s", path);
    }
    return fd;
}

static int tap_open(struct sb_node *node)
{
    struct tap *tap = calloc(1, sizeof *tap);
    if (tap == NULL) {
        return -ENOMEM;
    }
    tap->socket = connect_to(node, sb_param_string(node, "socket"));
    if (tap->socket < 0) {
        int failed = tap->socket;
        free(tap);
        return failed;
    }
    tap->limit_bytes = (uint64_t)sb_param_int(node, "bytes");
    tap->interval_ns = sb_param_int(node, "interval");
    tap->is_rgb = sb_param_bool(node, "rgb");
    sb_node_set_data(node, tap);
    return 0;
}

static void drop_converter(struct tap *tap)
{
    pixels_converter_destroy(tap->converter);
    tap->converter = NULL;
    free(tap->converted);
    tap->converted = NULL;
}

static int tap_format(struct sb_node *node, struct sb_input *input, const struct sb_format *format)
{
    struct tap *tap = sb_node_data(node);
    (void)input;
    drop_converter(tap);
    tap->format = *format;
    if (!tap->is_rgb || format->kind != SB_FORMAT_VIDEO || format->video.pixel == SB_PIXEL_RGB) {
        return 0;
    }
    int failed = pixels_converter_create(&format->video, SB_PIXEL_RGB,
                                         pixels_matrix_of(format->video.height), &tap->converter);
    if (failed < 0) {
        return failed;
    }
    tap->format.video.pixel = SB_PIXEL_RGB;
    tap->converted = malloc(pixels_target_bytes(tap->converter));
    return tap->converted != NULL ? 0 : -ENOMEM;
}

// All of it, however slowly the other side reads; the frame is this node's own all the while.
// -EPIPE when nobody reads any more, -ECANCELED when the node should stop.
static int send_all(struct sb_node *node, struct tap *tap, const void *bytes, size_t count)
{
    const uint8_t *at = bytes;
    while (count > 0) {
        ssize_t sent = send(tap->socket, at, count, MSG_NOSIGNAL);
        if (sent > 0) {
            at += sent;
            count -= (size_t)sent;
            continue;
        }
        if (errno != EAGAIN && errno != EINTR) {
            return -EPIPE;
        }
        struct pollfd wait = {.fd = tap->socket, .events = POLLOUT};
        (void)poll(&wait, 1, SLICE_MS);
        if (sb_node_should_stop(node)) {
            return -ECANCELED;
        }
    }
    return 0;
}

// Names in a format come from another worker: they must not end the string that they are in.
static void write_format(const struct sb_format *format, char out[FORMAT_BYTES])
{
    sb_format_text(format, out, FORMAT_BYTES);
    for (char *c = out; *c != '\0'; c++) {
        if (*c == '"' || *c == '\\' || (unsigned char)*c < 0x20 || (unsigned char)*c > 0x7e) {
            *c = '?';
        }
    }
}

static int write_line(const struct tap *tap, const struct sb_frame *frame, uint64_t size_bytes,
                      uint64_t sent_bytes, char out[LINE_BYTES])
{
    char format[FORMAT_BYTES];
    char seen[FORMAT_BYTES];
    const struct sb_format *f = &tap->format;
    write_format(f, format);
    write_format(frame->format, seen);
    return snprintf(
        out, LINE_BYTES,
        "{\"seq\": %llu, \"number\": %llu, \"pts_ns\": %lld, \"seen_ns\": %lld, \"size\": %llu, "
        "\"sent\": %llu, \"total\": %llu, \"format\": \"%s\", \"sent_as\": \"%s\", "
        "\"kind\": \"%s\", \"width\": %u, \"height\": %u, \"sample\": \"%s\", \"rate\": %u, "
        "\"channels\": %u}\n",
        (unsigned long long)frame->seq, (unsigned long long)frame->number, (long long)frame->pts_ns,
        (long long)sb_now_ns(), (unsigned long long)frame->size_bytes,
        (unsigned long long)sent_bytes, (unsigned long long)size_bytes, seen, format,
        sb_format_kind_name(f->kind), f->video.width, f->video.height,
        sb_sample_name(f->audio.sample), f->audio.rate, f->audio.channels);
}

static int tap_frame(struct sb_node *node, const struct sb_frame *frame)
{
    struct tap *tap = sb_node_data(node);
    // A step takes everything that is there, which may be two frames.
    if (tap->sent_ns != 0 && sb_now_ns() - tap->sent_ns < tap->interval_ns / 2) {
        return 0;
    }
    tap->sent_ns = sb_now_ns();
    const void *data = frame->data;
    uint64_t size_bytes = frame->size_bytes;
    if (tap->converter != NULL) {
        pixels_convert(tap->converter, frame->data, tap->converted);
        data = tap->converted;
        size_bytes = pixels_target_bytes(tap->converter);
    }
    uint64_t sent_bytes = size_bytes < tap->limit_bytes ? size_bytes : tap->limit_bytes;
    char line[LINE_BYTES];
    int count = write_line(tap, frame, size_bytes, sent_bytes, line);
    int failed = send_all(node, tap, line, (size_t)count);
    failed = failed == 0 ? send_all(node, tap, data, (size_t)sent_bytes) : failed;
    if (failed != 0) {
        // Its listener has gone, or it is about to go itself: nothing of that is an error.
        sb_node_finish(node);
    }
    return 0;
}

static void tap_close(struct sb_node *node)
{
    struct tap *tap = sb_node_data(node);
    if (tap != NULL) {
        drop_converter(tap);
        close(tap->socket);
        free(tap);
    }
}

static const struct sb_port inputs[] = {
    {.name = "in",
     .type = SB_PORT_ANY,
     .help = "Frames of any type; the newest counts.",
     .delivery = SB_DELIVERY_LATEST},
};

static const struct sb_param params[] = {
    {.name = "socket",
     .type = SB_PARAM_STRING,
     .help = "Unix socket of who listens: a path, or '@' and an abstract name.",
     .is_fixed = true},
    {.name = "bytes",
     .type = SB_PARAM_SIZE,
     .help = "Bytes of each frame that are sent behind its line.",
     .initial = "0",
     .is_fixed = true},
    {.name = "interval",
     .type = SB_PARAM_DURATION,
     .help = "Least time between two frames, about.",
     .initial = "0s",
     .is_fixed = true},
    {.name = "rgb",
     .type = SB_PARAM_BOOL,
     .help = "Send video as rgb, whatever it is.",
     .initial = "false",
     .is_fixed = true},
};

static const struct sb_processor tap_processor = {
    .struct_size = sizeof tap_processor,
    .name = "tap",
    .version = "1.0.0",
    .summary = "Shows frames to a program that listens; streamctl tap uses it.",
    .inputs = inputs,
    .input_count = 1,
    .params = params,
    .param_count = sizeof params / sizeof params[0],
    .open = tap_open,
    .on_format = tap_format,
    .on_frame = tap_frame,
    .close = tap_close,
};

int main(int argc, char **argv)
{
    return sb_processor_main(&tap_processor, argc, argv);
}

// SPDX-License-Identifier: Apache-2.0
// iceoryx-import: what applications publish in iceoryx becomes frames of a graph.
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <iceoryx_binding_c/chunk.h>
#include <iceoryx_binding_c/subscriber.h>
#include <iceoryx_binding_c/wait_set.h>

#include <streambroker/streambroker.h>

#include "processors/iceoryx/chunk_view.h"
#include "processors/iceoryx/format_words.h"
#include "processors/iceoryx/iox_session.h"
#include "processors/iceoryx/user_header.h"

#define WAIT_NS 100000000  // how long a stop, a pause or the end of RouDi may stay unseen
#define ROUND_FRAMES 16
// At RouDi's end: how long publishers, which it ends too, are quiet before they are taken for gone,
// and how long they may go on at most.
#define QUIET_NS 1000000000
#define LAST_NS 3000000000

struct import {
    struct iox_session session;
    struct chunk_counter counter;
    struct sb_output *output;
    struct sb_format foreign;  // of chunks that do not say theirs
    struct sb_format offered;
    uint64_t bytes_max;
    iox_sub_storage_t subscriber_storage;
    iox_ws_storage_t wait_storage;
    iox_sub_t subscriber;  // NULL = not joined
    iox_ws_t wait;
    const void *chunk;  // taken and not yet published
    bool has_offered;
    bool is_gap;       // something was lost before the next frame
    int64_t lost_ns;   // when RouDi's end was seen, 0 = not yet
    int64_t quiet_ns;  // since when nothing came after that
    uint64_t frames;
    uint64_t bytes;
    uint64_t stamped;  // of them, without a header of ours
    uint64_t missed;
    uint64_t refused;
};

static int import_open(struct sb_node *node)
{
    struct import *import = calloc(1, sizeof *import);
    if (import == NULL) {
        return -ENOMEM;
    }
    sb_node_set_data(node, import);
    import->output = sb_node_output(node, "out");
    import->bytes_max = (uint64_t)sb_param_int(node, "max_frame");
    const char *format = sb_param_string(node, "format");
    int result = format_words_read(format, &import->foreign);
    if (result < 0) {
        sb_node_error(node, result,
                      "format '%s' is none; write for example 'video rgba 640x360 30/1'", format);
    } else {
        result = iox_session_open(&import->session, node);
    }
    if (result < 0) {
        free(import);
        sb_node_set_data(node, NULL);
    }
    return result;
}

// Under a guard: each of these asks RouDi.
static void subscribe(struct sb_node *node, struct import *import)
{
    iox_sub_options_t options;
    iox_sub_options_init(&options);
    options.queueCapacity = (uint64_t)sb_param_int(node, "queue");
    options.historyRequest = (uint64_t)sb_param_int(node, "history");
    options.nodeName = "streambroker";
    options.queueFullPolicy = sb_param_choice(node, "delivery") == 0
                                  ? QueueFullPolicy_BLOCK_PRODUCER
                                  : QueueFullPolicy_DISCARD_OLDEST_DATA;
    iox_session_guard(IOX_CALL_NS, SB_EXIT_RESTART);
    import->subscriber =
        iox_sub_init(&import->subscriber_storage, sb_param_string(node, "service"),
                     sb_param_string(node, "instance"), sb_param_string(node, "event"), &options);
    import->wait = iox_ws_init(&import->wait_storage);
    iox_ws_attach_subscriber_event(import->wait, import->subscriber, SubscriberEvent_DATA_RECEIVED,
                                   1, NULL);
    iox_session_unguard();
    sb_log(node, SB_LOG_INFO, "iceoryx: subscribed to %s/%s/%s", sb_param_string(node, "service"),
           sb_param_string(node, "instance"), sb_param_string(node, "event"));
}

static void unsubscribe(void *context)
{
    struct import *import = context;
    if (import->subscriber == NULL) {
        return;
    }
    if (import->chunk != NULL) {
        iox_sub_release_chunk(import->subscriber, import->chunk);
    }
    iox_ws_detach_subscriber_event(import->wait, import->subscriber, SubscriberEvent_DATA_RECEIVED);
    iox_ws_deinit(import->wait);
    iox_sub_deinit(import->subscriber);
    import->subscriber = NULL;
}

static int offer(struct import *import, const struct sb_format *format)
{
    if (import->has_offered && sb_format_is_equal(&import->offered, format)) {
        return 0;
    }
    bool is_exact = sb_format_frame_bytes(format) > 0;
    int result = sb_output_offer(import->output, format, 1, is_exact ? 0 : import->bytes_max);
    if (result == 0) {
        import->offered = *format;
        import->has_offered = true;
    }
    return result;
}

// Says what makes a chunk unfit for the graph. Returns 0 or the reason.
static int read_chunk(struct sb_node *node, struct import *import, struct chunk_view *view,
                      struct user_header *header, struct sb_format *format)
{
    const iox_chunk_header_t *start = iox_chunk_header_from_user_payload_const(import->chunk);
    int result = chunk_view_read(start, view);
    if (result < 0) {
        return sb_node_error(node, result,
                             "a chunk whose sizes make no sense, or of an iceoryx "
                             "that is not version 2");
    }
    result = view->user_header == NULL
                 ? -ENOENT
                 : user_header_read(view->user_header, view->user_header_bytes, header, format);
    if (result == -ENOENT) {
        *format = import->foreign;
        *header = (struct user_header){.version = 0};
    } else if (result < 0) {
        return sb_node_error(node, result, "a chunk whose user header makes no sense");
    }
    uint64_t exact = sb_format_frame_bytes(format);
    if (exact > 0 && exact != view->payload_bytes) {
        return sb_node_error(node, -EPROTO,
                             "a chunk of %" PRIu32 " bytes; the format demands %" PRIu64,
                             view->payload_bytes, exact);
    }
    return 0;
}

static int publish_chunk(struct import *import, const struct chunk_view *view,
                         const struct user_header *header)
{
    struct sb_buffer buffer;
    int result = sb_output_claim(import->output, view->payload_bytes, &buffer);
    if (result < 0) {
        return result;
    }
    memcpy(buffer.data, import->chunk, view->payload_bytes);
    buffer.flags = SB_FRAME_KEYFRAME;
    buffer.pts_ns = sb_now_ns();
    if (header->version != 0) {
        buffer.number = header->number > buffer.number ? header->number : buffer.number;
        buffer.pts_ns = header->pts_ns;
        buffer.duration_ns = header->duration_ns;
        buffer.flags = header->flags;
        buffer.trace_id = header->trace_id;
        buffer.job_id = header->job_id;
    }
    if (import->is_gap) {
        buffer.flags |= SB_FRAME_DISCONTINUITY;
    }
    result = sb_output_publish(import->output, &buffer);
    if (result == 0) {
        import->is_gap = false;
        import->frames++;
        import->bytes += view->payload_bytes;
        import->stamped += header->version == 0;
    }
    return result;
}

// Publishes the chunk that was taken. -EAGAIN: it is still wanted.
static int deliver(struct sb_node *node, struct import *import)
{
    struct chunk_view view;
    struct user_header header;
    struct sb_format format;
    int result = read_chunk(node, import, &view, &header, &format);
    if (result == 0) {
        result = offer(import, &format);
    }
    if (result == 0) {
        result = publish_chunk(import, &view, &header);
    }
    if (result == -EAGAIN) {
        return result;
    }
    if (result < 0) {
        import->refused += result != -ECANCELED;
        import->is_gap = true;
    }
    iox_sub_release_chunk(import->subscriber, import->chunk);
    import->chunk = NULL;
    return result;
}

// Takes the next chunk if there is one and none is in hand.
static bool take(struct import *import)
{
    struct chunk_view view;
    if (import->chunk != NULL) {
        return true;
    }
    if (iox_sub_take_chunk(import->subscriber, &import->chunk) != ChunkReceiveResult_SUCCESS) {
        import->chunk = NULL;
        return false;
    }
    if (chunk_view_read(iox_chunk_header_from_user_payload_const(import->chunk), &view) == 0) {
        uint64_t missed = chunk_view_missed(&import->counter, &view);
        import->missed += missed;
        import->is_gap = import->is_gap || missed > 0;
    }
    return true;
}

// The sum of a life: the next one counts from 0.
static void report(struct sb_node *node, const struct import *import)
{
    sb_log(node, SB_LOG_INFO,
           "iceoryx: imported frames=%" PRIu64 " bytes=%" PRIu64 " copies=%" PRIu64
           " stamped=%" PRIu64 " missed=%" PRIu64 " refused=%" PRIu64,
           import->frames, import->bytes, import->frames, import->stamped, import->missed,
           import->refused);
}

// True when RouDi has ended and everything that was published before is in the graph.
static bool is_time_to_leave(struct import *import, bool is_quiet)
{
    if (!iox_session_is_lost(&import->session)) {
        return false;
    }
    int64_t now_ns = sb_now_ns();
    import->lost_ns = import->lost_ns == 0 ? now_ns : import->lost_ns;
    import->quiet_ns = is_quiet && import->quiet_ns != 0 ? import->quiet_ns : now_ns;
    return now_ns - import->quiet_ns >= QUIET_NS || now_ns - import->lost_ns >= LAST_NS;
}

static int import_loop(struct sb_node *node)
{
    struct import *import = sb_node_data(node);
    if (!iox_session_join(&import->session)) {
        return sb_node_wait(node, import->session.next_ns) < 0 ? -ECANCELED : 0;
    }
    if (import->subscriber == NULL) {
        subscribe(node, import);
    }
    int result = 0;
    int taken = 0;
    for (; taken < ROUND_FRAMES && result == 0 && take(import); taken++) {
        result = deliver(node, import);
    }
    if (result == -EAGAIN) {
        return 0;  // the format is on its way through the graph
    }
    if (is_time_to_leave(import, taken == 0)) {
        report(node, import);
        iox_session_leave(&import->session, unsubscribe, import);
    }
    if (taken < ROUND_FRAMES && result == 0) {
        iox_notification_info_t info;
        uint64_t more;
        struct timespec limit = {.tv_nsec = WAIT_NS};
        iox_ws_timed_wait(import->wait, limit, &info, 1, &more);
    }
    return result;
}

// What publishers were told that it has arrived goes on into the graph.
static int import_drain(struct sb_node *node)
{
    struct import *import = sb_node_data(node);
    int64_t left = sb_param_int(node, "queue");
    int result = 0;
    while (import->subscriber != NULL && result == 0 && left-- > 0 && take(import)) {
        result = deliver(node, import);
    }
    return result == -EAGAIN ? 0 : result;
}

static void import_close(struct sb_node *node)
{
    struct import *import = sb_node_data(node);
    report(node, import);
    iox_session_close(&import->session, unsubscribe, import);
    free(import);
}

static const struct sb_port outputs[] = {
    {.name = "out",
     .type = SB_PORT_ANY,
     .help = "What is published, in the format that its publisher says, else in `format`.",
     .is_timed = true},
};

static const char *const deliveries[] = {"lossless", "ordered", NULL};

static const struct sb_param params[] = {
    {.name = "service",
     .type = SB_PARAM_STRING,
     .help = "Service to subscribe to, 1 to 100 bytes.",
     .maximum = IOX_NAME_BYTES_MAX,
     .is_fixed = true},
    {.name = "instance",
     .type = SB_PARAM_STRING,
     .help = "Its instance, 1 to 100 bytes.",
     .maximum = IOX_NAME_BYTES_MAX,
     .is_fixed = true},
    {.name = "event",
     .type = SB_PARAM_STRING,
     .help = "Its event, 1 to 100 bytes.",
     .maximum = IOX_NAME_BYTES_MAX,
     .is_fixed = true},
    {.name = "delivery",
     .type = SB_PARAM_CHOICE,
     .help = "lossless: publishers that wait for consumers wait for the graph; ordered: the oldest "
             "is lost.",
     .initial = "ordered",
     .choices = deliveries,
     .is_fixed = true},
    {.name = "queue",
     .type = SB_PARAM_INT,
     .help = "Chunks that may wait for the graph.",
     .initial = "16",
     .minimum = 1,
     .maximum = 256,
     .is_fixed = true},
    {.name = "history",
     .type = SB_PARAM_INT,
     .help = "Chunks that were published before, where publishers keep them.",
     .initial = "0",
     .maximum = 16,
     .is_fixed = true},
    {.name = "format",
     .type = SB_PARAM_STRING,
     .help = "Format of chunks that do not say theirs, such as 'video rgba 640x360 30/1'.",
     .initial = "binary",
     .maximum = 255,
     .is_fixed = true},
    {.name = "max_frame",
     .type = SB_PARAM_SIZE,
     .help = "Bytes of the largest frame, where the format does not fix them.",
     .initial = "1MiB",
     .minimum = 1,
     .maximum = 4294967295,
     .is_fixed = true},
};

static const struct sb_processor iceoryx_import = {
    .struct_size = sizeof iceoryx_import,
    .name = "iceoryx-import",
    .version = "1.0.0",
    .summary = "Frames from what iceoryx applications of this machine publish.",
    .outputs = outputs,
    .output_count = 1,
    .params = params,
    .param_count = sizeof params / sizeof params[0],
    .mode = SB_MODE_CONTINUOUS,
    .open = import_open,
    .on_loop = import_loop,
    .on_drain = import_drain,
    .close = import_close,
};

int main(int argc, char **argv)
{
    return sb_processor_main(&iceoryx_import, argc, argv);
}

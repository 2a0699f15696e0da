// SPDX-License-Identifier: Apache-2.0
// iceoryx-export: publishes the frames of a link for the iceoryx applications of this machine.
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <iceoryx_binding_c/chunk.h>
#include <iceoryx_binding_c/publisher.h>

#include <streambroker/streambroker.h>

#include "processors/iceoryx-export/publish_thread.h"
#include "processors/iceoryx/iox_session.h"
#include "processors/iceoryx/presence.h"
#include "processors/iceoryx/user_header.h"

#define WAIT_NS 100000000  // how long the end of RouDi may stay unseen
#define REST_NS 1000000    // between two looks at what does not say that it changed
#define STOP_NS 500000000
#define ROUND_FRAMES 64
#define PAYLOAD_ALIGNMENT 64

struct export
{
    struct iox_session session;
    struct publish_thread thread;
    struct sb_input *input;
    iox_pub_storage_t storage;
    iox_pub_t publisher;  // NULL = not joined
    bool is_lossless;
    bool has_frame;  // in hand: taken and not released
    bool is_held;    // it, beyond its step
    bool is_posted;  // its chunk is with the thread
    bool is_alone_told;
    bool is_left_behind;  // the thread did not come back from iceoryx
    struct sb_frame frame;
    uint64_t frames;
    uint64_t bytes;
    uint64_t unsent;  // ordered: nobody was there to publish to, or no chunk was free
    uint64_t too_large;
};

static int export_open(struct sb_node *node)
{
    struct export *export = calloc(1, sizeof *export);
    if (export == NULL) {
        return -ENOMEM;
    }
    sb_node_set_data(node, export);
    export->input = sb_node_input(node, "in");
    export->is_lossless = sb_param_choice(node, "delivery") == 0;
    int result = iox_session_open(&export->session, node);
    if (result < 0) {
        free(export);
        sb_node_set_data(node, NULL);
    }
    return result;
}

static int advertise(struct sb_node *node, struct export *export)
{
    iox_pub_options_t options;
    iox_pub_options_init(&options);
    options.historyCapacity = (uint64_t)sb_param_int(node, "history");
    options.nodeName = "streambroker";
    options.subscriberTooSlowPolicy = export->is_lossless
                                          ? ConsumerTooSlowPolicy_WAIT_FOR_CONSUMER
                                          : ConsumerTooSlowPolicy_DISCARD_OLDEST_DATA;
    iox_session_guard(IOX_CALL_NS, SB_EXIT_RESTART);
    export->publisher =
        iox_pub_init(&export->storage, sb_param_string(node, "service"),
                     sb_param_string(node, "instance"), sb_param_string(node, "event"), &options);
    iox_session_unguard();
    int failed = export->is_lossless ? publish_thread_start(&export->thread, export->publisher) : 0;
    if (failed != 0) {
        iox_pub_deinit(export->publisher);
        export->publisher = NULL;
        return sb_node_error(node, failed, "cannot start a thread");
    }
    sb_log(node, SB_LOG_INFO, "iceoryx: publishing as %s/%s/%s", sb_param_string(node, "service"),
           sb_param_string(node, "instance"), sb_param_string(node, "event"));
    return 0;
}

static int64_t soon(int64_t span_ns)
{
    return sb_now_ns() + span_ns;
}

static void rest(void)
{
    struct timespec span = {.tv_nsec = REST_NS};
    (void)clock_nanosleep(CLOCK_MONOTONIC, 0, &span, NULL);
}

static void take_down(void *context)
{
    struct export *export = context;
    if (export->publisher == NULL) {
        return;
    }
    // Also ends a publish that waits for a subscriber.
    iox_pub_stop_offer(export->publisher);
    export->is_left_behind =
        export->is_lossless && !publish_thread_stop(&export->thread, soon(STOP_NS));
    if (!export->is_left_behind) {
        iox_pub_deinit(export->publisher);
        export->publisher = NULL;
    }
}

// A chunk with the bytes and fields of the frame in hand. Returns 0; -EAGAIN when none is free;
// -EMSGSIZE when RouDi has none of that size.
static int make_chunk(struct export *export, void **out_chunk)
{
    const struct sb_frame *frame = &export->frame;
    if (frame->size_bytes > UINT32_MAX) {
        return -EMSGSIZE;
    }
    iox_session_expect_error();
    enum iox_AllocationResult result = iox_pub_loan_aligned_chunk_with_user_header(
        export->publisher, out_chunk, (uint32_t)frame->size_bytes, PAYLOAD_ALIGNMENT,
        sizeof(struct user_header), USER_HEADER_ALIGNMENT);
    if (iox_session_had_error()) {
        return -EMSGSIZE;
    }
    if (result != AllocationResult_SUCCESS) {
        return -EAGAIN;
    }
    iox_chunk_header_t *start = iox_chunk_header_from_user_payload(*out_chunk);
    user_header_write(frame, frame->format, iox_chunk_header_to_user_header(start));
    memcpy(*out_chunk, frame->data, (size_t)frame->size_bytes);
    return 0;
}

// The frame in hand is done with.
static void let_go(struct export *export)
{
    sb_frame_release(&export->frame);
    export->has_frame = false;
    export->is_held = false;
    export->is_posted = false;
}

static void count(struct export *export)
{
    export->frames++;
    export->bytes += export->frame.size_bytes;
    let_go(export);
}

static int refuse(struct sb_node *node, struct export *export)
{
    uint64_t size_bytes = export->frame.size_bytes;
    export->too_large++;
    let_go(export);
    return sb_node_error(node, -EMSGSIZE,
                         "RouDi has no memory pool for a frame of %" PRIu64 " bytes and its header",
                         size_bytes);
}

// Nothing is waited for: what cannot be published now is not published.
static int send_ordered(struct sb_node *node, struct export *export)
{
    void *chunk;
    int result = export->publisher != NULL ? make_chunk(export, &chunk) : -EAGAIN;
    if (result == -EMSGSIZE) {
        return refuse(node, export);
    }
    if (result < 0) {
        export->unsent++;
        let_go(export);
        return 0;
    }
    presence_check();
    iox_pub_publish_chunk(export->publisher, chunk);
    count(export);
    return 0;
}

// Begins to publish the frame in hand, or goes on with it. It stays in hand when that takes longer.
static int send_lossless(struct sb_node *node, struct export *export)
{
    void *chunk;
    if (!export->is_posted) {
        int result = make_chunk(export, &chunk);
        if (result == -EMSGSIZE) {
            return refuse(node, export);
        }
        if (result < 0) {
            rest();
            return 0;
        }
        presence_check();
        export->is_posted = true;
        publish_thread_post(&export->thread, chunk);
    }
    if (publish_thread_wait(&export->thread, soon(WAIT_NS))) {
        count(export);
    }
    return 0;
}

// True when a frame may be taken: always, unless none may be lost and nobody is there to get it.
static bool is_wanted(struct sb_node *node, struct export *export)
{
    if (!export->is_lossless) {
        return true;
    }
    bool is_there = export->publisher != NULL && iox_pub_has_subscribers(export->publisher);
    if (export->publisher != NULL && !is_there && !export->is_alone_told) {
        sb_log(node, SB_LOG_INFO, "iceoryx: waiting for a subscriber");
    }
    export->is_alone_told = !is_there && export->publisher != NULL;
    return is_there;
}

// Frames that stay in hand beyond a step are held, and come at least once across a crash.
static void keep(struct export *export)
{
    struct sb_frame copy;
    if (export->has_frame && !export->is_held && sb_frame_hold(&export->frame, &copy) == 0) {
        export->frame = copy;
        export->is_held = true;
    }
}

// The sum of a life: the next one counts from 0.
static void report(struct sb_node *node, const struct export *export)
{
    sb_log(node, SB_LOG_INFO,
           "iceoryx: exported frames=%" PRIu64 " bytes=%" PRIu64 " copies=%" PRIu64
           " unsent=%" PRIu64 " too_large=%" PRIu64,
           export->frames, export->bytes, export->frames, export->unsent, export->too_large);
}

// Ends the program when RouDi has ended; what is in hand comes again.
static void leave_if_lost(struct sb_node *node, struct export *export)
{
    if (iox_session_is_lost(&export->session)) {
        report(node, export);
        iox_session_leave(&export->session, take_down, export);
    }
}

static int export_loop(struct sb_node *node)
{
    struct export *export = sb_node_data(node);
    int result = 0;
    if (iox_session_join(&export->session) && export->publisher == NULL) {
        result = advertise(node, export);
    }
    leave_if_lost(node, export);
    for (int i = 0; i < ROUND_FRAMES && result == 0; i++) {
        if (!export->has_frame && !is_wanted(node, export)) {
            rest();
            break;
        }
        if (!export->has_frame && sb_input_take(export->input, &export->frame) != 1) {
            result = sb_node_wait(node, soon(WAIT_NS)) < 0 ? -ECANCELED : 0;
            break;
        }
        export->has_frame = true;
        result = export->is_lossless ? send_lossless(node, export) : send_ordered(node, export);
        if (export->has_frame) {
            break;
        }
    }
    keep(export);
    return result;
}

static int export_drain(struct sb_node *node)
{
    struct export *export = sb_node_data(node);
    while (export->has_frame && !sb_node_should_stop(node)) {
        leave_if_lost(node, export);
        int result = send_lossless(node, export);
        if (result < 0) {
            return result;
        }
    }
    return 0;
}

static void export_close(struct sb_node *node)
{
    struct export *export = sb_node_data(node);
    report(node, export);
    iox_session_close(&export->session, take_down, export);
    if (!export->is_left_behind) {
        free(export);
    }
}

static const struct sb_port inputs[] = {
    {.name = "in", .type = SB_PORT_ANY, .help = "Frames of any type, to be published."},
};

static const char *const deliveries[] = {"lossless", "ordered", NULL};

static const struct sb_param params[] = {
    {.name = "service",
     .type = SB_PARAM_STRING,
     .help = "Service to publish as, 1 to 100 bytes.",
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
     .help =
         "lossless: waits for RouDi, for a subscriber and for those that want to be waited for; "
         "ordered: never waits.",
     .initial = "ordered",
     .choices = deliveries,
     .is_fixed = true},
    {.name = "history",
     .type = SB_PARAM_INT,
     .help = "Chunks that are kept for subscribers that come later.",
     .initial = "0",
     .maximum = 16,
     .is_fixed = true},
};

static const struct sb_processor iceoryx_export = {
    .struct_size = sizeof iceoryx_export,
    .name = "iceoryx-export",
    .version = "1.0.0",
    .summary = "Publishes frames for the iceoryx applications of this machine.",
    .inputs = inputs,
    .input_count = 1,
    .params = params,
    .param_count = sizeof params / sizeof params[0],
    .mode = SB_MODE_CONTINUOUS,
    .open = export_open,
    .on_loop = export_loop,
    .on_drain = export_drain,
    .close = export_close,
};

int main(int argc, char **argv)
{
    return sb_processor_main(&iceoryx_export, argc, argv);
}

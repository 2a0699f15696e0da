// SPDX-License-Identifier: Apache-2.0
// Feeds generated frames into every input and lets the processor run to its end.
#include "worker/selftest.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/clock.h"
#include "base/text.h"
#include "worker/boot.h"
#include "worker/cycle.h"
#include "worker/input_link.h"
#include "worker/node_log.h"
#include "worker/output.h"
#include "worker/output_offer.h"
#include "worker/step.h"

#define EXIT_SKIPPED 77
#define FRAMES 8
#define DEPTH 16
#define CLAIMS 128
#define WIDTH 64
#define HEIGHT 48
#define RATE 48000
#define AUDIO_FRAMES 480
#define VALUES 16
#define SOURCE_STEPS 32
#define FPS 100

// The lowest format that a set allows; first_allowed where it allows all.
static uint32_t pick(uint32_t set, uint32_t first_allowed)
{
    return set == 0 ? first_allowed : (uint32_t)__builtin_ctz(set);
}

static uint32_t between(uint32_t value, uint32_t lowest, uint32_t highest)
{
    if (lowest > 0 && value < lowest) {
        return lowest;
    }
    return highest > 0 && value > highest ? highest : value;
}

// What a port of its type carries when it says nothing else. An empty set of kinds allows all.
static enum sb_format_kind choose_kind(const struct sb_port *port)
{
    enum sb_format_kind usual = SB_FORMAT_TEXT;
    if (port->type == SB_PORT_VIDEO) {
        usual = SB_FORMAT_VIDEO;
    } else if (port->type == SB_PORT_AUDIO) {
        usual = SB_FORMAT_AUDIO;
    } else if (port->type == SB_PORT_DATA) {
        usual = port->message != NULL ? SB_FORMAT_MESSAGE : SB_FORMAT_BINARY;
    }
    bool is_allowed = port->kinds == 0 || (port->kinds & SB_BIT(usual)) != 0;
    return is_allowed ? usual : (enum sb_format_kind)pick(port->kinds, (uint32_t)usual);
}

static void choose_format(const struct sb_port *port, struct sb_format *out_format)
{
    struct sb_format format = {.kind = choose_kind(port)};
    switch (format.kind) {
    case SB_FORMAT_VIDEO:
        format.video = (struct sb_video_format){.pixel = pick(port->pixels, SB_PIXEL_RGBA),
                                                .width = WIDTH,
                                                .height = HEIGHT,
                                                .fps_numerator = FPS,
                                                .fps_denominator = 1};
        break;
    case SB_FORMAT_AUDIO:
        format.audio = (struct sb_audio_format){
            .sample = pick(port->samples, SB_SAMPLE_F32),
            .rate = between(RATE, port->rate_min, port->rate_max),
            .channels = between(2, port->channels_min, port->channels_max)};
        break;
    case SB_FORMAT_TENSOR:
        format.tensor =
            (struct sb_tensor_format){.element = SB_ELEMENT_F32, .rank = 1, .shape = {VALUES}};
        break;
    case SB_FORMAT_MESSAGE:
        text_copy(format.name, sizeof format.name,
                  port->message != NULL ? port->message : "google.protobuf.Empty");
        break;
    case SB_FORMAT_TEXT:
    case SB_FORMAT_BINARY:
    case SB_FORMAT_NONE:
    default:
        break;
    }
    *out_format = format;
}

static uint64_t payload_bytes(const struct sb_format *format)
{
    uint64_t exact = sb_format_frame_bytes(format);
    if (exact > 0) {
        return exact;
    }
    if (format->kind == SB_FORMAT_AUDIO) {
        return AUDIO_FRAMES * sb_sample_bytes(format->audio.sample) * format->audio.channels;
    }
    return 64;
}

// Zeros are silence and a legal float; text and pixels get something to look at. Of a message
// nothing is known but that it may be empty.
static uint64_t fill(const struct sb_format *format, uint64_t number, uint8_t *payload,
                     uint64_t size_bytes)
{
    if (format->kind == SB_FORMAT_TEXT) {
        return (uint64_t)snprintf((char *)payload, size_bytes, "line %llu of the selftest",
                                  (unsigned long long)number);
    }
    if (format->kind == SB_FORMAT_MESSAGE) {
        return 0;
    }
    bool is_zero = format->kind == SB_FORMAT_AUDIO || format->kind == SB_FORMAT_TENSOR;
    for (uint64_t i = 0; !is_zero && i < size_bytes; i++) {
        payload[i] = (uint8_t)(i + number * 7);
    }
    return size_bytes;
}

static struct mapping map_zeros(uint64_t size_bytes)
{
    void *bytes = mmap(NULL, size_bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    return bytes == MAP_FAILED ? (struct mapping){0} : (struct mapping){bytes, size_bytes};
}

static void *writable(const struct mapping *mapping)
{
    return (void *)(uintptr_t)mapping->bytes;
}

static int publish_all(struct input_generation *generation, const struct sb_format *format)
{
    struct pool pool;
    struct ring_writer writer;
    int failed = pool_init(&pool, writable(&generation->pool), DEPTH, payload_bytes(format));
    if (failed != 0) {
        return failed;
    }
    struct ring_writer_config config = {.page = writable(&generation->publish),
                                        .pool = &pool,
                                        .is_lossless = true,
                                        .depth = DEPTH,
                                        .first_seq = 1};
    failed = ring_writer_init(&writer, &config);
    for (uint64_t number = 0; failed == 0 && number < FRAMES; number++) {
        uint32_t slot = pool_claim(&pool);
        uint64_t size = fill(format, number, pool_payload(&pool, slot), pool.payload_bytes);
        *pool_header(&pool, slot) = (struct frame_header){
            .number = number,
            .pts_ns = (int64_t)number * CLOCK_NS_PER_S / FPS,
            .duration_ns = CLOCK_NS_PER_S / FPS,
            .payload_bytes = size,
            .flags = SB_FRAME_KEYFRAME,
        };
        ring_writer_publish(&writer, slot, size, number + 1, SB_FRAME_KEYFRAME);
        pool_drop(&pool, slot);
    }
    if (failed == 0) {
        ring_writer_end(&writer, LINK_END_STREAM);
        ring_writer_fini(&writer);
    }
    pool_fini(&pool);
    return failed;
}

static int feed(struct input_link *link, const struct sb_format *format)
{
    struct input_generation *generation = calloc(1, sizeof *generation);
    if (generation == NULL) {
        return -ENOMEM;
    }
    link->oldest = generation;
    generation->number = 1;
    generation->format = *format;
    generation->pool = map_zeros(pool_bytes(DEPTH, payload_bytes(format)));
    generation->publish = map_zeros(layout_publish_page_bytes(DEPTH));
    generation->consume = map_zeros(layout_consume_page_bytes(DEPTH, CLAIMS));
    if (generation->pool.bytes == NULL || generation->publish.bytes == NULL ||
        generation->consume.bytes == NULL) {
        return -ENOMEM;
    }
    int failed = publish_all(generation, format);
    if (failed != 0) {
        return failed;
    }
    struct ring_reader_config config = {.peer = generation->publish.bytes,
                                        .pool = generation->pool.bytes,
                                        .page = writable(&generation->consume),
                                        .is_lossless = true,
                                        .depth = DEPTH,
                                        .claims_max = CLAIMS,
                                        .slot_count = DEPTH,
                                        .payload_bytes = payload_bytes(format),
                                        .first_seq = 1};
    failed = ring_reader_init(&generation->reader, &config);
    generation->is_reader_ready = failed == 0;
    link->now = generation;
    return failed;
}

// A SETUP like that of a broker whose graph links every input, and the first two of an array.
static int link_inputs(struct sb_node *node)
{
    static struct wire_link links[LIMIT_LINKS_PER_SIDE_MAX];
    struct wire_setup setup = {.generation = 1, .links = links};
    text_copy(setup.node_id, sizeof setup.node_id, node->processor->name);
    for (uint32_t i = 0; i < node->input_count && setup.link_count < LIMIT_LINKS_PER_SIDE_MAX;
         i++) {
        if (node->inputs[i].index >= 2) {
            continue;
        }
        struct wire_link *link = &links[setup.link_count++];
        *link = (struct wire_link){.link_id = i + 1, .delivery = SB_DELIVERY_LOSSLESS};
        text_copy(link->port, sizeof link->port, node->inputs[i].name);
        text_copy(link->peer, sizeof link->peer, "selftest.out");
    }
    return boot_apply_setup(node, &setup);
}

static int feed_all(struct sb_node *node)
{
    int failed = 0;
    for (uint32_t i = 0; failed == 0 && i < node->input_link_count; i++) {
        struct input_link *link = &node->input_links[i];
        struct sb_input *input = link->input;
        struct sb_format format;
        choose_format(input->port, &format);
        link->is_format_told = true;
        failed = feed(link, &format);
        if (failed == 0) {
            step_set_format(input, &format, payload_bytes(&format));
        }
    }
    return failed != 0 || !node->is_format_refused ? failed : -EINVAL;
}

static void start_clock(struct sb_node *node)
{
    struct bell_page *bell = node->own_bell;
    struct clock_entry *clock = &bell->clocks[0];
    atomic_store(&clock->epoch_ns, clock_now_ns());
    atomic_store(&clock->fps_numerator, FPS);
    atomic_store(&clock->fps_denominator, 1);
    // A node that waits for input and has none would wait for ever.
    bool is_idle = node->mode == SB_MODE_REACTIVE && node->input_link_count == 0;
    atomic_store(&bell->want, is_idle ? WANT_DRAIN : WANT_RUN);
    atomic_store(&bell->word, 1);
}

static const struct sb_param *missing_param(const struct sb_processor *processor)
{
    for (size_t i = 0; i < processor->param_count; i++) {
        if (processor->params[i].initial == NULL) {
            return &processor->params[i];
        }
    }
    return NULL;
}

static int run(struct sb_node *node)
{
    int failed = link_inputs(node);
    start_clock(node);
    if (failed == 0 && node->processor->open != NULL) {
        failed = node->processor->open(node);
    }
    if (failed < 0) {
        node_log_call_error(node, "open", failed);
        // A machine without a device that the processor says it wants is not its fault.
        return failed == -ENODEV && node->processor->wants != NULL ? EXIT_SKIPPED : SB_EXIT_FAILED;
    }
    node->is_open = true;
    // Sources and clocks have no end of their own.
    node->step_limit = SOURCE_STEPS + FRAMES * (uint64_t)node->input_link_count;
    output_offer_defaults(node);
    failed = feed_all(node);
    if (failed < 0) {
        node_log_call_error(node, "selftest", failed);
        return SB_EXIT_FAILED;
    }
    return cycle_run(node);
}

int selftest_run(const struct sb_processor *processor)
{
    const struct sb_param *missing = missing_param(processor);
    if (missing != NULL) {
        printf("selftest of %s skipped: parameter '%s' has no default\n", processor->name,
               missing->name);
        return EXIT_SKIPPED;
    }
    struct sb_node *node = calloc(1, sizeof *node);
    if (node == NULL || boot_init(node, processor) != 0) {
        fprintf(stderr, "<3>out of memory\n");
        return SB_EXIT_FAILED;
    }
    node->is_selftest = true;
    int status = run(node);
    uint64_t errors = atomic_load(&node->status->errors);
    printf("selftest of %s: %llu frames in, %llu frames out, %llu errors\n", processor->name,
           (unsigned long long)atomic_load(&node->status->frames_in),
           (unsigned long long)atomic_load(&node->status->unlinked_out),
           (unsigned long long)errors);
    if (node->is_open && processor->close != NULL) {
        processor->close(node);
    }
    boot_fini(node);
    free(node);
    return errors > 0 ? SB_EXIT_FAILED : status;
}

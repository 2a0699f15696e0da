// SPDX-License-Identifier: Apache-2.0
// Claims, publishes and ends.
#include "worker/output.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/clock.h"
#include "worker/carrier.h"
#include "worker/carrier_keep.h"
#include "worker/control.h"
#include "worker/device_memory.h"
#include "worker/node_log.h"
#include "worker/output_memory.h"
#include "worker/output_offer.h"
#include "worker/output_room.h"
#include "worker/rest.h"
#include "worker/step.h"
#include "worker/uplink.h"

#define PLUG_BYTES_MIN 65536

// Between two looks for room in a transport, or for a reader of it.
#define CARRIER_LOOK_NS (2 * CLOCK_NS_PER_MS)

int output_adopt_next(struct sb_output *output)
{
    struct output_generation *generation = output->next;
    for (uint32_t i = 0; output->now == NULL && i < 2; i++) {
        struct output_generation *used = &output->generations[i];
        if (used->is_used && (generation == NULL || used->number < generation->number)) {
            generation = used;
        }
    }
    if (generation == NULL || output->claimed > 0 ||
        !output_memory_is_complete(output, generation)) {
        return 0;
    }
    return output_memory_adopt(output, generation);
}

static int refuse_size(struct sb_output *output, uint64_t size_bytes, uint64_t capacity_bytes)
{
    struct sb_node *node = output->node;
    status_add(&node->status->refused_out, 1);
    node_log(node, SB_LOG_ERROR,
             "[%s] output %s: a frame of %llu bytes does not fit into a slot of %llu bytes; it was "
             "not sent; raise max_payload of its links",
             node->id, output->name, (unsigned long long)size_bytes,
             (unsigned long long)capacity_bytes);
    return -EMSGSIZE;
}

// What an unlinked output writes to: memory that nobody else sees, one piece per claim, so that one
// that grows leaves the others where they are.
static int plug_buffer(struct sb_output *output, struct output_claim *claim, uint64_t size_bytes)
{
    if (size_bytes > LIMIT_PAYLOAD_BYTES_MAX) {
        return refuse_size(output, size_bytes, LIMIT_PAYLOAD_BYTES_MAX);
    }
    uint64_t wanted = size_bytes > PLUG_BYTES_MIN ? size_bytes : PLUG_BYTES_MIN;
    if (claim->plug_bytes < wanted) {
        uint64_t rounded = (wanted + CACHE_LINE_BYTES - 1) / CACHE_LINE_BYTES * CACHE_LINE_BYTES;
        uint8_t *plug = aligned_alloc(CACHE_LINE_BYTES, rounded);
        if (plug == NULL) {
            return -ENOMEM;
        }
        free(claim->plug);
        claim->plug = plug;
        claim->plug_bytes = rounded;
    }
    return 0;
}

static inline void fill_buffer(struct sb_output *output, struct sb_buffer *buffer)
{
    const struct sb_node *node = output->node;
    const struct sb_frame *frame = node->step_frame;
    if (frame != NULL) {
        buffer->number = frame->number;
        buffer->pts_ns = frame->pts_ns;
        buffer->duration_ns = frame->duration_ns;
        buffer->flags = frame->flags & (SB_FRAME_KEYFRAME | SB_FRAME_DISCONTINUITY);
        buffer->trace_id = frame->trace_id;
        buffer->job_id = frame->job_id;
        return;
    }
    bool is_tick = node->mode == SB_MODE_TICK && node->is_in_step;
    buffer->number = output->next_number;
    // A look at the clock costs more than the rest of a small frame.
    int64_t now_ns = is_tick || output->port->is_timed ? 0 : clock_now_ns();
    buffer->pts_ns = is_tick ? node->tick_due_ns : now_ns;
    buffer->duration_ns = is_tick ? node->tick_period_ns : 0;
    buffer->flags = SB_FRAME_KEYFRAME;
    buffer->trace_id = 0;
    buffer->job_id = 0;
}

// Payloads do not lie in the slots: a transport carries them, or they are in memory of a device.
static inline bool is_carried(const struct sb_output *output)
{
    return output->live_count > 0 &&
           (output->now->carrier.transport != NULL || output->now->device_slot_bytes != 0);
}

// Until a transport may have room, or a reader of it is attached. Returns 0, or -ECANCELED when the
// node stops.
static int rest_for_carrier(struct sb_output *output)
{
    struct sb_node *node = output->node;
    if (is_bell_rung(node)) {
        control_poll(node);
        return 0;
    }
    if (node->want == WANT_STOP || node->want == WANT_LEAVE || node->is_broker_gone) {
        node->is_step_canceled = true;
        status_add(&node->status->stopped_out, 1);
        return -ECANCELED;
    }
    struct futex_set set;
    status_phase(node, WORKER_NO_SPACE);
    rest_begin(node, &set);
    for (uint32_t i = 0; i < output->link_count; i++) {
        const struct ring_writer *writer = &output->now->writers[i];
        if (output_room_has_link(output, i) && writer->peer != NULL) {
            futex_set_add(&set, ring_writer_space_word(writer));
        }
    }
    rest_wait(node, &set, clock_now_ns() + CARRIER_LOOK_NS);
    status_phase(node, WORKER_PROCESSING);
    return 0;
}

// A slot for the header and a buffer elsewhere for the payload. No slot and 0: the output has no
// such link any more.
static int claim_carried(struct sb_output *output, uint64_t size_bytes, uint32_t *out_slot,
                         void **out_data)
{
    while (is_carried(output)) {
        struct output_generation *now = output->now;
        if (size_bytes > now->pool.payload_bytes) {
            return refuse_size(output, size_bytes, now->pool.payload_bytes);
        }
        int failed = -EAGAIN;
        carrier_keep_less(output);
        if (carrier_is_heard(output)) {
            uint32_t slot = pool_claim(&now->pool);
            failed = now->device_slot_bytes != 0
                         ? device_memory_loan(now, slot, out_data)
                         : carrier_loan(&now->carrier, slot, size_bytes, out_data);
            if (failed == 0) {
                *out_slot = slot;
                return 0;
            }
            pool_drop(&now->pool, slot);
        }
        failed = failed == -EAGAIN ? rest_for_carrier(output) : failed;
        failed = failed == 0 ? output_room_get(output) : failed;
        if (failed != 0) {
            return failed;
        }
    }
    return 0;
}

static inline struct output_claim *free_claim(const struct sb_output *output)
{
    struct output_claim *claim = output->claims;
    while (claim->id != 0) {
        claim++;
    }
    return claim;
}

// The claim is made: fills in what the caller gets. Straight into the caller's own: a copy of it
// would cost a tenth of a small frame.
static inline void begin_claim(struct sb_output *output, struct output_claim *claim, uint32_t slot,
                               void *data, struct sb_buffer *out_buffer)
{
    claim->id = ++output->last_claim;
    claim->slot = slot;
    output->claimed++;
    out_buffer->data = data;
    out_buffer->output = output;
    out_buffer->slot = slot;
    out_buffer->claim = claim->id;
    fill_buffer(output, out_buffer);
}

// Kept out of the way of the claims that need not look at anything.
__attribute__((noinline)) static int claim_slowly(struct sb_output *output, uint64_t size_bytes,
                                                  struct sb_buffer *out_buffer)
{
    if (output->is_ended) {
        return -EPIPE;
    }
    if (output->claimed == output->claim_max) {
        return -EBUSY;
    }
    if (output->is_offer_new && output->claimed == 0) {
        // Offered in this very step: the buffer is meant for the new format.
        output_offer_send(output->node);
    }
    int failed = output_room_get(output);
    if (failed != 0) {
        return failed;
    }
    struct output_claim *claim = free_claim(output);
    uint64_t capacity_bytes;
    void *data;
    uint32_t slot = POOL_SLOT_NONE;
    if (is_carried(output)) {
        failed = claim_carried(output, size_bytes, &slot, &data);
        if (failed != 0) {
            return failed;
        }
        capacity_bytes = size_bytes;
    }
    // Its last link may have gone while it waited for the transport.
    if (slot == POOL_SLOT_NONE && output->live_count == 0) {
        failed = plug_buffer(output, claim, size_bytes);
        if (failed != 0) {
            return failed;
        }
        capacity_bytes = claim->plug_bytes;
        data = claim->plug;
    } else if (slot == POOL_SLOT_NONE) {
        struct pool *pool = &output->now->pool;
        capacity_bytes = pool->payload_bytes;
        if (size_bytes > capacity_bytes) {
            return refuse_size(output, size_bytes, capacity_bytes);
        }
        slot = pool_claim(pool);
        data = pool_payload(pool, slot);
    }
    begin_claim(output, claim, slot, data, out_buffer);
    out_buffer->size_bytes = size_bytes;
    out_buffer->capacity_bytes = capacity_bytes;
    return 0;
}

// True for most claims of small frames: space was seen when another one was made, and the broker
// has said nothing since.
static inline bool has_credit(const struct sb_output *output, uint64_t size_bytes)
{
    return output->credit > 0 && !is_bell_rung(output->node) &&
           output->claimed < output->claim_max && output->now->pool.free_count > 0 &&
           size_bytes <= output->now->pool.payload_bytes;
}

int sb_output_claim(struct sb_output *output, uint64_t size_bytes, struct sb_buffer *out_buffer)
{
    if (!has_credit(output, size_bytes)) {
        return claim_slowly(output, size_bytes, out_buffer);
    }
    struct pool *pool = &output->now->pool;
    uint32_t slot = pool_claim(pool);
    output->credit--;
    begin_claim(output, free_claim(output), slot, pool_payload(pool, slot), out_buffer);
    out_buffer->size_bytes = size_bytes;
    out_buffer->capacity_bytes = pool->payload_bytes;
    return 0;
}

static inline struct output_claim *find_claim(struct sb_output *output,
                                              const struct sb_buffer *buffer)
{
    // Numbers of claims are the output's own: a buffer of another output may have the same.
    bool is_ours = buffer->output == output && buffer->claim != 0;
    for (uint32_t i = 0; is_ours && i < output->claim_max; i++) {
        if (output->claims[i].id == buffer->claim) {
            return &output->claims[i];
        }
    }
    return NULL;
}

static inline void write_header(struct sb_output *output, uint32_t slot,
                                const struct sb_buffer *buffer)
{
    uint32_t flags = buffer->flags & (SB_FRAME_KEYFRAME | SB_FRAME_DISCONTINUITY);
    *pool_header(&output->now->pool, slot) = (struct frame_header){
        .number = buffer->number,
        .pts_ns = buffer->pts_ns,
        .duration_ns = buffer->duration_ns,
        .payload_bytes = buffer->size_bytes,
        .format_id = output->now->number,
        .flags = flags,
        .trace_id = buffer->trace_id,
        .job_id = buffer->job_id,
    };
}

// What is true of a frame on this link only.
static uint32_t cell_flags(struct output_link *link, const struct sb_buffer *buffer)
{
    const struct sb_output *output = link->output;
    const struct sb_node *node = output->node;
    uint32_t flags = buffer->flags & (SB_FRAME_KEYFRAME | SB_FRAME_DISCONTINUITY);
    if (node->generation > 1 && !link->has_carried) {
        // The first frame of a new life does not follow on the last one of the old.
        flags |= SB_FRAME_DISCONTINUITY;
    }
    link->has_carried = true;
    if (node->is_step_redelivered && !output->port->is_one_per_step) {
        // Nobody can tell whether the life before sent it already.
        flags |= SB_FRAME_REDELIVERED;
    }
    return flags;
}

// Whether any link of the output lacks the frame of the running step.
static bool is_wanted(const struct sb_output *output)
{
    for (uint32_t i = 0; i < output->link_count; i++) {
        if (output_room_has_link(output, i) &&
            output->node->step > output->now->writers[i].last_step) {
            return true;
        }
    }
    return false;
}

// The payload goes before the cells that tell of it.
__attribute__((noinline)) static int send_carried(struct sb_output *output, uint32_t slot,
                                                  const struct sb_buffer *buffer)
{
    struct output_generation *now = output->now;
    if (!is_wanted(output)) {
        carrier_abandon(&now->carrier, slot);
        return 0;
    }
    for (;;) {
        uint64_t ticket;
        int failed = carrier_publish(&now->carrier, slot, buffer, &now->format, &ticket);
        if (failed == 0) {
            pool_header(&now->pool, slot)->ticket = ticket;
            return 0;
        }
        // The claim keeps the generation where it is, whatever is heard meanwhile.
        failed = failed == -EAGAIN ? rest_for_carrier(output) : failed;
        if (failed != 0) {
            return failed;
        }
    }
}

static int publish_slot(struct sb_output *output, uint32_t slot, const struct sb_buffer *buffer)
{
    struct sb_node *node = output->node;
    struct output_generation *now = output->now;
    if (now->frame_bytes != 0 && buffer->size_bytes != now->frame_bytes) {
        node_log(node, SB_LOG_ERROR,
                 "[%s] output %s: a frame has %llu bytes, its format demands %llu; it was not sent",
                 node->id, output->name, (unsigned long long)buffer->size_bytes,
                 (unsigned long long)now->frame_bytes);
        return -EPROTO;
    }
    write_header(output, slot, buffer);
    if (now->device_slot_bytes != 0) {
        // The payload is not in the slot: a small one must not be looked for there.
        pool_header(&now->pool, slot)->ticket = 1;
    } else if (now->carrier.transport != NULL) {
        int failed = send_carried(output, slot, buffer);
        if (failed != 0) {
            return failed;
        }
    }
    for (uint32_t i = 0; i < output->link_count; i++) {
        struct ring_writer *writer = &now->writers[i];
        if (!output_room_has_link(output, i)) {
            continue;
        }
        if (node->step <= writer->last_step) {
            // A step that comes again: this link has its frame from the life before.
            status_add(&node->status->suppressed_out, 1);
        } else {
            ring_writer_publish(writer, slot, buffer->size_bytes, node->step,
                                cell_flags(output->links[i], buffer));
        }
    }
    return 0;
}

static inline void forget_claim(struct sb_output *output, struct output_claim *claim)
{
    if (claim->slot != POOL_SLOT_NONE && output->now != NULL) {
        if (output->now->carrier.transport != NULL) {
            carrier_abandon(&output->now->carrier, claim->slot);
        }
        pool_drop(&output->now->pool, claim->slot);
    }
    claim->id = 0;
    output->claimed--;
}

// It is out: the claim is over, and so is the step of a source that runs in one long call.
static inline void end_claim(struct sb_output *output, struct output_claim *claim, uint64_t number)
{
    struct sb_node *node = output->node;
    output->next_number = number + 1;
    forget_claim(output, claim);
    if (node->mode == SB_MODE_MANUAL && node->taken_count == 0) {
        step_pass_source(node);
    }
}

// Looks at everything. Kept out of the way of what most frames are.
__attribute__((noinline)) static int
publish_slowly(struct sb_output *output, struct output_claim *claim, const struct sb_buffer *buffer)
{
    if (buffer->size_bytes > buffer->capacity_bytes ||
        (claim->slot != POOL_SLOT_NONE && buffer->size_bytes > output->now->pool.payload_bytes)) {
        return refuse_size(output, buffer->size_bytes, buffer->capacity_bytes);
    }
    struct sb_node *node = output->node;
    if (claim->slot == POOL_SLOT_NONE || output->live_count == 0) {
        status_add(&node->status->unlinked_out, 1);
    } else {
        int failed = publish_slot(output, claim->slot, buffer);
        if (failed != 0) {
            return failed;
        }
        status_add(&node->status->frames_out, 1);
    }
    end_claim(output, claim, buffer->number);
    return 0;
}

// Whether a frame goes out as most do: on all links alike.
static inline bool is_as_most(const struct sb_output *output, const struct output_claim *claim,
                              const struct sb_buffer *buffer)
{
    if (!output->is_plain || output->node->is_step_redelivered || claim->slot == POOL_SLOT_NONE) {
        return false;
    }
    const struct output_generation *now = output->now;
    uint64_t size_bytes = buffer->size_bytes;
    return size_bytes <= buffer->capacity_bytes && size_bytes <= now->pool.payload_bytes &&
           (now->frame_bytes == 0 || now->frame_bytes == size_bytes);
}

int sb_output_publish(struct sb_output *output, const struct sb_buffer *buffer)
{
    struct output_claim *claim = find_claim(output, buffer);
    if (claim == NULL) {
        return -EINVAL;
    }
    if (!is_as_most(output, claim, buffer)) {
        return publish_slowly(output, claim, buffer);
    }
    struct sb_node *node = output->node;
    const struct output_generation *now = output->now;
    write_header(output, claim->slot, buffer);
    uint32_t flags = buffer->flags & (SB_FRAME_KEYFRAME | SB_FRAME_DISCONTINUITY);
    if (now->target_count == 1) {
        ring_writer_publish(now->targets[0], claim->slot, buffer->size_bytes, node->step, flags);
    } else {
        ring_writer_publish_all(now->targets, now->target_count, claim->slot, buffer->size_bytes,
                                node->step, flags);
    }
    status_add(&node->status->frames_out, 1);
    end_claim(output, claim, buffer->number);
    return 0;
}

int sb_output_abandon(struct sb_output *output, const struct sb_buffer *buffer)
{
    struct output_claim *claim = find_claim(output, buffer);
    if (claim == NULL) {
        return -EINVAL;
    }
    forget_claim(output, claim);
    return 0;
}

int sb_output_copy(struct sb_output *output, const struct sb_frame *frame)
{
    struct sb_buffer buffer;
    if ((frame->flags & SB_FRAME_ON_DEVICE) != 0) {
        return -ENOTSUP;
    }
    int failed = sb_output_claim(output, frame->size_bytes, &buffer);
    if (failed != 0) {
        return failed;
    }
    if (is_carried(output) && output->now->device_slot_bytes != 0) {
        sb_output_abandon(output, &buffer);
        return -ENOTSUP;
    }
    memcpy(buffer.data, frame->data, frame->size_bytes);
    buffer.number = frame->number;
    buffer.pts_ns = frame->pts_ns;
    buffer.duration_ns = frame->duration_ns;
    buffer.flags = frame->flags;
    buffer.trace_id = frame->trace_id;
    buffer.job_id = frame->job_id;
    failed = sb_output_publish(output, &buffer);
    if (failed != 0) {
        sb_output_abandon(output, &buffer);
    }
    return failed;
}

int sb_output_end(struct sb_output *output)
{
    if (output->is_ended) {
        return 0;
    }
    output_abandon_claims(output);
    output->credit = 0;
    int failed = output_adopt_next(output);
    for (uint32_t i = 0; output->now != NULL && i < output->link_count; i++) {
        if (output_room_has_link(output, i)) {
            ring_writer_end(&output->now->writers[i], LINK_END_STREAM);
        }
    }
    output->is_ended = true;
    return failed;
}

void output_abandon_claims(struct sb_output *output)
{
    for (uint32_t i = 0; output->claimed > 0 && i < output->claim_max; i++) {
        if (output->claims[i].id != 0) {
            forget_claim(output, &output->claims[i]);
        }
    }
}

void output_end_all(struct sb_node *node)
{
    for (uint32_t i = 0; i < node->output_count; i++) {
        sb_output_end(&node->outputs[i]);
    }
}

void output_fini(struct sb_output *output)
{
    for (uint32_t i = 0; i < 2; i++) {
        if (output->generations[i].is_used) {
            output_memory_drop(output, &output->generations[i]);
        }
    }
    for (uint32_t i = 0; output->claims != NULL && i < output->claim_max; i++) {
        free(output->claims[i].plug);
    }
    carrier_close_writer(&output->before);
    free(output->claims);
    free(output->links);
    output->now = NULL;
}

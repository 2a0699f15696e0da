// SPDX-License-Identifier: Apache-2.0
// Looks and waits for a slot, and for space on every lossless link.
#include "worker/output_room.h"

#include <errno.h>

#include "base/clock.h"
#include "worker/control.h"
#include "worker/output.h"
#include "worker/output_memory.h"
#include "worker/rest.h"

// From this size on the slot that was freed last is worth finding: it is still in the cache.
#define HOT_SLOT_BYTES 16384
#define SLOT_WAIT_NS CLOCK_NS_PER_MS

// Evicting links always have space, but a link that comes in must be seen some day.
#define CREDIT_MAX 1024

// Between two looks for room of a node that ends. A reader looks at what its producer wishes only
// once in an eighth of the ring, and a slow one may take longer for that than we have left.
#define DRAIN_LOOK_NS (10 * CLOCK_NS_PER_MS)

// Looks for room before a sleep: some microseconds.
#define ROOM_ROUNDS 8
#define ROOM_PAUSES 16
#define VAIN_LOOKS_MAX 10
#define ROOM_DEPTH_MIN 64

// Whether frames go out in the same way on every link that they go out on, and on which ones these
// are. That stays as it is until the broker says something.
static bool find_targets(struct sb_output *output)
{
    const struct sb_node *node = output->node;
    struct output_generation *now = output->now;
    now->target_count = 0;
    for (uint32_t i = 0; i < output->link_count; i++) {
        if (!output_room_has_link(output, i)) {
            continue;
        }
        // Its first frame may have a flag of its own, and one of a step that comes again may be on
        // it already.
        bool is_usual = (node->generation <= 1 || output->links[i]->has_carried) &&
                        node->step > now->writers[i].last_step;
        if (!is_usual) {
            return false;
        }
        now->targets[now->target_count++] = &now->writers[i];
    }
    return now->target_count > 0 && now->carrier.transport == NULL && now->device_slot_bytes == 0;
}

// Cells that every lossless link must have free for one more claim. What is free beyond that is
// credit: space that is there stays there until a claim of ours uses it, so the claims that it
// covers need not look at each link again. Large frames have none, whose slots are looked for.
static bool has_space(struct sb_output *output)
{
    output->is_plain = output->is_plain || find_targets(output);
    bool has_credit = output->is_plain && !output->is_ended && output->next == NULL &&
                      output->now->pool.slot_bytes < HOT_SLOT_BYTES;
    uint32_t credit = has_credit ? CREDIT_MAX : 0;
    for (uint32_t i = 0; i < output->link_count; i++) {
        struct ring_writer *writer = &output->now->writers[i];
        if (output_room_has_link(output, i) && writer->is_lossless) {
            uint32_t wanted =
                output->claimed + 1 < writer->depth ? output->claimed + 1 : writer->depth;
            uint32_t space = ring_writer_space(writer);
            if (space < wanted) {
                output->credit = 0;
                return false;
            }
            credit = space - wanted < credit ? space - wanted : credit;
        }
    }
    output->credit = credit;
    return true;
}

static void reclaim(struct sb_output *output)
{
    for (uint32_t i = 0; i < output->link_count; i++) {
        if (output->now->writers[i].page != NULL) {
            ring_writer_reclaim(&output->now->writers[i]);
        }
    }
}

static bool has_slot(struct sb_output *output)
{
    struct pool *pool = &output->now->pool;
    if (pool->slot_bytes >= HOT_SLOT_BYTES || pool->free_count == 0) {
        reclaim(output);
    }
    return pool->free_count > 0;
}

// A quarter of the ring at once, so that a slow reader is not woken and waited for at each frame;
// never more than a reader can free that keeps all the frames that it may. Who was told to end or
// to pause has one call to finish, and needs no more than that.
static uint32_t wanted_cells(const struct sb_node *node, const struct ring_writer *writer,
                             uint32_t at_least)
{
    if (node->want != WANT_RUN) {
        return at_least;
    }
    uint32_t most = writer->depth > writer->peer_claims ? writer->depth - writer->peer_claims : 1;
    uint32_t quarter = writer->depth / 4;
    uint32_t wanted = quarter < most ? quarter : most;
    return wanted > at_least ? wanted : at_least;
}

static void add_wishes(struct sb_output *output, struct futex_set *set)
{
    for (uint32_t i = 0; i < output->link_count; i++) {
        struct ring_writer *writer = &output->now->writers[i];
        if (!output_room_has_link(output, i) || !writer->is_lossless || writer->peer == NULL) {
            continue;
        }
        uint32_t least = output->claimed + 1 < writer->depth ? output->claimed + 1 : writer->depth;
        if (ring_writer_space(writer) < least) {
            futex_set_add(set, ring_writer_space_word(writer));
            ring_writer_wish_space(writer, wanted_cells(output->node, writer, least));
        }
    }
}

static void end_wishes(struct sb_output *output)
{
    for (uint32_t i = 0; output->now != NULL && i < output->link_count; i++) {
        if (output->now->writers[i].page != NULL) {
            ring_writer_awake(&output->now->writers[i]);
        }
    }
}

static bool is_ready_to_claim(struct sb_output *output)
{
    return output->now != NULL && !output->is_format_wanted && has_space(output) &&
           has_slot(output);
}

// One sleep until something may have changed: space, memory, or the broker's word.
static void sleep_for_room(struct sb_output *output)
{
    struct sb_node *node = output->node;
    struct futex_set set;
    // What we were told to do was read after the word of the bell was: another word from the broker
    // ends this sleep, and the next one has the wish that goes with it.
    int64_t deadline_ns =
        node->want == WANT_DRAIN ? clock_now_ns() + DRAIN_LOOK_NS : FUTEX_NO_DEADLINE;
    status_phase(node, WORKER_NO_SPACE);
    rest_begin(node, &set);
    if (output->now != NULL && !output->is_format_wanted) {
        add_wishes(output, &set);
        if (set.count == 1 && has_space(output)) {
            // Space everywhere and no slot: only a reader that breaks its word can cause this.
            deadline_ns = clock_now_ns() + SLOT_WAIT_NS;
        }
    }
    if (!is_ready_to_claim(output)) {
        rest_wait(node, &set, deadline_ns);
    }
    end_wishes(output);
    status_phase(node, WORKER_PROCESSING);
}

// Every lossless link has the space that a sleeper would be woken for, or more.
static bool has_much_space(struct sb_output *output)
{
    for (uint32_t i = 0; i < output->link_count; i++) {
        struct ring_writer *writer = &output->now->writers[i];
        if (output_room_has_link(output, i) && writer->is_lossless && writer->peer != NULL) {
            ring_writer_reclaim(writer);
            if (writer->depth - (writer->next_seq - 1 - writer->seen_retired) <
                wanted_cells(output->node, writer, 1)) {
                return false;
            }
        }
    }
    return has_space(output) && has_slot(output);
}

// A quarter of a small ring is too little to look for: it is full again at once.
static bool is_worth_a_look(const struct sb_output *output)
{
    for (uint32_t i = 0; i < output->link_count; i++) {
        if (output_room_has_link(output, i) && output->now->writers[i].depth < ROOM_DEPTH_MIN) {
            return false;
        }
    }
    return true;
}

// A reader that is at work makes room sooner than a sleep and a wake take, and is spared the wake.
// One that is not is looked for ever more seldom.
static bool look_for_room(struct sb_output *output)
{
    if (output->now == NULL || output->is_format_wanted || output->sleeps_left > 0 ||
        !is_worth_a_look(output)) {
        output->sleeps_left -= output->sleeps_left > 0 ? 1 : 0;
        return false;
    }
    for (int round = 0; round < ROOM_ROUNDS; round++) {
        for (int i = 0; i < ROOM_PAUSES; i++) {
            clock_pause();
        }
        if (is_bell_rung(output->node)) {
            return false;
        }
        if (has_much_space(output)) {
            output->vain_looks = 0;
            return true;
        }
    }
    output->vain_looks += output->vain_looks < VAIN_LOOKS_MAX ? 1 : 0;
    output->sleeps_left = (1U << output->vain_looks) - 1;
    return false;
}

// Waits until a buffer can be claimed, or until the output has no link.
static int wait_for_room(struct sb_output *output)
{
    struct sb_node *node = output->node;
    while (output->live_count > 0) {
        if (output->next != NULL || output->now == NULL) {
            int failed = output_adopt_next(output);
            if (failed != 0) {
                return failed;
            }
        }
        if (output->now == NULL && output->offer_count == 0) {
            return -EAGAIN;
        }
        if (is_ready_to_claim(output)) {
            return 0;
        }
        if (output->is_format_wanted && output->claimed > 0) {
            // The new format waits for the buffers of the old one.
            return -EBUSY;
        }
        if (is_bell_rung(node)) {
            control_poll(node);
        } else if (node->want == WANT_STOP || node->want == WANT_LEAVE || node->is_broker_gone) {
            node->is_step_canceled = true;
            status_add(&node->status->stopped_out, 1);
            return -ECANCELED;
        } else if (!look_for_room(output)) {
            sleep_for_room(output);
        }
    }
    return 0;
}

int output_room_get(struct sb_output *output)
{
    struct sb_node *node = output->node;
    // Also where there is always room: a call that lasts for ever must hear of a new consumer.
    if (is_bell_rung(node)) {
        control_poll(node);
    }
    if (node->phase != WIRE_RUNNING && output->live_count > 0) {
        return -EAGAIN;
    }
    return wait_for_room(output);
}

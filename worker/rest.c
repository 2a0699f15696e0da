// SPDX-License-Identifier: Apache-2.0
// Waiting for data, for space and for the broker in one place.
#include "worker/rest.h"

#include <errno.h>

#include "base/clock.h"
#include "worker/carrier.h"
#include "worker/control.h"
#include "worker/input.h"
#include "worker/input_link.h"

// A poller of an empty ring steals the cache line that the producer is about to write: after a run
// of frames it looks seldom. Single frames are answers, and each pause would come on top of them.
#define SPIN_PAUSES 8
#define SPIN_RUN 8

// The clock costs more than a look at the ring.
#define SPIN_LOOKS 16

// However slow system calls are (a tracer makes them so), nobody looks for longer than this.
#define PATIENCE_NS_MAX (200 * CLOCK_NS_PER_US)

// Frames that a reader asks for which keeps step with its writer. One wake serves them all; the
// first of them waits no longer than the patience.
#define IN_STEP_FRAMES 256

// A reader at the heels of a fast writer takes the cache lines that the writer is about to write,
// and both run at a half of what they can do. In a stream of frames that come faster than one per
// GAP, seen every LOOK frames, it lets the writer get ahead by a quarter of the ring, at most by so
// many frames, and waits no longer than ROUNDS of PAUSES: some microseconds. Each look takes the
// line of the tail from the writer, so there are few; the first comes soon, for a writer that does
// not run may want this very CPU.
#define DISTANCE_FRAMES 512
#define DISTANCE_LOOK_FRAMES 32
#define DISTANCE_GAP_NS 250
#define DISTANCE_ROUNDS 4
#define DISTANCE_FIRST_PAUSES 4
#define DISTANCE_PAUSES 64

// Between two looks whether the readers of a transport are attached.
#define ATTACH_LOOK_NS (2 * CLOCK_NS_PER_MS)

#define SPIN_AUTO_GAP_NS (50 * CLOCK_NS_PER_US)

void rest_begin(struct sb_node *node, struct futex_set *set)
{
    futex_set_clear(set);
    set->entries[0].word = &node->bell->word;
    set->entries[0].expected = node->bell_seen;
    set->count = 1;
    node->switches_seen = node->switches;
}

static void wish_for(struct ring_reader *reader, uint32_t count)
{
    uint32_t depth = reader->config.depth;
    if (count != REST_ONE_MORE) {
        ring_reader_wish(reader, count < depth ? count : depth);
        return;
    }
    // A frame that comes between the count and the wish would be passed by: count again after it.
    uint32_t queued;
    do {
        queued = ring_reader_queued(reader);
        ring_reader_wish(reader, queued < depth ? queued + 1 : depth);
    } while (queued < depth && ring_reader_queued(reader) > queued);
}

void rest_add_input(struct sb_input *input, uint32_t count, struct futex_set *set)
{
    for (uint32_t i = 0; i < input->link_count; i++) {
        struct ring_reader *reader = input_link_waited(input->links[i]);
        if (reader != NULL) {
            // The word, then the wish, then the last look: the order that loses no wake.
            futex_set_add(set, ring_reader_data_word(reader));
            // Of a batch whose first frames lie in the generation before, fewer are wanted here.
            bool is_behind = reader != &input->links[i]->now->reader;
            wish_for(reader, is_behind ? REST_ONE_MORE : count);
        }
    }
}

void rest_end_input(struct sb_input *input)
{
    for (uint32_t i = 0; i < input->link_count; i++) {
        struct ring_reader *reader = input_link_waited(input->links[i]);
        if (reader != NULL) {
            ring_reader_awake(reader);
        }
    }
}

// Whatever we wait for: a producer of ours that waits for space and has any must not sleep on, or
// what we wait for may never come.
static void settle_inputs(struct sb_node *node)
{
    for (uint32_t i = 0; i < node->input_count; i++) {
        struct sb_input *input = &node->inputs[i];
        for (uint32_t n = 0; n < input->link_count; n++) {
            struct input_generation *now = input->links[n]->now;
            if (now != NULL && now->is_reader_ready) {
                ring_reader_settle(&now->reader);
            }
        }
    }
}

// A sleep that never was: the peer reached our wish while we entered the kernel, and both of us
// paid a system call for one frame. Two that keep step would pay them for every frame, so the next
// waits look for twice as long as the vain call took before they wish. A sleep that was one ends
// that: then looking is waste.
static void learn_patience(struct sb_node *node, bool has_slept, int64_t called_ns)
{
    int64_t vain_ns = has_slept ? 0 : 2 * (clock_now_ns() - called_ns);
    int64_t kept_ns = has_slept ? node->patience_ns / 2 : node->patience_ns;
    node->patience_ns = vain_ns > kept_ns ? vain_ns : kept_ns;
    if (node->patience_ns > PATIENCE_NS_MAX) {
        node->patience_ns = PATIENCE_NS_MAX;
    }
}

int rest_wait(struct sb_node *node, struct futex_set *set, int64_t deadline_ns)
{
    if (node->switches != node->switches_seen) {
        // The last look moved on to another page: the words are those of the page before, which may
        // be unmapped by now, and nobody knows our wish for the new one.
        control_poll(node);
        return 0;
    }
    bool is_capped = false;
    settle_inputs(node);
    if (carrier_attach(node)) {
        int64_t look_ns = clock_now_ns() + ATTACH_LOOK_NS;
        is_capped = look_ns < deadline_ns;
        deadline_ns = is_capped ? look_ns : deadline_ns;
    }
    node->is_clock_stale = true;
    bool has_slept;
    int64_t called_ns = clock_now_ns();
    int result = futex_set_sleep(set, deadline_ns, &has_slept);
    if (node->is_step_timed) {
        node->timed_wait_ns += clock_now_ns() - called_ns;
    }
    learn_patience(node, has_slept, called_ns);
    control_poll(node);
    return is_capped ? 0 : result;
}

static int64_t spin_limit_ns(const struct sb_node *node)
{
    int64_t limit_ns = node->spin_ns;
    if (node->is_spin_auto) {
        // Spinning pays when the next frame comes before a sleeper would be awake, else not.
        limit_ns = node->gap_ns > 0 && node->gap_ns < SPIN_AUTO_GAP_NS ? 2 * node->gap_ns : 0;
    }
    return limit_ns > node->patience_ns ? limit_ns : node->patience_ns;
}

// A look at the cells alone. True when a frame came on any of the links.
static bool peek(struct sb_node *node, struct sb_input *only)
{
    for (uint32_t i = 0; i < node->input_count; i++) {
        struct sb_input *input = &node->inputs[i];
        for (uint32_t n = 0; (only == NULL || only == input) && n < input->link_count; n++) {
            struct ring_reader *reader = input_link_waited(input->links[n]);
            if (reader != NULL && ring_reader_has_next(reader)) {
                return true;
            }
        }
    }
    return false;
}

// True when it became ready while spinning.
static bool spin(struct sb_node *node, struct sb_input *only, int64_t deadline_ns,
                 bool (*is_ready)(struct sb_node *node, void *context), void *context)
{
    int64_t limit_ns = spin_limit_ns(node);
    // A reader of a transport that is not attached yet is looked at before each sleep.
    if (limit_ns == 0 || node->attaching_count > 0) {
        return false;
    }
    int pauses = node->step - node->spin_step >= SPIN_RUN ? SPIN_PAUSES : 1;
    node->spin_step = node->step;
    int64_t start_ns = 0;
    for (uint32_t round = 1;; round++) {
        for (int i = 0; i < pauses; i++) {
            clock_pause();
        }
        if ((round % SPIN_LOOKS == 0 || peek(node, only)) && is_ready(node, context)) {
            return true;
        }
        if (is_bell_rung(node)) {
            return false;
        }
        if (round % SPIN_LOOKS == 0) {
            // Spinning is not sleeping, but the step that comes next must not look as old as this.
            node->clock_ns = clock_now_ns();
            start_ns = start_ns == 0 ? node->clock_ns : start_ns;
            if (node->clock_ns - start_ns >= limit_ns || node->clock_ns >= deadline_ns) {
                return false;
            }
        }
    }
}

static void measure_gap(struct sb_node *node, int64_t start_ns)
{
    if (!node->is_spin_auto) {
        return;
    }
    int64_t gap_ns = clock_now_ns() - start_ns;
    node->gap_ns += (gap_ns - node->gap_ns) / 8;
}

static bool is_over(const struct sb_node *node)
{
    // Also a source that is asked to drain: nothing else would wake it.
    return node->want == WANT_STOP || sb_node_should_stop(node);
}

// A pause: who asked for the wait looks after that first.
static bool is_held_up(const struct sb_node *node)
{
    return node->want != WANT_RUN && node->want != WANT_DRAIN;
}

static void add_inputs(struct sb_node *node, struct sb_input *only, uint32_t count,
                       struct futex_set *set)
{
    for (uint32_t i = 0; i < node->input_count; i++) {
        if (only == NULL || only == &node->inputs[i]) {
            rest_add_input(&node->inputs[i], count, set);
        }
    }
}

static void end_inputs(struct sb_node *node, struct sb_input *only)
{
    for (uint32_t i = 0; i < node->input_count; i++) {
        if (only == NULL || only == &node->inputs[i]) {
            rest_end_input(&node->inputs[i]);
        }
    }
}

void rest_keep_distance(struct ring_reader *reader)
{
    uint32_t quarter = reader->config.depth / 4;
    uint32_t wanted = quarter < DISTANCE_FRAMES ? quarter : DISTANCE_FRAMES;
    uint32_t queued = ring_reader_queued(reader);
    if (queued >= wanted) {
        // Half of what is queued can be taken before a look could tell anything.
        reader->pace_seq = reader->next + queued / 2 + 1;
        reader->pace_ns = 0;
        return;
    }
    int64_t now_ns = clock_now_ns();
    if (now_ns - reader->pace_ns < DISTANCE_LOOK_FRAMES * DISTANCE_GAP_NS) {
        uint32_t seen = UINT32_MAX;
        for (int round = 0; round < DISTANCE_ROUNDS && queued < wanted && queued != seen; round++) {
            seen = queued;
            int pauses = round == 0 ? DISTANCE_FIRST_PAUSES : DISTANCE_PAUSES;
            for (int i = 0; i < pauses; i++) {
                clock_pause();
            }
            queued = ring_reader_queued(reader);
        }
        now_ns = clock_now_ns();
    }
    reader->pace_seq = reader->next + DISTANCE_LOOK_FRAMES;
    reader->pace_ns = now_ns;
}

int rest_for_input(struct sb_node *node, struct sb_input *only, uint32_t count,
                   bool (*is_ready)(struct sb_node *node, void *context), void *context,
                   int64_t deadline_ns)
{
    struct futex_set set;
    int64_t start_ns = node->is_spin_auto ? clock_now_ns() : 0;
    if (spin(node, only, deadline_ns, is_ready, context)) {
        measure_gap(node, start_ns);
        return 1;
    }
    for (;;) {
        bool is_rung = is_bell_rung(node);
        if (is_rung) {
            control_poll(node);
        }
        if (is_over(node)) {
            return -ECANCELED;
        }
        if (is_rung && is_held_up(node)) {
            return 0;
        }
        // In step with a peer: ask for many frames, and look by itself when they take longer.
        int64_t in_step_ns = count == 1 ? node->patience_ns : 0;
        int64_t look_ns = in_step_ns > 0 ? clock_now_ns() + in_step_ns : deadline_ns;
        int64_t until_ns = look_ns < deadline_ns ? look_ns : deadline_ns;
        rest_begin(node, &set);
        add_inputs(node, only, in_step_ns > 0 ? IN_STEP_FRAMES : count, &set);
        bool is_done = is_ready(node, context);
        int waited = is_done ? 0 : rest_wait(node, &set, until_ns);
        end_inputs(node, only);
        if (is_done || is_ready(node, context)) {
            measure_gap(node, start_ns);
            return 1;
        }
        if (is_over(node)) {
            return -ECANCELED;
        }
        if (waited == -ETIMEDOUT && until_ns == deadline_ns) {
            return 0;
        }
        if (is_held_up(node)) {
            return 0;
        }
    }
}

struct awaited {
    bool (*is_ready)(struct sb_node *node, void *context);
    void *context;
};

static bool is_ready_or_told(struct sb_node *node, void *context)
{
    const struct awaited *awaited = context;
    return control_is_due_in_wait(node) || awaited->is_ready(node, awaited->context);
}

int rest_inside_call(struct sb_node *node, struct sb_input *only,
                     bool (*is_ready)(struct sb_node *node, void *context), void *context,
                     int64_t deadline_ns)
{
    struct awaited awaited = {is_ready, context};
    for (;;) {
        status_phase(node, WORKER_IDLE);
        int ready = rest_for_input(node, only, 1, is_ready_or_told, &awaited, deadline_ns);
        node->is_clock_stale = true;
        status_phase(node, WORKER_PROCESSING);
        if (!control_is_due_in_wait(node)) {
            return ready;
        }
        // Nobody knows when a node that waits for frames will call again.
        control_apply_in_wait(node);
    }
}

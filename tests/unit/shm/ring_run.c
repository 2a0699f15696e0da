// SPDX-License-Identifier: Apache-2.0
// Drives both ends of a rig.
#include "unit/shm/ring_run.h"

#include <errno.h>
#include <inttypes.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "shm/futex.h"

uint64_t ring_run_next(struct ring_run_random *random, uint64_t below)
{
    // xorshift64*
    random->state ^= random->state >> 12;
    random->state ^= random->state << 25;
    random->state ^= random->state >> 27;
    return (random->state * UINT64_C(2685821657736338717) >> 32) % below;
}

static void pause_now_and_then(struct ring_run_random *random)
{
    if (ring_run_next(random, 64) != 0) {
        return;
    }
    uint64_t rounds = ring_run_next(random, 400);
    for (uint64_t i = 0; i < rounds; i++) {
        clock_pause();
    }
    if (rounds < 8) {
        sched_yield();
    }
}

// The other side may be on this very CPU.
static void poll_again(struct ring_run_random *random)
{
    clock_pause();
    if (ring_run_next(random, 256) == 0) {
        sched_yield();
    }
}

// Sleeps on one word, as the end of a worker's wait does. False when nobody woke it.
static bool sleep_on(const struct futex_set *set)
{
    return futex_set_wait(set, clock_now_ns() + RING_RUN_LOST_WAKE_NS) == 0;
}

static bool wait_for_space(struct ring_run_producer *producer)
{
    struct ring_writer *writer = &producer->rig->writer;
    if (!producer->is_sleeping) {
        poll_again(&producer->random);
        return true;
    }
    struct futex_set set;
    futex_set_clear(&set);
    futex_set_add(&set, ring_writer_space_word(writer));
    ring_writer_wish_space(writer, writer->depth < 4 ? 1 : writer->depth / 4);
    bool is_woken = ring_writer_space(writer) > 0 || sleep_on(&set);
    ring_writer_awake(writer);
    return is_woken;
}

bool ring_run_publish(struct ring_run_producer *producer)
{
    if (producer->is_pausing) {
        pause_now_and_then(&producer->random);
    }
    while (ring_writer_space(&producer->rig->writer) == 0) {
        if (!wait_for_space(producer)) {
            producer->failed = "a producer slept on";
            return false;
        }
    }
    if (!ring_rig_publish(producer->rig)) {
        producer->failed = "there was space, and no slot";
        return false;
    }
    return true;
}

void *ring_run_produce(void *context)
{
    struct ring_run_producer *producer = context;
    for (uint64_t i = 0; i < producer->frames; i++) {
        if (!ring_run_publish(producer)) {
            break;
        }
    }
    ring_writer_end(&producer->rig->writer, LINK_END_STREAM);
    return NULL;
}

static bool wait_for_data(struct ring_run_consumer *consumer)
{
    struct ring_reader *reader = &consumer->rig->reader;
    if (!consumer->is_sleeping) {
        poll_again(&consumer->random);
        return true;
    }
    struct futex_set set;
    futex_set_clear(&set);
    futex_set_add(&set, ring_reader_data_word(reader));
    ring_reader_wish(reader, 1);
    bool is_woken = ring_reader_is_ready(reader) || sleep_on(&set);
    ring_reader_awake(reader);
    return is_woken;
}

static bool check_frame(struct ring_run_consumer *consumer, const struct ring_lease *lease)
{
    struct ring_rig *rig = consumer->rig;
    if (!ring_rig_is_intact(rig, lease)) {
        consumer->failed = "a frame was torn, or its payload was another's";
    } else if (!lease->is_redelivered && lease->seq <= consumer->last) {
        consumer->failed = "a frame came twice without a flag";
    } else if (ring_rig_is_lossless(rig) && !lease->is_redelivered &&
               lease->seq != consumer->expected) {
        consumer->failed = "a frame of a lossless link was lost";
    }
    if (!lease->is_redelivered) {
        consumer->expected = lease->seq + 1;
        consumer->last = lease->seq;
    }
    return consumer->failed == NULL;
}

static void release_one(struct ring_run_consumer *consumer)
{
    struct ring_rig *rig = consumer->rig;
    uint64_t i = ring_run_next(&consumer->random, consumer->held_count);
    struct ring_lease lease = consumer->held[i];
    consumer->held[i] = consumer->held[--consumer->held_count];
    if (!ring_rig_is_intact(rig, &lease)) {
        consumer->failed = "a frame changed while it was held";
    }
    if (ring_reader_release(&rig->reader, lease.seq) != 0) {
        consumer->failed = "a held frame could not be released";
    }
    consumer->released++;
}

static bool is_release_next(struct ring_run_consumer *consumer)
{
    uint32_t claims_max = consumer->rig->config.claims_max;
    uint32_t limit = claims_max < 64 ? claims_max : 64;
    return consumer->held_count == limit ||
           (consumer->held_count > 0 && ring_run_next(&consumer->random, 2) == 0);
}

bool ring_run_consume_one(struct ring_run_consumer *consumer, bool may_wait)
{
    if (consumer->is_pausing) {
        pause_now_and_then(&consumer->random);
    }
    if (is_release_next(consumer)) {
        release_one(consumer);
        return consumer->failed == NULL;
    }
    struct ring_lease lease;
    int taken = ring_reader_take(&consumer->rig->reader, &lease);
    if (taken == RING_TAKEN) {
        consumer->taken++;
        consumer->held[consumer->held_count++] = lease;
        return check_frame(consumer, &lease);
    }
    if (consumer->held_count > 0) {
        release_one(consumer);
        return consumer->failed == NULL;
    }
    if (taken != RING_EMPTY) {
        return false;
    }
    if (may_wait && !wait_for_data(consumer)) {
        consumer->failed = "a consumer slept on";
    }
    return consumer->failed == NULL;
}

void *ring_run_consume(void *context)
{
    struct ring_run_consumer *consumer = context;
    while (ring_run_consume_one(consumer, true)) {
    }
    return NULL;
}

uint64_t ring_run_seed(int argc, char **argv)
{
    uint64_t seed = argc > 2 ? strtoull(argv[2], NULL, 0)
                             : (uint64_t)clock_wall_ns() ^ ((uint64_t)getpid() << 40);
    seed = seed != 0 ? seed : 1;
    printf("seed %" PRIu64 " (the second argument repeats it)\n", seed);
    fflush(stdout);
    return seed;
}

uint64_t ring_run_frames(int argc, char **argv, uint64_t otherwise)
{
    return argc > 1 ? strtoull(argv[1], NULL, 0) : otherwise;
}

void ring_run_pin(pthread_t thread, size_t cpu)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(cpu, &set);
    (void)pthread_setaffinity_np(thread, sizeof set, &set);
}

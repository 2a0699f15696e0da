// SPDX-License-Identifier: Apache-2.0
// No wake-up is lost between a wish and the store that fulfils it. Nobody really sleeps here: the
// sleeper polls the word, so that the race is run millions of times. Arguments: frames, seed.
// test: labels=tsan timeout=120
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/clock.h"
#include "unit/shm/ring_run.h"

#ifdef SB_SANITIZE_NAME
#define FRAMES_DEFAULT 50000
#else
#define FRAMES_DEFAULT 500000
#endif

#define LOST_NS (10 * CLOCK_NS_PER_S)

static uint64_t frames_total;
static uint64_t seed;

static void jitter(struct ring_run_random *random)
{
    uint64_t rounds = ring_run_next(random, 8);
    for (uint64_t i = 0; i < rounds; i++) {
        clock_pause();
    }
}

// Waits for the word as a sleeper does. False: it did not change within a long time.
static bool is_bumped(const _Atomic uint32_t *word, uint32_t old)
{
    int64_t deadline_ns = 0;
    for (uint64_t round = 1; atomic_load(word) == old; round++) {
        clock_pause();
        if (round % 4096 == 0) {
            int64_t now_ns = clock_now_ns();
            deadline_ns = deadline_ns == 0 ? now_ns + LOST_NS : deadline_ns;
            if (now_ns > deadline_ns) {
                return false;
            }
            sched_yield();
        }
    }
    return true;
}

static void *produce(void *context)
{
    struct ring_run_producer *producer = context;
    struct ring_writer *writer = &producer->rig->writer;
    for (uint64_t i = 0; i < producer->frames && producer->failed == NULL; i++) {
        jitter(&producer->random);
        while (ring_writer_space(writer) == 0 && producer->failed == NULL) {
            uint32_t old = atomic_load(ring_writer_space_word(writer));
            ring_writer_wish_space(writer, 1);
            if (ring_writer_space(writer) == 0 && !is_bumped(ring_writer_space_word(writer), old)) {
                producer->failed = "the producer was not woken";
            }
            ring_writer_awake(writer);
        }
        if (producer->failed == NULL) {
            ring_rig_publish(producer->rig);
        }
    }
    ring_writer_end(writer, LINK_END_STREAM);
    return NULL;
}

static void *consume(void *context)
{
    struct ring_run_consumer *consumer = context;
    struct ring_reader *reader = &consumer->rig->reader;
    for (;;) {
        jitter(&consumer->random);
        struct ring_lease lease;
        int taken = ring_reader_take(reader, &lease);
        if (taken == RING_TAKEN) {
            ring_reader_release(reader, lease.seq);
            consumer->released++;
            continue;
        }
        if (taken != RING_EMPTY || consumer->failed != NULL) {
            return NULL;
        }
        uint32_t old = atomic_load(ring_reader_data_word(reader));
        ring_reader_wish(reader, 1);
        if (!ring_reader_is_ready(reader) && !is_bumped(ring_reader_data_word(reader), old)) {
            consumer->failed = "the consumer was not woken";
        }
        ring_reader_awake(reader);
    }
}

static void run(enum ring_rig_delivery delivery, uint32_t depth)
{
    const struct ring_rig_config config = {.delivery = delivery, .depth = depth, .claims_max = 1};
    struct ring_rig rig;
    ring_rig_init(&rig, &config);
    struct ring_run_producer producer = {
        .rig = &rig, .frames = frames_total / 4, .random = {seed++}};
    struct ring_run_consumer consumer = {.rig = &rig, .random = {seed++}};
    pthread_t threads[2];
    assert_int_equal(pthread_create(&threads[0], NULL, produce, &producer), 0);
    assert_int_equal(pthread_create(&threads[1], NULL, consume, &consumer), 0);
    ring_run_pin(threads[0], 0);
    ring_run_pin(threads[1], 1);
    pthread_join(threads[0], NULL);
    pthread_join(threads[1], NULL);
    assert_null(producer.failed);
    assert_null(consumer.failed);
    assert_int_equal(consumer.released + atomic_load(&rig.consume->evicted), producer.frames);
    ring_rig_fini(&rig);
}

// R-DATA-019
static void no_wish_is_missed_between_the_wish_and_the_store_that_fulfils_it(void **state)
{
    (void)state;
    run(RIG_LOSSLESS, 1);
    run(RIG_LOSSLESS, 2);
    run(RIG_ORDERED, 1);
    run(RIG_LATEST, 2);
}

int main(int argc, char **argv)
{
    frames_total = ring_run_frames(argc, argv, FRAMES_DEFAULT);
    seed = ring_run_seed(argc, argv);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_wish_is_missed_between_the_wish_and_the_store_that_fulfils_it),
    };
    return cmocka_run_group_tests_name("wishes", tests, NULL, NULL);
}

// SPDX-License-Identifier: Apache-2.0
// Producer and consumer as threads of one process, over deliveries, depths, claims and sizes,
// asleep and awake. Arguments: frames in all (1 million), seed.
// test: labels=tsan timeout=120
#include <inttypes.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "unit/shm/ring_run.h"

#ifdef SB_SANITIZE_NAME
#define FRAMES_DEFAULT 200000
#else
#define FRAMES_DEFAULT 1000000
#endif

static uint64_t frames_total;
static uint64_t seed;

// R-DATA-007
static void assert_balanced(const struct ring_run_producer *producer,
                            const struct ring_run_consumer *consumer)
{
    const struct ring_rig *rig = producer->rig;
    uint64_t published = rig->writer.next_seq - rig->config.first_seq;
    uint64_t evicted = atomic_load(&rig->consume->evicted);
    assert_int_equal(published, producer->frames);
    assert_int_equal(atomic_load(&rig->consume->next), rig->writer.next_seq);
    assert_int_equal(published, consumer->released + evicted);
    assert_int_equal(rig->reader.held_count, 0);
    assert_int_equal(atomic_load(&rig->consume->clamped), 0);
    assert_int_equal(rig->writer.clamped, 0);
    assert_true(!ring_rig_is_lossless(rig) || evicted == 0);
}

static void run(const struct ring_rig_config *config, bool is_producer_asleep,
                bool is_consumer_asleep, uint64_t frames)
{
    struct ring_rig rig;
    ring_rig_init(&rig, config);
    struct ring_run_producer producer = {.rig = &rig,
                                         .frames = frames,
                                         .is_sleeping = is_producer_asleep,
                                         .is_pausing = true,
                                         .random = {seed++}};
    struct ring_run_consumer consumer = {.rig = &rig,
                                         .is_sleeping = is_consumer_asleep,
                                         .is_pausing = true,
                                         .expected = rig.config.first_seq,
                                         .random = {seed++}};
    pthread_t threads[2];
    assert_int_equal(pthread_create(&threads[0], NULL, ring_run_produce, &producer), 0);
    assert_int_equal(pthread_create(&threads[1], NULL, ring_run_consume, &consumer), 0);
    pthread_join(threads[0], NULL);
    pthread_join(threads[1], NULL);
    if (producer.failed != NULL || consumer.failed != NULL) {
        fail_msg("delivery %d depth %u claims %u asleep %d %d: %s %s", (int)config->delivery,
                 config->depth, config->claims_max, is_producer_asleep, is_consumer_asleep,
                 producer.failed != NULL ? producer.failed : "",
                 consumer.failed != NULL ? consumer.failed : "");
    }
    assert_balanced(&producer, &consumer);
    ring_rig_fini(&rig);
}

static void run_delivery(enum ring_rig_delivery delivery)
{
    const struct {
        uint32_t depth;
        uint32_t claims_max;
        uint32_t payload_bytes;
        bool is_producer_asleep;
        bool is_consumer_asleep;
    } rows[] = {
        {1, 1, 8, true, true},       {1, 2, 64, false, true},     {2, 1, 8, true, false},
        {2, 2, 300, true, true},     {3, 3, 64, true, true},      {3, 1, 8, false, false},
        {4, 5, 8, true, true},       {7, 2, 2000, true, true},    {16, 2, 64, true, true},
        {16, 16, 64, true, true},    {64, 3, 64, false, true},    {256, 2, 64, true, true},
        {1000, 64, 64, true, false}, {4096, 2, 64, false, false}, {65536, 2, 8, true, true},
    };
    uint64_t frames = frames_total / 3 / (sizeof rows / sizeof rows[0]);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct ring_rig_config config = {.delivery = delivery,
                                               .depth = rows[i].depth,
                                               .claims_max = rows[i].claims_max,
                                               .payload_bytes = rows[i].payload_bytes,
                                               .first_seq = i % 2 == 0 ? 1 : 1000 * i};
        run(&config, rows[i].is_producer_asleep, rows[i].is_consumer_asleep, frames);
    }
}

// R-DATA-003 R-DATA-017 R-DATA-019
static void a_lossless_link_brings_every_frame_once_and_in_order(void **state)
{
    (void)state;
    run_delivery(RIG_LOSSLESS);
}

// R-DATA-004 R-DATA-016 R-DATA-017 R-DATA-019
static void an_ordered_link_brings_whole_frames_in_order_and_counts_the_others(void **state)
{
    (void)state;
    run_delivery(RIG_ORDERED);
}

// R-DATA-005 R-DATA-016 R-DATA-017 R-DATA-019
static void a_latest_link_brings_whole_frames_in_order_and_counts_the_others(void **state)
{
    (void)state;
    run_delivery(RIG_LATEST);
}

int main(int argc, char **argv)
{
    frames_total = ring_run_frames(argc, argv, FRAMES_DEFAULT);
    seed = ring_run_seed(argc, argv);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_lossless_link_brings_every_frame_once_and_in_order),
        cmocka_unit_test(an_ordered_link_brings_whole_frames_in_order_and_counts_the_others),
        cmocka_unit_test(a_latest_link_brings_whole_frames_in_order_and_counts_the_others),
    };
    return cmocka_run_group_tests_name("ring_threads", tests, NULL, NULL);
}

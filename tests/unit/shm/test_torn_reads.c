// SPDX-License-Identifier: Apache-2.0
// An evicting producer at full rate against a consumer that claims: no torn descriptor, no wrong
// payload, and every frame accounted for. Arguments: frames (2 million), seed.
// test: labels=tsan timeout=300
#include <inttypes.h>
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
#define FRAMES_DEFAULT 200000
#else
#define FRAMES_DEFAULT 2000000
#endif

static uint64_t frames_total;
static uint64_t seed;

static void run(enum ring_rig_delivery delivery, uint32_t depth, uint32_t claims_max,
                bool is_pausing, uint64_t frames)
{
    const struct ring_rig_config config = {
        .delivery = delivery, .depth = depth, .claims_max = claims_max};
    struct ring_rig rig;
    ring_rig_init(&rig, &config);
    struct ring_run_producer producer = {
        .rig = &rig, .frames = frames, .is_pausing = is_pausing, .random = {seed++}};
    struct ring_run_consumer consumer = {.rig = &rig, .expected = 1, .random = {seed++}};
    int64_t began_ns = clock_now_ns();
    pthread_t threads[2];
    assert_int_equal(pthread_create(&threads[0], NULL, ring_run_produce, &producer), 0);
    assert_int_equal(pthread_create(&threads[1], NULL, ring_run_consume, &consumer), 0);
    ring_run_pin(threads[0], 0);
    ring_run_pin(threads[1], 1);
    pthread_join(threads[0], NULL);
    pthread_join(threads[1], NULL);
    uint64_t evicted = atomic_load(&rig.consume->evicted);
    printf("delivery %d depth %u claims %u: published %" PRIu64 " released %" PRIu64
           " evicted %" PRIu64 " in %" PRId64 " ms\n",
           (int)delivery, depth, claims_max, frames, consumer.released, evicted,
           (clock_now_ns() - began_ns) / CLOCK_NS_PER_MS);
    if (producer.failed != NULL || consumer.failed != NULL) {
        fail_msg("%s %s", producer.failed != NULL ? producer.failed : "",
                 consumer.failed != NULL ? consumer.failed : "");
    }
    assert_int_equal(rig.writer.next_seq - 1, frames);
    assert_int_equal(frames, consumer.released + evicted);
    assert_int_equal(atomic_load(&rig.consume->clamped), 0);
    assert_int_equal(rig.writer.clamped, 0);
    ring_rig_fini(&rig);
}

// R-DATA-007 R-DATA-015 R-DATA-016 R-DATA-017
static void an_evicting_producer_never_tears_what_a_reader_claims(void **state)
{
    (void)state;
    for (int is_pausing = 0; is_pausing < 2; is_pausing++) {
        run(RIG_ORDERED, 1, 1, is_pausing, frames_total / 16);
        run(RIG_ORDERED, 2, 2, is_pausing, frames_total / 8);
        run(RIG_ORDERED, 8, 4, is_pausing, frames_total / 8);
        run(RIG_LATEST, 1, 2, is_pausing, frames_total / 16);
        run(RIG_LATEST, 4, 2, is_pausing, frames_total / 8);
    }
}

int main(int argc, char **argv)
{
    frames_total = ring_run_frames(argc, argv, FRAMES_DEFAULT);
    seed = ring_run_seed(argc, argv);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_evicting_producer_never_tears_what_a_reader_claims),
    };
    return cmocka_run_group_tests_name("torn_reads", tests, NULL, NULL);
}

// SPDX-License-Identifier: Apache-2.0
// Consumers die under load, often twice before the producer hears of it: on a lossless link nothing
// is lost and nothing comes twice without a flag, on the others every frame is accounted for.
// Arguments: frames, seed.
// test: labels=tsan timeout=120
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "shm/futex.h"
#include "unit/shm/ring_run.h"

#ifdef SB_SANITIZE_NAME
#define FRAMES_DEFAULT 60000
#else
#define FRAMES_DEFAULT 600000
#endif

#define DEATHS_MAX (RING_RIG_PAGES_MAX - 2)

static uint64_t frames_total;
static uint64_t seed;

enum { SEEN_TAKEN = 1, SEEN_RELEASED = 2 };

struct scene {
    struct ring_rig rig;
    struct ring_run_producer producer;
    struct ring_run_consumer consumer;
    uint8_t *seen;             // per seq, kept by the consumer's thread
    _Atomic uint64_t lives;    // that have ended and were told to the producer
    uint64_t lost;             // evicting: held by a reader that died
    uint64_t redelivered;      // takes with the flag
    _Atomic uint64_t mailbox;  // number of the newest page that the producer was told of
    _Atomic uint32_t bell;
};

// The producer handles the broker's messages between frames and in the middle of a wait.
static void read_mailbox(struct scene *scene)
{
    struct ring_writer *writer = &scene->rig.writer;
    uint64_t number = atomic_load(&scene->mailbox);
    if (number != UINT64_MAX && number != writer->peer_page_number) {
        ring_writer_set_peer(writer, scene->rig.pages[number - 1], scene->rig.config.claims_max,
                             number);
    }
}

static bool wait_for_space(struct scene *scene)
{
    struct ring_writer *writer = &scene->rig.writer;
    struct futex_set set;
    futex_set_clear(&set);
    futex_set_add(&set, &scene->bell);
    read_mailbox(scene);
    futex_set_add(&set, ring_writer_space_word(writer));
    ring_writer_wish_space(writer, writer->depth < 4 ? 1 : writer->depth / 4);
    int waited = 0;
    if (ring_writer_space(writer) == 0) {
        waited = futex_set_wait(&set, clock_now_ns() + RING_RUN_LOST_WAKE_NS);
    }
    ring_writer_awake(writer);
    return waited == 0;
}

// An evicting producer waits for nobody: let it meet many lives all the same.
static void let_them_die(struct scene *scene, uint64_t published)
{
    if (ring_rig_is_lossless(&scene->rig) || published % 256 != 0) {
        return;
    }
    uint64_t lives = atomic_load(&scene->lives);
    for (int i = 0; i < 100 && atomic_load(&scene->lives) == lives; i++) {
        sched_yield();
    }
}

static void *produce(void *context)
{
    struct scene *scene = context;
    struct ring_run_producer *producer = &scene->producer;
    for (uint64_t i = 0; i < producer->frames && producer->failed == NULL; i++) {
        read_mailbox(scene);
        let_them_die(scene, i);
        while (ring_writer_space(&scene->rig.writer) == 0 && producer->failed == NULL) {
            if (!wait_for_space(scene)) {
                producer->failed = "the producer slept on";
            }
        }
        if (producer->failed == NULL && !ring_run_publish(producer)) {
            break;
        }
    }
    ring_writer_end(&scene->rig.writer, LINK_END_STREAM);
    // A worker at its end still answers the broker.
    while (atomic_load(&scene->mailbox) != UINT64_MAX) {
        struct futex_set set;
        futex_set_clear(&set);
        futex_set_add(&set, &scene->bell);
        if (atomic_load(&scene->mailbox) != UINT64_MAX) {
            read_mailbox(scene);
            futex_set_wait(&set, clock_now_ns() + CLOCK_NS_PER_S);
        }
    }
    return NULL;
}

static void tell_producer(struct scene *scene, uint64_t number)
{
    atomic_store(&scene->mailbox, number);
    futex_bump_and_wake(&scene->bell);
}

// What changed hands in one step of the consumer.
static void note_step(struct scene *scene, const struct ring_lease *held, uint32_t held_count)
{
    struct ring_run_consumer *consumer = &scene->consumer;
    if (consumer->held_count > held_count) {
        const struct ring_lease *lease = &consumer->held[consumer->held_count - 1];
        uint8_t *seen = &scene->seen[lease->seq];
        if ((*seen & SEEN_RELEASED) != 0) {
            consumer->failed = "a released frame came again";
        }
        if (*seen != 0 && !lease->is_redelivered) {
            consumer->failed = "a frame came again without a flag";
        }
        scene->redelivered += lease->is_redelivered ? 1 : 0;
        *seen |= SEEN_TAKEN;
    }
    for (uint32_t i = 0; i < held_count; i++) {
        bool is_held = ring_reader_is_held(&scene->rig.reader, held[i].seq);
        if (!is_held) {
            scene->seen[held[i].seq] |= SEEN_RELEASED;
        }
    }
}

static bool live(struct scene *scene, uint64_t steps, bool may_wait)
{
    struct ring_run_consumer *consumer = &scene->consumer;
    for (uint64_t i = 0; i < steps; i++) {
        struct ring_lease held[64];
        uint32_t held_count = consumer->held_count;
        for (uint32_t h = 0; h < held_count; h++) {
            held[h] = consumer->held[h];
        }
        bool goes_on = ring_run_consume_one(consumer, may_wait);
        note_step(scene, held, held_count);
        if (!goes_on || consumer->failed != NULL) {
            return false;
        }
    }
    return true;
}

static void die(struct scene *scene)
{
    struct ring_run_consumer *consumer = &scene->consumer;
    struct ring_rig *rig = &scene->rig;
    uint64_t done[1];
    uint32_t done_count = 0;
    if (ring_rig_is_lossless(rig)) {
        if (consumer->held_count > 0 && ring_run_next(&consumer->random, 2) == 0) {
            // The status page said that the step of this frame was complete.
            done[done_count++] = consumer->held[0].seq;
            scene->seen[consumer->held[0].seq] |= SEEN_RELEASED;
        }
    } else {
        scene->lost += consumer->held_count;
    }
    consumer->held_count = 0;
    uint64_t end =
        recover_published_end(rig->publish, rig->config.depth, 1, atomic_load(&rig->consume->next));
    struct recovered_reader recovered;
    ring_rig_replace_reader(rig, end, done, done_count, &recovered);
    if (recovered.clamped != 0) {
        consumer->failed = "an honest page was clamped";
    }
}

static void *consume(void *context)
{
    struct scene *scene = context;
    struct ring_run_consumer *consumer = &scene->consumer;
    bool is_lossless = ring_rig_is_lossless(&scene->rig);
    uint64_t steps = is_lossless ? 3 * scene->producer.frames / DEATHS_MAX + 10 : 20;
    bool goes_on = true;
    while (goes_on && consumer->failed == NULL) {
        bool is_last = scene->rig.page_number >= DEATHS_MAX;
        goes_on = live(scene, is_last ? UINT64_MAX : ring_run_next(&consumer->random, steps), true);
        if (goes_on && consumer->failed == NULL) {
            die(scene);
            // Some die again at once, and some after a few steps, before the producer knows.
            while (ring_run_next(&consumer->random, 3) == 0 &&
                   scene->rig.page_number < DEATHS_MAX) {
                live(scene, ring_run_next(&consumer->random, 8), false);
                die(scene);
            }
            tell_producer(scene, scene->rig.page_number);
            atomic_fetch_add(&scene->lives, 1);
        }
    }
    tell_producer(scene, UINT64_MAX);
    return NULL;
}

static void check_result(const struct scene *scene)
{
    const struct ring_rig *rig = &scene->rig;
    if (scene->producer.failed != NULL || scene->consumer.failed != NULL) {
        fail_msg("delivery %d depth %u: %s %s", (int)rig->config.delivery, rig->config.depth,
                 scene->producer.failed != NULL ? scene->producer.failed : "",
                 scene->consumer.failed != NULL ? scene->consumer.failed : "");
    }
    printf("delivery %d depth %u: %llu lives\n", (int)rig->config.delivery, rig->config.depth,
           (unsigned long long)atomic_load(&scene->lives));
    assert_true(!ring_rig_is_lossless(rig) || atomic_load(&scene->lives) > 10);
    uint64_t released = 0;
    for (uint64_t seq = 1; seq <= scene->producer.frames; seq++) {
        released += (scene->seen[seq] & SEEN_RELEASED) != 0 ? 1 : 0;
    }
    uint64_t evicted = atomic_load(&rig->consume->evicted);
    assert_int_equal(scene->producer.frames, released + evicted + scene->lost);
    if (ring_rig_is_lossless(rig)) {
        assert_int_equal(evicted, 0);
        assert_int_equal(atomic_load(&rig->consume->redelivered), scene->redelivered);
        assert_int_equal(atomic_load(&rig->consume->retired), scene->producer.frames);
    }
    assert_int_equal(rig->writer.clamped, 0);
}

static void run(enum ring_rig_delivery delivery, uint32_t depth, uint32_t claims_max)
{
    static struct scene scene;
    const struct ring_rig_config config = {
        .delivery = delivery, .depth = depth, .claims_max = claims_max};
    memset(&scene, 0, sizeof scene);
    atomic_store(&scene.mailbox, 1);
    ring_rig_init(&scene.rig, &config);
    scene.producer = (struct ring_run_producer){
        .rig = &scene.rig, .frames = frames_total / 8, .is_pausing = true, .random = {seed++}};
    scene.consumer = (struct ring_run_consumer){.rig = &scene.rig,
                                                .is_sleeping = true,
                                                .is_pausing = true,
                                                .expected = 1,
                                                .random = {seed++}};
    scene.seen = calloc(scene.producer.frames + 1, 1);
    assert_non_null(scene.seen);
    pthread_t threads[2];
    assert_int_equal(pthread_create(&threads[0], NULL, produce, &scene), 0);
    assert_int_equal(pthread_create(&threads[1], NULL, consume, &scene), 0);
    pthread_join(threads[0], NULL);
    pthread_join(threads[1], NULL);
    check_result(&scene);
    free(scene.seen);
    ring_rig_fini(&scene.rig);
}

// R-DATA-019 R-DATA-024 R-DATA-026
static void nothing_is_lost_on_a_lossless_link_whose_consumers_die(void **state)
{
    (void)state;
    run(RIG_LOSSLESS, 1, 1);
    run(RIG_LOSSLESS, 2, 2);
    run(RIG_LOSSLESS, 8, 5);
    run(RIG_LOSSLESS, 64, 64);
}

// R-DATA-007 R-DATA-017 R-DATA-019 R-DATA-026
static void every_frame_of_an_evicting_link_is_accounted_for_when_its_consumers_die(void **state)
{
    (void)state;
    run(RIG_ORDERED, 1, 1);
    run(RIG_ORDERED, 8, 4);
    run(RIG_LATEST, 1, 2);
    run(RIG_LATEST, 4, 2);
}

int main(int argc, char **argv)
{
    frames_total = ring_run_frames(argc, argv, FRAMES_DEFAULT);
    seed = ring_run_seed(argc, argv);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_lost_on_a_lossless_link_whose_consumers_die),
        cmocka_unit_test(every_frame_of_an_evicting_link_is_accounted_for_when_its_consumers_die),
    };
    return cmocka_run_group_tests_name("page_swap", tests, NULL, NULL);
}

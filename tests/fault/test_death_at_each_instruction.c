// SPDX-License-Identifier: Apache-2.0
// A worker dies between any two instructions of publish, take, release and skip: what the broker
// recovers from its pages is right every time. The worker is stepped by ptrace, and its pages are
// read after each step as if it had been its last.
// test: uses=shm,ring_rig timeout=120
#include <errno.h>
#include <inttypes.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "unit/shm/ring_run.h"

#define FRAMES_MAX 64
#define OPERATIONS 60

// What the worker is about to do and has done, in memory that outlives it.
struct journal {
    volatile uint64_t publish_begun;  // highest seq
    volatile uint64_t publish_done;
    volatile uint64_t takes_begun;  // how many
    volatile uint64_t takes_done;
    volatile uint64_t skips_begun;
    volatile uint64_t skips_done;
    volatile uint64_t highest_taken;
    volatile uint8_t is_release_begun[FRAMES_MAX + 1];
    volatile uint8_t is_release_done[FRAMES_MAX + 1];
};

struct scene {
    struct ring_rig rig;
    struct journal *journal;
    struct consume_page *fresh;  // what a check recovers into
    uint64_t seed;
    uint64_t steps;
    uint64_t checks;
};

static void publish(struct scene *scene)
{
    struct journal *journal = scene->journal;
    if (journal->publish_done == FRAMES_MAX || ring_writer_space(&scene->rig.writer) == 0) {
        return;
    }
    journal->publish_begun = journal->publish_done + 1;
    if (ring_rig_publish(&scene->rig)) {
        journal->publish_done = journal->publish_begun;
    }
}

static void take(struct scene *scene, uint64_t *held, uint32_t *held_count)
{
    struct journal *journal = scene->journal;
    struct ring_lease lease;
    journal->takes_begun = journal->takes_done + 1;
    if (ring_reader_take(&scene->rig.reader, &lease) == RING_TAKEN) {
        held[(*held_count)++] = lease.seq;
        journal->highest_taken = lease.seq;
        journal->takes_done = journal->takes_begun;
    } else {
        journal->takes_begun = journal->takes_done;
    }
}

static void pass_over(struct scene *scene)
{
    struct journal *journal = scene->journal;
    journal->skips_begun = journal->skips_done + 1;
    if (ring_reader_skip(&scene->rig.reader) == RING_TAKEN) {
        journal->skips_done = journal->skips_begun;
    } else {
        journal->skips_begun = journal->skips_done;
    }
}

static void release(struct scene *scene, uint64_t *held, uint32_t *held_count, uint64_t which)
{
    struct journal *journal = scene->journal;
    uint64_t seq = held[which];
    held[which] = held[--*held_count];
    journal->is_release_begun[seq] = 1;
    if (ring_reader_release(&scene->rig.reader, seq) == 0) {
        journal->is_release_done[seq] = 1;
    }
}

static _Noreturn void work(struct scene *scene)
{
    struct ring_run_random random = {scene->seed};
    uint64_t held[FRAMES_MAX];
    uint32_t held_count = 0;
    ptrace(PTRACE_TRACEME, 0, NULL, NULL);
    raise(SIGSTOP);
    for (int i = 0; i < OPERATIONS; i++) {
        uint64_t choice = ring_run_next(&random, 16);
        if (choice < 7) {
            publish(scene);
        } else if (choice < 11) {
            take(scene, held, &held_count);
        } else if (choice == 11 && !ring_rig_is_lossless(&scene->rig)) {
            pass_over(scene);
        } else if (held_count > 0) {
            release(scene, held, &held_count, ring_run_next(&random, held_count));
        }
    }
    _exit(0);
}

static void check(bool is_right, const struct scene *scene, const char *what)
{
    if (!is_right) {
        const struct ring_rig *rig = &scene->rig;
        fail_msg("%s (delivery %d, depth %u, claims %u, seed %" PRIu64 ", step %" PRIu64 ")", what,
                 (int)rig->config.delivery, rig->config.depth, rig->config.claims_max, scene->seed,
                 scene->steps);
    }
}

static uint64_t check_producer(const struct scene *scene)
{
    const struct ring_rig *rig = &scene->rig;
    const struct journal *journal = scene->journal;
    uint32_t depth = rig->config.depth;
    // As the broker would, once with what the consumer took and once without.
    uint64_t taken = atomic_load(&rig->consume->next);
    uint64_t end = recover_published_end(rig->publish, depth, 1, taken);
    check(end == recover_published_end(rig->publish, depth, 1, 1), scene,
          "the end does not depend on the consumer");
    check(end > journal->publish_done, scene, "a published frame is lost");
    check(end <= journal->publish_begun + 1, scene, "a frame is counted that was not published");
    uint64_t step = recover_last_step(rig->publish, depth, 1, end);
    bool is_rewriting = depth == 1 && journal->publish_begun != journal->publish_done;
    check(step == (end > 1 ? ring_rig_step(end - 1) : 0) || (step == 0 && is_rewriting), scene,
          "the last step is not that of the last frame");
    return end;
}

static void check_lossless(const struct scene *scene, const struct recovered_reader *reader)
{
    const struct journal *journal = scene->journal;
    const uint8_t *states =
        (const uint8_t *)scene->fresh + layout_cell_states_offset(scene->rig.config.claims_max);
    for (uint64_t seq = 1; seq <= journal->publish_begun; seq++) {
        bool is_released =
            seq <= reader->retired ||
            (seq < reader->next && states[(seq - 1) % scene->rig.config.depth] == CELL_RELEASED);
        check(!is_released || journal->is_release_begun[seq], scene, "a frame is lost");
        check(is_released || !journal->is_release_done[seq], scene,
              "a released frame is delivered again");
    }
}

// R-DATA-007: what was passed is what was taken and what was evicted.
static void check_evicting(const struct scene *scene, const struct recovered_reader *reader)
{
    const struct journal *journal = scene->journal;
    uint64_t taken = reader->next - 1 - reader->evicted;
    uint64_t done = journal->takes_done + journal->skips_done;
    uint64_t begun = journal->takes_begun + journal->skips_begun;
    check(taken >= done && taken <= begun, scene, "an eviction is counted twice or not at all");
    check(reader->poisoned <= journal->skips_begun, scene, "a poisoned frame is counted twice");
}

static void check_pages(struct scene *scene)
{
    struct ring_rig *rig = &scene->rig;
    uint64_t end = check_producer(scene);
    memset(scene->fresh, 0, rig->consume_bytes);
    scene->fresh->depth = rig->config.depth;
    scene->fresh->claims_max = rig->config.claims_max;
    const struct recover_request request = {.is_lossless = ring_rig_is_lossless(rig),
                                            .claims_max = rig->config.claims_max,
                                            .first_seq = 1,
                                            .published_end = end};
    struct recovered_reader reader;
    recover_consume_page(rig->consume, &request, scene->fresh, &reader);
    check(reader.clamped == 0, scene, "an honest page was clamped");
    check(reader.next > scene->journal->highest_taken, scene, "a taken frame counts as queued");
    if (request.is_lossless) {
        check_lossless(scene, &reader);
    } else {
        check_evicting(scene, &reader);
    }
    scene->checks++;
}

static void step_through(struct scene *scene)
{
    struct ring_rig *rig = &scene->rig;
    uint8_t *before = calloc(1, rig->publish_bytes + rig->consume_bytes);
    assert_non_null(before);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        work(scene);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    while (WIFSTOPPED(status)) {
        assert_true(WSTOPSIG(status) == SIGSTOP || WSTOPSIG(status) == SIGTRAP);
        bool is_same = memcmp(before, rig->publish, rig->publish_bytes) == 0 &&
                       memcmp(before + rig->publish_bytes, rig->consume, rig->consume_bytes) == 0;
        if (!is_same || scene->steps % 16 == 0) {
            check_pages(scene);
            memcpy(before, rig->publish, rig->publish_bytes);
            memcpy(before + rig->publish_bytes, rig->consume, rig->consume_bytes);
        }
        scene->steps++;
        assert_int_equal(ptrace(PTRACE_SINGLESTEP, child, NULL, NULL), 0);
        assert_int_equal(waitpid(child, &status, 0), child);
    }
    free(before);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void run(enum ring_rig_delivery delivery, uint32_t depth, uint32_t claims_max, uint64_t seed)
{
    struct scene scene = {.seed = seed};
    const struct ring_rig_config config = {
        .delivery = delivery, .depth = depth, .claims_max = claims_max, .payload_bytes = 8};
    ring_rig_init(&scene.rig, &config);
    scene.journal = mmap(NULL, sizeof *scene.journal, PROT_READ | PROT_WRITE,
                         MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(scene.journal != MAP_FAILED);
    scene.fresh = calloc(1, scene.rig.consume_bytes);
    assert_non_null(scene.fresh);
    step_through(&scene);
    assert_true(scene.checks > OPERATIONS);
    free(scene.fresh);
    munmap(scene.journal, sizeof *scene.journal);
    ring_rig_fini(&scene.rig);
}

static uint64_t seed;

static void run_delivery(enum ring_rig_delivery delivery)
{
    for (uint32_t depth = 1; depth <= 4; depth++) {
        for (uint32_t claims_max = 1; claims_max <= 3; claims_max++) {
            run(delivery, depth, claims_max, seed++);
        }
    }
}

// R-DATA-018 R-DATA-024 R-DATA-025 R-DATA-026
static void a_death_on_a_lossless_link_loses_nothing_and_repeats_only_what_was_held(void **state)
{
    (void)state;
    run_delivery(RIG_LOSSLESS);
}

// R-DATA-007 R-DATA-018 R-DATA-026
static void a_death_on_an_evicting_link_leaves_every_count_exact(void **state)
{
    (void)state;
    run_delivery(RIG_ORDERED);
    run_delivery(RIG_LATEST);
}

// In a container ptrace may be forbidden.
static bool can_trace(void)
{
    pid_t child = fork();
    if (child == 0) {
        _exit(ptrace(PTRACE_TRACEME, 0, NULL, NULL) == 0 ? 0 : 1);
    }
    int status;
    return child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status) &&
           WEXITSTATUS(status) == 0;
}

int main(int argc, char **argv)
{
    if (!can_trace()) {
        printf("skipped: this system does not allow ptrace\n");
        return 77;
    }
    seed = ring_run_seed(argc, argv);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_death_on_a_lossless_link_loses_nothing_and_repeats_only_what_was_held),
        cmocka_unit_test(a_death_on_an_evicting_link_leaves_every_count_exact),
    };
    return cmocka_run_group_tests_name("death_at_each_instruction", tests, NULL, NULL);
}

// SPDX-License-Identifier: Apache-2.0
// Ticks: their numbers and times by arithmetic, and a real worker that is stopped for a while.
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

#include <cmocka.h>

#include "base/clock.h"
#include "worker/tick.h"
#include "worker_rig.h"

#define S CLOCK_NS_PER_S
#define MS CLOCK_NS_PER_MS

static const struct tick_clock ntsc = {
    .epoch_ns = 5 * S, .base = 100, .fps_numerator = 30000, .fps_denominator = 1001};

// R-CLOCK-001
static void a_fraction_never_drifts(void **state)
{
    (void)state;
    assert_int_equal(tick_due_ns(&ntsc, 100), 5 * S);
    assert_int_equal(tick_due_ns(&ntsc, 101), 5 * S + 33366666);
    assert_int_equal(tick_due_ns(&ntsc, 103), 5 * S + 100100000);
    // A year of ticks is 1001 s per 30000 of them, to the nanosecond.
    assert_int_equal(tick_due_ns(&ntsc, 100 + UINT64_C(30000) * 30000),
                     5 * S + INT64_C(1001) * 30000 * S);
    assert_true(tick_due_ns(&ntsc, UINT64_MAX) == INT64_MAX);
}

static void the_newest_tick_is_the_last_one_that_is_due(void **state)
{
    (void)state;
    assert_int_equal(tick_newest(&ntsc, 0), 100);
    assert_int_equal(tick_newest(&ntsc, 5 * S), 100);
    for (uint64_t number = 101; number < 5000; number += 7) {
        int64_t due_ns = tick_due_ns(&ntsc, number);
        assert_int_equal(tick_newest(&ntsc, due_ns), number);
        assert_int_equal(tick_newest(&ntsc, due_ns - 1), number - 1);
    }
}

// R-CLOCK-005, R-CLOCK-006, R-CLOCK-007
static void what_is_late_is_skipped_and_counted(void **state)
{
    (void)state;
    const struct tick_clock clock = {.epoch_ns = 0, .fps_numerator = 100, .fps_denominator = 1};
    uint64_t missed = 77;
    assert_int_equal(tick_choose(&clock, 0, 0, &missed), 0);
    assert_int_equal(missed, 0);
    // Not due yet: never a number twice.
    assert_int_equal(tick_choose(&clock, 6, 50 * MS, &missed), 6);
    assert_int_equal(missed, 0);
    assert_int_equal(tick_choose(&clock, 6, 60 * MS, &missed), 6);
    assert_int_equal(missed, 0);
    assert_int_equal(tick_choose(&clock, 6, 109 * MS, &missed), 10);
    assert_int_equal(missed, 4);
    // A clock that begins later than wanted begins with its base.
    assert_int_equal(tick_choose(&ntsc, 7, 0, &missed), 100);
    assert_int_equal(missed, 0);
}

static void set_entry(struct clock_entry *entry, int64_t from_ns, uint32_t fps)
{
    atomic_store(&entry->from_ns, from_ns);
    atomic_store(&entry->fps_numerator, fps);
    atomic_store(&entry->fps_denominator, 1);
}

// R-CLOCK-002: a change holds from one instant on, for whoever looks.
static void a_change_of_the_clock_holds_from_its_time_on(void **state)
{
    (void)state;
    struct bell_page bell;
    memset(&bell, 0, sizeof bell);
    struct tick_clock clock;
    tick_read_clock(&bell, 1, &clock);
    assert_int_equal(clock.fps_numerator, 0);
    set_entry(&bell.clocks[0], 0, 30);
    set_entry(&bell.clocks[1], 10 * S, 60);
    tick_read_clock(&bell, 20 * S, &clock);
    assert_int_equal(clock.fps_numerator, 30);
    atomic_store(&bell.clock, 1);
    tick_read_clock(&bell, 10 * S - 1, &clock);
    assert_int_equal(clock.fps_numerator, 30);
    tick_read_clock(&bell, 10 * S, &clock);
    assert_int_equal(clock.fps_numerator, 60);
    // The first clock of a graph may lie ahead: there is no other.
    memset(&bell, 0, sizeof bell);
    set_entry(&bell.clocks[0], 10 * S, 30);
    tick_read_clock(&bell, 1, &clock);
    assert_int_equal(clock.fps_numerator, 30);
    // A page of a broker that is broken divides by nothing.
    atomic_store(&bell.clocks[0].fps_denominator, 0);
    tick_read_clock(&bell, 10 * S, &clock);
    assert_int_equal(clock.fps_numerator, 0);
}

static int note_tick(struct sb_node *node, uint64_t tick, int64_t due_ns)
{
    uint64_t now_ns = (uint64_t)sb_now_ns();
    rig_note(tick);
    rig_note((uint64_t)due_ns);
    rig_note(now_ns);
    rig_note(sb_node_missed_ticks(node));
    if (sb_node_tick_period_ns(node) != 10 * MS) {
        rig_note(0);
    }
    return 0;
}

static const struct sb_processor ticker = {
    .struct_size = sizeof ticker,
    .name = "unit",
    .version = "1",
    .mode = SB_MODE_TICK,
    .on_tick = note_tick,
};

#define WORDS 4  // notes per tick

static uint64_t note_of(uint32_t tick, uint32_t word)
{
    return atomic_load(&rig_board->notes[tick * WORDS + word]);
}

static void stop_until(struct rig *rig, int64_t until_ns)
{
    siginfo_t info;
    assert_int_equal(kill(rig->pid, SIGSTOP), 0);
    assert_int_equal(waitid(P_PID, (id_t)rig->pid, &info, WSTOPPED | WNOWAIT), 0);
    struct timespec until = {.tv_sec = until_ns / S, .tv_nsec = until_ns % S};
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) != 0) {
    }
    assert_int_equal(kill(rig->pid, SIGCONT), 0);
}

// R-CLOCK-005, R-CLOCK-006, R-CLOCK-002
static void a_worker_that_was_stopped_does_not_catch_up(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig, &ticker);
    rig_start(&rig);
    int64_t epoch_ns = clock_now_ns() + 20 * MS;
    rig_set_clock(&rig, 100, epoch_ns);
    rig_want(&rig, WANT_RUN);
    rig_await_notes(5 * WORDS);
    stop_until(&rig, clock_now_ns() + 200 * MS);
    rig_await_notes((atomic_load(&rig_board->note_count) / WORDS + 5) * WORDS);
    rig_want(&rig, WANT_STOP);
    assert_int_equal(rig_exit_status(&rig), 0);
    uint32_t ticks = atomic_load(&rig_board->note_count) / WORDS;
    assert_int_equal(note_of(0, 0), 0);
    uint64_t skipped = 0;
    for (uint32_t i = 0; i < ticks; i++) {
        // Each at its own instant, none before it.
        assert_int_equal(note_of(i, 1), (uint64_t)epoch_ns + note_of(i, 0) * 10 * MS);
        assert_true(note_of(i, 2) >= note_of(i, 1));
        if (i > 0) {
            assert_true(note_of(i, 0) > note_of(i - 1, 0));
            // No burst: half a period lies between any two.
            assert_true(note_of(i, 2) - note_of(i - 1, 2) >= 5 * MS - MS / 2);
            skipped += note_of(i, 0) - note_of(i - 1, 0) - 1;
        }
    }
    // 200 ms are 20 ticks; the ones around the edges may have run.
    assert_true(skipped >= 18);
    assert_int_equal(note_of(ticks - 1, 3), skipped);
    assert_int_equal(atomic_load(&rig.status->ticks), ticks);
    assert_true(atomic_load(&rig.status->missed_ticks) >= skipped);
    rig_end(&rig);
}

// A stop comes at once, however far the next tick is.
static void a_sleep_to_a_far_tick_hears_the_broker(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig, &ticker);
    rig_start(&rig);
    rig_set_clock(&rig, 100, clock_now_ns() + 3600 * S);
    rig_want(&rig, WANT_RUN);
    rig_await_phase(&rig, WORKER_IDLE);
    rig_want(&rig, WANT_STOP);
    assert_int_equal(rig_exit_status(&rig), 0);
    assert_int_equal(atomic_load(&rig_board->note_count), 0);
    rig_end(&rig);
}

static int note_lateness(struct sb_node *node, uint64_t tick, int64_t due_ns)
{
    (void)node;
    (void)tick;
    rig_note((uint64_t)(sb_now_ns() - due_ns));
    return 0;
}

static const struct sb_processor punctual = {
    .struct_size = sizeof punctual,
    .name = "unit",
    .version = "1",
    .mode = SB_MODE_TICK,
    .on_tick = note_lateness,
};

#define PRECISE_TICKS 200

// R-CLOCK-010
static void a_precise_clock_spins_to_the_instant(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig, &punctual);
    rig.setup.is_clock_precise = true;
    rig_start(&rig);
    rig_set_clock(&rig, 500, clock_now_ns() + 20 * MS);
    rig_want(&rig, WANT_RUN);
    rig_await_notes(PRECISE_TICKS);
    rig_want(&rig, WANT_STOP);
    assert_int_equal(rig_exit_status(&rig), 0);
    // On a loaded machine most may be late, but a sleeper's wake-up never is this early.
    int64_t best_ns = S;
    for (uint32_t i = 0; i < PRECISE_TICKS; i++) {
        int64_t late_ns = (int64_t)atomic_load(&rig_board->notes[i]);
        assert_true(late_ns >= 0);
        best_ns = late_ns < best_ns ? late_ns : best_ns;
    }
    assert_true(best_ns < 20 * CLOCK_NS_PER_US);
    rig_end(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_fraction_never_drifts),
        cmocka_unit_test(the_newest_tick_is_the_last_one_that_is_due),
        cmocka_unit_test(what_is_late_is_skipped_and_counted),
        cmocka_unit_test(a_change_of_the_clock_holds_from_its_time_on),
        cmocka_unit_test(a_worker_that_was_stopped_does_not_catch_up),
        cmocka_unit_test(a_sleep_to_a_far_tick_hears_the_broker),
        cmocka_unit_test(a_precise_clock_spins_to_the_instant),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: Apache-2.0
// The bell page: one writable mapping, and a word that wakes who reads it.
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>

#include <cmocka.h>

#include "base/clock.h"
#include "broker/lives/bell.h"
#include "shm/futex.h"
#include "shm/segment.h"

static const struct bell_clock clock_30 = {
    .from_ns = 5, .epoch_ns = 7, .base = 9, .fps_numerator = 30, .fps_denominator = 1};

static const struct bell_page *map_reader(const struct bell *bell)
{
    const void *bytes;
    assert_int_equal(segment_map_reader(bell->reader_fd, bell->size_bytes, &bytes), 0);
    return bytes;
}

static void a_worker_reads_what_the_broker_wants(void **state)
{
    (void)state;
    struct bell bell;
    assert_int_equal(bell_open(&bell, &clock_30), 0);
    const struct bell_page *page = map_reader(&bell);
    assert_int_equal(atomic_load(&page->want), WANT_HOLD);
    uint32_t word = atomic_load(&page->word);
    bell_want(&bell, WANT_RUN);
    assert_int_equal(atomic_load(&page->want), WANT_RUN);
    assert_int_equal(atomic_load(&page->word), word + 1);
    bell_want(&bell, WANT_RUN);
    assert_int_equal(atomic_load(&page->word), word + 1);
    segment_unmap(page, bell.size_bytes);
    bell_close(&bell);
}

// R-DATA-023
static void a_worker_cannot_write_its_bell_page(void **state)
{
    (void)state;
    struct bell bell;
    assert_int_equal(bell_open(&bell, &clock_30), 0);
    void *bytes =
        mmap(NULL, bell.size_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, bell.reader_fd, 0);
    assert_ptr_equal(bytes, MAP_FAILED);
    const struct bell_page *page = map_reader(&bell);
    assert_int_equal(mprotect((void *)(uintptr_t)page, bell.size_bytes, PROT_WRITE), -1);
    segment_unmap(page, bell.size_bytes);
    bell_close(&bell);
}

static void a_new_clock_goes_into_the_other_copy(void **state)
{
    (void)state;
    struct bell bell;
    assert_int_equal(bell_open(&bell, &clock_30), 0);
    struct bell_page *page = bell.page;
    assert_int_equal(atomic_load(&page->clock), 0);
    struct bell_clock faster = clock_30;
    faster.fps_numerator = 60;
    bell_set_clock(&bell, &faster);
    assert_int_equal(atomic_load(&page->clock), 1);
    assert_int_equal(atomic_load(&page->clocks[1].fps_numerator), 60);
    assert_int_equal(atomic_load(&page->clocks[0].fps_numerator), 30);
    assert_int_equal(atomic_load(&page->clocks[1].epoch_ns), 7);
    assert_int_equal(atomic_load(&page->clocks[1].base), 9);
    bell_close(&bell);
}

struct sleeper {
    const struct bell_page *page;
    int result;
};

static void *sleep_on_word(void *argument)
{
    struct sleeper *sleeper = argument;
    struct futex_set set;
    futex_set_clear(&set);
    futex_set_add(&set, &sleeper->page->word);
    sleeper->result = 0;
    while (atomic_load(&sleeper->page->want) != WANT_STOP && sleeper->result == 0) {
        sleeper->result = futex_set_wait(&set, clock_now_ns() + 20 * CLOCK_NS_PER_S);
    }
    return NULL;
}

static void ringing_wakes_a_reader_of_another_mapping(void **state)
{
    (void)state;
    struct bell bell;
    assert_int_equal(bell_open(&bell, &clock_30), 0);
    struct sleeper sleeper = {.page = map_reader(&bell)};
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, sleep_on_word, &sleeper), 0);
    bell_want(&bell, WANT_STOP);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(sleeper.result, 0);
    segment_unmap(sleeper.page, bell.size_bytes);
    bell_close(&bell);
    // Closed twice, and rung when it is closed: nothing happens.
    bell_close(&bell);
    bell_ring(&bell);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_worker_reads_what_the_broker_wants),
        cmocka_unit_test(a_worker_cannot_write_its_bell_page),
        cmocka_unit_test(a_new_clock_goes_into_the_other_copy),
        cmocka_unit_test(ringing_wakes_a_reader_of_another_mapping),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: Apache-2.0
// Segments are made off the loop, with their start values.
#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "broker/links/memory_thread.h"
#include "schemas/link_layout.h"

static struct memory_job *wait_for_job(struct memory_thread *thread)
{
    struct memory_job *job;
    while ((job = memory_thread_take(thread)) == NULL) {
        struct pollfd poll_fd = {.fd = memory_thread_fd(thread), .events = POLLIN};
        assert_int_equal(poll(&poll_fd, 1, 20000), 1);
    }
    return job;
}

static void a_job_makes_its_segments_with_start_values(void **state)
{
    (void)state;
    struct memory_thread *thread;
    assert_int_equal(memory_thread_create(&thread), 0);
    struct memory_job *job = memory_thread_new_job(2);
    assert_non_null(job);
    job->orders[0] = (struct memory_item){.kind = WIRE_MEMORY_PUBLISH,
                                          .size_bytes = layout_publish_page_bytes(4),
                                          .link_id = 7,
                                          .generation = 2,
                                          .depth = 4,
                                          .first_seq = 11,
                                          .fd = -1};
    job->orders[1] = (struct memory_item){.kind = WIRE_MEMORY_CONSUME,
                                          .size_bytes = layout_consume_page_bytes(4, 2),
                                          .link_id = 7,
                                          .generation = 2,
                                          .depth = 4,
                                          .claims_max = 2,
                                          .first_seq = 11,
                                          .page_number = 3,
                                          .fd = -1};
    memory_thread_submit(thread, job);
    job = wait_for_job(thread);
    assert_int_equal(job->error, 0);
    void *bytes;
    assert_int_equal(segment_map_initial(job->orders[0].fd, job->orders[0].real_bytes, &bytes), 0);
    struct publish_page *publish = bytes;
    assert_int_equal(publish->link_id, 7);
    assert_int_equal(publish->generation, 2);
    assert_int_equal(publish->depth, 4);
    assert_int_equal(publish->first_seq, 11);
    assert_int_equal(atomic_load(&publish->tail), 10);
    assert_int_equal(atomic_load(&publish->low), 11);
    assert_int_equal(atomic_load(&publish->consume_page), 0);
    segment_unmap(bytes, job->orders[0].real_bytes);
    assert_int_equal(segment_map_initial(job->orders[1].fd, job->orders[1].real_bytes, &bytes), 0);
    struct consume_page *consume = bytes;
    assert_int_equal(consume->page_number, 3);
    assert_int_equal(consume->claims_max, 2);
    assert_int_equal(atomic_load(&consume->next), 11);
    assert_int_equal(atomic_load(&consume->retired), 10);
    segment_unmap(bytes, job->orders[1].real_bytes);
    memory_thread_free_job(job);
    memory_thread_destroy(thread);
}

static void a_job_that_fails_keeps_none_of_its_segments(void **state)
{
    (void)state;
    struct memory_thread *thread;
    assert_int_equal(memory_thread_create(&thread), 0);
    struct memory_job *job = memory_thread_new_job(2);
    assert_non_null(job);
    job->orders[0].kind = WIRE_MEMORY_STATUS;
    job->orders[0].size_bytes = 4096;
    job->orders[1].kind = WIRE_MEMORY_POOL;
    job->orders[1].size_bytes = 0;
    memory_thread_submit(thread, job);
    job = wait_for_job(thread);
    assert_int_equal(job->error, -EINVAL);
    assert_int_equal(job->orders[0].fd, -1);
    assert_int_equal(job->orders[1].fd, -1);
    memory_thread_free_job(job);
    memory_thread_destroy(thread);
}

static void jobs_are_done_in_order_and_what_is_left_is_thrown_away(void **state)
{
    (void)state;
    struct memory_thread *thread;
    assert_int_equal(memory_thread_create(&thread), 0);
    int marks[3];
    for (size_t i = 0; i < 3; i++) {
        struct memory_job *job = memory_thread_new_job(1);
        assert_non_null(job);
        job->owner = &marks[i];
        job->orders[0].kind = WIRE_MEMORY_STATUS;
        job->orders[0].size_bytes = 4096;
        memory_thread_submit(thread, job);
    }
    for (size_t i = 0; i < 2; i++) {
        struct memory_job *job = wait_for_job(thread);
        assert_ptr_equal(job->owner, &marks[i]);
        if (i == 0) {
            memory_thread_close_fd(thread, job->orders[0].fd);
            job->orders[0].fd = -1;
        }
        memory_thread_free_job(job);
    }
    memory_thread_destroy(thread);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_job_makes_its_segments_with_start_values),
        cmocka_unit_test(a_job_that_fails_keeps_none_of_its_segments),
        cmocka_unit_test(jobs_are_done_in_order_and_what_is_left_is_thrown_away),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: Apache-2.0
// What the status page of a dead worker says about its last step.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "broker/supervision/resume.h"

static struct status_page page;
static struct resume resume;

static void die_in(uint64_t step, uint64_t done, uint32_t claim_count)
{
    page = (struct status_page){.reserved0 = 0};
    atomic_store(&page.step, step);
    atomic_store(&page.done, done);
    atomic_store(&page.claim_count, claim_count);
    for (uint32_t i = 0; i < claim_count && i < LIMIT_STEP_CLAIMS_MAX; i++) {
        atomic_store(&page.claims[i].link_id, 1 + i % 2);
        atomic_store(&page.claims[i].seq, 100 + i);
    }
}

// R-SUP-005 R-SUP-006
static void a_step_is_done_when_its_worker_said_so_or_every_output_has_it(void **state)
{
    (void)state;
    const struct {
        uint64_t done;
        uint64_t outputs[2];
        size_t count;
        bool is_done;
        bool is_partial;
        uint64_t first_step;
    } cases[] = {
        {6, {0, 0}, 0, false, false, 8},  // a sink: only its word counts
        {7, {0, 0}, 0, true, false, 8},   //
        {6, {6, 6}, 2, false, false, 8},  // nothing went out: a new number will do
        {6, {7, 6}, 2, false, true, 7},   // one output has it: the same number again
        {6, {6, 7}, 2, false, true, 7},   //
        {6, {7, 7}, 2, true, false, 8},   // it died before it could say so
        {7, {6, 6}, 2, true, false, 8},   // a step without output
        {6, {7, 0}, 1, true, false, 8},   //
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        die_in(7, cases[i].done, 2);
        resume_read(&page, cases[i].outputs, cases[i].count, &resume);
        assert_int_equal(resume.step, 7);
        assert_int_equal(resume.is_done, cases[i].is_done);
        assert_int_equal(resume.is_partial, cases[i].is_partial);
        assert_int_equal(resume_first_step(&resume, true), cases[i].first_step);
        // With nothing that comes again there is nothing to tell apart.
        assert_int_equal(resume_first_step(&resume, false), 8);
        assert_int_equal(resume.claim_count, 2);
        assert_int_equal(resume.claims[1].link_id, 2);
        assert_int_equal(resume.claims[1].seq, 101);
    }
}

static void a_worker_without_a_page_did_nothing(void **state)
{
    (void)state;
    uint64_t outputs[] = {5};
    resume_read(NULL, outputs, 1, &resume);
    assert_int_equal(resume.step, 0);
    assert_int_equal(resume.claim_count, 0);
    assert_false(resume.is_done);
    die_in(0, 0, 0);
    resume_read(&page, outputs, 1, &resume);
    assert_false(resume.is_done);
    assert_false(resume.is_partial);
}

// R-DATA-036
static void a_claim_says_whether_its_frame_was_held_beyond_the_step(void **state)
{
    (void)state;
    die_in(7, 7, 2);
    atomic_store(&page.claims[1].is_held, 1);
    resume_read(&page, NULL, 0, &resume);
    assert_true(resume.is_done);
    assert_false(resume.claims[0].is_held);
    assert_true(resume.claims[1].is_held);
}

static void lies_are_clamped(void **state)
{
    (void)state;
    uint64_t outputs[] = {UINT64_MAX};
    die_in(UINT64_MAX, UINT64_MAX, UINT32_MAX);
    resume_read(&page, outputs, 1, &resume);
    assert_int_equal(resume.claim_count, LIMIT_STEP_CLAIMS_MAX);
    assert_int_equal(resume.step, RESUME_STEP_MAX);
    assert_true(resume_first_step(&resume, true) > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_step_is_done_when_its_worker_said_so_or_every_output_has_it),
        cmocka_unit_test(a_worker_without_a_page_did_nothing),
        cmocka_unit_test(a_claim_says_whether_its_frame_was_held_beyond_the_step),
        cmocka_unit_test(lies_are_clamped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

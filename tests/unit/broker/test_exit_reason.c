// SPDX-License-Identifier: Apache-2.0
// Why a worker ended, and what it means for its node.
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "broker/lives/exit_reason.h"

#define STATUS_OF_CODE(code) ((code) << 8)

static enum exit_verdict verdict_of(int wait_status, bool is_complete)
{
    struct exit_reason reason = {0};
    exit_reason_from_wait(&reason, wait_status);
    return exit_reason_verdict(&reason, is_complete, false);
}

// R-WORKER-013
static void a_signal_and_an_exit_code_are_named_exactly(void **state)
{
    (void)state;
    char text[EXIT_REASON_TEXT_BYTES];
    struct exit_reason reason = {0};
    exit_reason_from_wait(&reason, SIGSEGV);
    exit_reason_describe(&reason, text, sizeof text);
    assert_string_equal(text, "signal 11 (SIGSEGV)");
    reason = (struct exit_reason){0};
    exit_reason_from_wait(&reason, STATUS_OF_CODE(3));
    exit_reason_describe(&reason, text, sizeof text);
    assert_string_equal(text, "exit code 3");
}

static void what_we_ended_it_for_counts_and_not_the_signal_that_we_sent(void **state)
{
    (void)state;
    char text[EXIT_REASON_TEXT_BYTES];
    struct exit_reason reason = {0};
    exit_reason_set(&reason, EXIT_REASON_DEADLINE, 0, "start deadline of %s passed", "10s");
    exit_reason_set(&reason, EXIT_REASON_PROTOCOL, 0, "too late");
    exit_reason_from_wait(&reason, SIGKILL);
    exit_reason_describe(&reason, text, sizeof text);
    assert_string_equal(text, "start deadline of 10s passed");
    assert_int_equal(exit_reason_verdict(&reason, false, false), EXIT_VERDICT_FAILED);
}

// R-LOG-015: control characters are escaped where a line is made of it.
static void what_a_worker_says_itself_is_cut_and_has_no_password(void **state)
{
    (void)state;
    char said[4096];
    char text[EXIT_REASON_TEXT_BYTES];
    struct exit_reason reason = {0};
    memset(said, 'x', sizeof said - 1);
    said[sizeof said - 1] = '\0';
    memcpy(said, "cannot open rtsp://me:secret@cam/a ", 35);
    exit_reason_note(&reason, said);
    assert_null(strstr(reason.text, "secret"));
    exit_reason_from_wait(&reason, STATUS_OF_CODE(3));
    exit_reason_describe(&reason, text, sizeof text);
    assert_memory_equal(text, "cannot open rtsp://***@cam/a xxx", 32);
    assert_true(strlen(text) < EXIT_REASON_TEXT_BYTES);
    assert_null(strstr(text, "secret"));
}

// R-EXIT-012 R-EXIT-013
static void exit_codes_have_their_meanings(void **state)
{
    (void)state;
    assert_int_equal(verdict_of(STATUS_OF_CODE(0), true), EXIT_VERDICT_FINISHED);
    assert_int_equal(verdict_of(STATUS_OF_CODE(0), false), EXIT_VERDICT_FAILED);
    assert_int_equal(verdict_of(STATUS_OF_CODE(1), true), EXIT_VERDICT_FAILED);
    assert_int_equal(verdict_of(STATUS_OF_CODE(75), false), EXIT_VERDICT_RESTART);
    assert_int_equal(verdict_of(STATUS_OF_CODE(77), false), EXIT_VERDICT_REFUSED);
    assert_int_equal(verdict_of(STATUS_OF_CODE(78), false), EXIT_VERDICT_NO_CONFIG);
    assert_int_equal(verdict_of(STATUS_OF_CODE(125), true), EXIT_VERDICT_BAD_DATA);
}

static void a_crash_after_the_last_end_has_lost_nothing(void **state)
{
    (void)state;
    assert_int_equal(verdict_of(SIGSEGV, true), EXIT_VERDICT_FINISHED);
    assert_int_equal(verdict_of(SIGSEGV, false), EXIT_VERDICT_FAILED);
}

static void a_worker_that_was_asked_to_stop_has_finished_with_0(void **state)
{
    (void)state;
    struct exit_reason reason = {0};
    exit_reason_from_wait(&reason, STATUS_OF_CODE(0));
    assert_int_equal(exit_reason_verdict(&reason, false, true), EXIT_VERDICT_FINISHED);
    reason = (struct exit_reason){0};
    exit_reason_from_wait(&reason, SIGSEGV);
    assert_int_equal(exit_reason_verdict(&reason, false, true), EXIT_VERDICT_FAILED);
}

// R-SUP-052
static void the_kernels_own_reasons_replace_its_signals_and_nothing_else(void **state)
{
    (void)state;
    char text[EXIT_REASON_TEXT_BYTES + 64];
    struct exit_reason reason = {0};
    exit_reason_from_wait(&reason, SIGKILL);
    exit_reason_explain(&reason, EXIT_REASON_OOM, 0, "its limit of %s was used up", "256MiB");
    exit_reason_describe(&reason, text, sizeof text);
    assert_string_equal(text, "out of memory: its limit of 256MiB was used up");
    assert_int_equal(exit_reason_verdict(&reason, false, false), EXIT_VERDICT_FAILED);
    reason = (struct exit_reason){0};
    exit_reason_from_wait(&reason, SIGSYS);
    assert_int_equal(reason.kind, EXIT_REASON_SECCOMP);
    exit_reason_describe(&reason, text, sizeof text);
    assert_string_equal(text, "forbidden system call: signal 31 (SIGSYS)");
    exit_reason_explain(&reason, EXIT_REASON_SECCOMP, 101, "ptrace");
    assert_int_equal(reason.code, 101);
    exit_reason_describe(&reason, text, sizeof text);
    assert_string_equal(text, "forbidden system call: ptrace");
    reason = (struct exit_reason){0};
    exit_reason_set(&reason, EXIT_REASON_DEADLINE, 0, "start deadline of 10s passed");
    exit_reason_explain(&reason, EXIT_REASON_OOM, 0, "no");
    exit_reason_describe(&reason, text, sizeof text);
    assert_string_equal(text, "start deadline of 10s passed");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_signal_and_an_exit_code_are_named_exactly),
        cmocka_unit_test(what_we_ended_it_for_counts_and_not_the_signal_that_we_sent),
        cmocka_unit_test(the_kernels_own_reasons_replace_its_signals_and_nothing_else),
        cmocka_unit_test(what_a_worker_says_itself_is_cut_and_has_no_password),
        cmocka_unit_test(exit_codes_have_their_meanings),
        cmocka_unit_test(a_crash_after_the_last_end_has_lost_nothing),
        cmocka_unit_test(a_worker_that_was_asked_to_stop_has_finished_with_0),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

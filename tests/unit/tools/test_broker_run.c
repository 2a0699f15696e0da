// SPDX-License-Identifier: Apache-2.0
// The broker's program is found and run, and what it prints is read.
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tools/broker_run.h"

static int setup(void **state)
{
    (void)state;
    char path[4096];
    snprintf(path, sizeof path, "%s/bin:/usr/bin:/bin", getenv("SB_BUILD_DIR"));
    return setenv("PATH", path, 1);
}

static void the_answer_and_the_exit_status_are_those_of_the_broker(void **state)
{
    (void)state;
    static const char *const arguments[] = {"streambroker", "--describe", "--trusted",
                                            "--",           "/bin/false", NULL};
    json_t *json = NULL;
    struct diag why = {.text = ""};
    assert_int_equal(broker_run_json(arguments, &json, &why), 1);
    const json_t *answer = json_array_get(json, 0);
    assert_string_equal(json_string_value(json_object_get(answer, "path")), "/bin/false");
    assert_non_null(strstr(json_string_value(json_object_get(answer, "error")), "status 1"));
    json_decref(json);
}

static void what_is_no_json_is_refused_with_the_status(void **state)
{
    (void)state;
    static const char *const arguments[] = {"streambroker", "--version", NULL};
    json_t *json = NULL;
    struct diag why = {.text = ""};
    assert_int_equal(broker_run_json(arguments, &json, &why), -EPROTO);
    assert_null(json);
    assert_non_null(strstr(why.text, "ended with status 0 and printed nothing that can be read"));
}

static void one_that_is_not_there_is_said(void **state)
{
    (void)state;
    static const char *const arguments[] = {"streambroker", "--machine", NULL};
    assert_int_equal(setenv("PATH", "/nowhere", 1), 0);
    json_t *json = NULL;
    struct diag why = {.text = ""};
    assert_int_equal(broker_run_json(arguments, &json, &why), -ENOENT);
    assert_string_equal(why.text, "streambroker is not installed beside streamctl");
    assert_int_equal(broker_run("check", arguments), 70);
    assert_int_equal(setup(NULL), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_answer_and_the_exit_status_are_those_of_the_broker),
        cmocka_unit_test(what_is_no_json_is_refused_with_the_status),
        cmocka_unit_test(one_that_is_not_there_is_said),
    };
    return cmocka_run_group_tests(tests, setup, NULL);
}

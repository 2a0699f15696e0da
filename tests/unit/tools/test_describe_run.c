// SPDX-License-Identifier: Apache-2.0
// Programs that describe themselves, and those that do not.
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "tools/describe_run.h"

static char program[] = "/tmp/describe_run.XXXXXX";

static int describe(const char *script, json_t **json, struct diag *why)
{
    FILE *file = fopen(program, "w");
    assert_non_null(file);
    fprintf(file, "#!/bin/sh\n%s\n", script);
    fclose(file);
    *json = NULL;
    return describe_run(program, json, why);
}

static int setup(void **state)
{
    (void)state;
    int fd = mkstemp(program);
    return fd < 0 || fchmod(fd, 0700) != 0 ? -1 : close(fd);
}

static int teardown(void **state)
{
    (void)state;
    return unlink(program);
}

// R-WORKER-016
static void a_description_is_returned_as_json(void **state)
{
    (void)state;
    json_t *json;
    struct diag why;
    assert_int_equal(
        describe("[ \"$1\" = --describe ] && env | grep -qv '^PWD\\|^_\\|^SHLVL\\|^OLDPWD' "
                 "|| echo '{\"streambroker\": 1, \"name\": \"x\"}'",
                 &json, &why),
        0);
    assert_string_equal(json_string_value(json_object_get(json, "name")), "x");
    json_decref(json);
}

static void what_is_no_description_is_refused_with_the_reason(void **state)
{
    (void)state;
    json_t *json;
    struct diag why;
    assert_int_equal(describe("echo hello", &json, &why), -EPROTO);
    assert_non_null(strstr(why.text, "no processor"));
    assert_int_equal(describe("exit 1", &json, &why), -EPROTO);
    assert_string_equal(why.text, "it printed nothing for --describe");
    assert_int_equal(describe("echo first >&2; printf 'why\\033\\n\\n' >&2", &json, &why), -EPROTO);
    assert_string_equal(why.text, "it printed nothing for --describe: why\\x1b");
    assert_int_equal(
        describe("dd if=/dev/zero bs=64k count=40 >&2 2>/dev/null; echo >&2; echo end >&2", &json,
                 &why),
        -EPROTO);
    assert_string_equal(why.text, "it printed nothing for --describe: end");
    assert_int_equal(describe("echo '{\"streambroker\": 2, \"name\": \"x\"}'", &json, &why),
                     -EPROTO);
    assert_int_equal(
        describe("while echo 0123456789012345678901234567890123456789; do :; done", &json, &why),
        -EFBIG);
    assert_int_equal(describe_run("/nowhere/x", &json, &why), -EPROTO);
    assert_string_equal(why.text, "it printed nothing for --describe: cannot be executed: No such "
                                  "file or directory");
}

static void one_that_does_not_answer_is_ended_after_two_seconds(void **state)
{
    (void)state;
    json_t *json;
    struct diag why;
    assert_int_equal(describe("while :; do :; done", &json, &why), -ETIMEDOUT);
    assert_string_equal(why.text, "it did not answer within 2 s");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_description_is_returned_as_json),
        cmocka_unit_test(what_is_no_description_is_refused_with_the_reason),
        cmocka_unit_test(one_that_does_not_answer_is_ended_after_two_seconds),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}

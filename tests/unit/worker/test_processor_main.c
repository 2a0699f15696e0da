// SPDX-License-Identifier: Apache-2.0
// The main of a processor without a broker: its options and its answer to people.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "program_run.h"

static int take_frame(struct sb_node *node, const struct sb_frame *frame)
{
    (void)node;
    (void)frame;
    return 0;
}

static const struct sb_port inputs[] = {{.name = "in", .type = SB_PORT_ANY}};

static const struct sb_processor sample = {
    .struct_size = sizeof sample,
    .name = "sample",
    .version = "1.2.3",
    .summary = "Takes everything.",
    .inputs = inputs,
    .input_count = 1,
    .on_frame = take_frame,
};

static struct program program;

static void each_option_prints_and_ends_well(void **state)
{
    (void)state;
    program_run(&program, &sample, "--version");
    assert_int_equal(program.status, 0);
    assert_ptr_equal(strstr(program.out, "sample 1.2.3 (streambroker "), program.out);
    assert_string_equal(program.err, "");
    program_run(&program, &sample, "--help");
    assert_int_equal(program.status, 0);
    static const char *const named[] = {"sample: Takes everything.", "--describe", "--selftest",
                                        "--version", "--help"};
    for (size_t i = 0; i < sizeof named / sizeof named[0]; i++) {
        assert_non_null(strstr(program.out, named[i]));
    }
    program_run(&program, &sample, "--describe");
    assert_int_equal(program.status, 0);
    assert_ptr_equal(strstr(program.out, "{\"streambroker\":"), program.out);
    assert_int_equal(program.out[strlen(program.out) - 1], '\n');
    program_run(&program, &sample, "--selftest");
    assert_int_equal(program.status, 0);
    assert_non_null(strstr(program.out, "8 frames in"));
}

static void without_a_broker_it_says_what_it_is_for(void **state)
{
    (void)state;
    static const char *const options[] = {NULL, "--nonsense"};
    for (size_t i = 0; i < 2; i++) {
        program_run(&program, &sample, options[i]);
        assert_int_equal(program.status, 2);
        assert_string_equal(program.out, "");
        assert_non_null(strstr(program.err, "there is no broker; name it in a graph file"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_option_prints_and_ends_well),
        cmocka_unit_test(without_a_broker_it_says_what_it_is_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: Apache-2.0
// Parameters: each type from its text, bounds, all or none, and what the processor reads.
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/text.h"
#include "program_run.h"
#include "worker/boot.h"
#include "worker/param.h"

static const char *const shapes[] = {"round", "square", NULL};

static const struct sb_param params[] = {
    {.name = "count", .type = SB_PARAM_INT, .initial = "3", .minimum = -5, .maximum = 5},
    {.name = "ratio", .type = SB_PARAM_REAL, .initial = "0.5", .minimum = 0, .maximum = 1},
    {.name = "on", .type = SB_PARAM_BOOL, .initial = "true"},
    {.name = "word", .type = SB_PARAM_STRING, .initial = "ab", .minimum = 1, .maximum = 4},
    {.name = "shape", .type = SB_PARAM_CHOICE, .initial = "square", .choices = shapes},
    {.name = "delay", .type = SB_PARAM_DURATION, .initial = "20ms", .minimum = 0, .maximum = 1e9},
    {.name = "size", .type = SB_PARAM_SIZE, .initial = "2KiB"},
    {.name = "file", .type = SB_PARAM_PATH},
};

static int take_frame(struct sb_node *node, const struct sb_frame *frame)
{
    (void)node;
    (void)frame;
    return 0;
}

static const struct sb_processor sample = {
    .struct_size = sizeof sample,
    .name = "sample",
    .version = "1",
    .params = params,
    .param_count = sizeof params / sizeof params[0],
    .on_frame = take_frame,
};

static struct sb_node node;

static int make_node(void **state)
{
    (void)state;
    return boot_init(&node, &sample);
}

static int drop_node(void **state)
{
    (void)state;
    boot_fini(&node);
    return 0;
}

static int set(const char *name, const char *value)
{
    struct wire_param param = {.value = value};
    text_copy(param.name, sizeof param.name, name);
    return param_set(&node, &param, 1);
}

// R-WORKER-023
static void each_type_is_read_as_what_it_was_declared(void **state)
{
    (void)state;
    assert_int_equal(sb_param_int(&node, "count"), 3);
    assert_true(sb_param_real(&node, "count") == 3);
    assert_true(sb_param_real(&node, "ratio") == 0.5);
    assert_true(sb_param_bool(&node, "on"));
    assert_string_equal(sb_param_string(&node, "word"), "ab");
    assert_int_equal(sb_param_choice(&node, "shape"), 1);
    assert_int_equal(sb_param_int(&node, "delay"), 20000000);
    assert_int_equal(sb_param_int(&node, "size"), 2048);
    // Without a default and not given.
    assert_string_equal(sb_param_string(&node, "file"), "");
    assert_int_equal(set("file", "/a/b"), 0);
    assert_string_equal(sb_param_string(&node, "file"), "/a/b");
    assert_int_equal(set("on", "false"), 0);
    assert_false(sb_param_bool(&node, "on"));
}

static void what_does_not_fit_is_refused_with_its_reason(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        const char *value;
        const char *reason;
    } cases[] = {
        {"count", "six", "parameter 'count' is 'six', which is no int"},
        {"count", "6", "parameter 'count' is 6; it must be from -5 to 5"},
        {"count", "-6", "parameter 'count' is -6; it must be from -5 to 5"},
        {"ratio", "1.01", "parameter 'ratio' is 1.01; it must be from 0 to 1"},
        {"ratio", "nan", "parameter 'ratio' is 'nan', which is no real"},
        {"on", "yes", "parameter 'on' is 'yes', which is no bool"},
        {"word", "abcde", "parameter 'word' is 5; it must be from 1 to 4"},
        {"word", "", "parameter 'word' is 0; it must be from 1 to 4"},
        {"shape", "oval", "parameter 'shape' is 'oval', which is no choice"},
        {"delay", "20", "parameter 'delay' is '20', which is no duration"},
        {"delay", "2s", "parameter 'delay' is 2e+09; it must be from 0 to 1e+09"},
        {"size", "-1", "parameter 'size' is '-1', which is no size"},
        {"colour", "red", "there is no parameter 'colour'"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(set(cases[i].name, cases[i].value), -EINVAL);
        assert_string_equal(node.error, cases[i].reason);
    }
    assert_int_equal(sb_param_int(&node, "count"), 3);
    assert_string_equal(sb_param_string(&node, "word"), "ab");
}

static void of_several_values_all_are_taken_or_none(void **state)
{
    (void)state;
    struct wire_param both[] = {{.name = "word", .value = "new"}, {.name = "count", .value = "9"}};
    assert_int_equal(param_set(&node, both, 2), -EINVAL);
    assert_string_equal(sb_param_string(&node, "word"), "ab");
    both[1].value = "4";
    assert_int_equal(param_set(&node, both, 2), 0);
    assert_string_equal(sb_param_string(&node, "word"), "new");
    assert_int_equal(sb_param_int(&node, "count"), 4);
}

static void what_on_config_refused_is_taken_back(void **state)
{
    (void)state;
    assert_int_equal(set("word", "one"), 0);
    assert_int_equal(set("word", "two"), 0);
    param_restore(&node);
    assert_string_equal(sb_param_string(&node, "word"), "one");
}

static int read_wrongly(struct sb_node *open_node)
{
    return (int)sb_param_int(open_node, "word");
}

static int read_nothing(struct sb_node *open_node)
{
    return sb_param_bool(open_node, "nothing");
}

static const struct sb_param one[] = {{.name = "word", .type = SB_PARAM_STRING, .initial = "a"}};

static void reading_what_was_not_declared_stops_the_program_with_its_name(void **state)
{
    (void)state;
    static struct program program;
    struct sb_processor wrong = sample;
    wrong.params = one;
    wrong.param_count = 1;
    wrong.open = read_wrongly;
    program_run(&program, &wrong, "--selftest");
    assert_int_equal(program.status, 128 + SIGABRT);
    assert_string_equal(program.err, "<3>bug in processor 'sample': it reads parameter 'word', "
                                     "which it declares with another type\n");
    wrong.open = read_nothing;
    program_run(&program, &wrong, "--selftest");
    assert_int_equal(program.status, 128 + SIGABRT);
    assert_string_equal(program.err, "<3>bug in processor 'sample': it reads parameter 'nothing', "
                                     "which it declares nowhere\n");
}

#define WITH_NODE(name) cmocka_unit_test_setup_teardown(name, make_node, drop_node)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_NODE(each_type_is_read_as_what_it_was_declared),
        WITH_NODE(what_does_not_fit_is_refused_with_its_reason),
        WITH_NODE(of_several_values_all_are_taken_or_none),
        WITH_NODE(what_on_config_refused_is_taken_back),
        cmocka_unit_test(reading_what_was_not_declared_stops_the_program_with_its_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: Apache-2.0
// The command line of streambroker.
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/check.h"
#include "broker/options.h"

#define PARSE(options, text, ...)                                                                  \
    parse((options), (text), (char *[]){"streambroker", __VA_ARGS__},                              \
          ARRAY_COUNT(((char *[]){"streambroker", __VA_ARGS__})))

static int parse(struct options *options, char text[256], char **argv, size_t argc)
{
    return options_parse((int)argc, argv, options, text, 256);
}

static void a_graph_alone_has_the_usual_settings(void **state)
{
    (void)state;
    struct options options;
    char text[256];
    assert_int_equal(PARSE(&options, text, "g.yaml"), 0);
    assert_string_equal(options.graph, "g.yaml");
    assert_int_equal(options.log_level, LOG_INFO);
    assert_int_equal(options.log_format, LOG_FORMAT_TEXT);
    assert_false(options.is_given[OPTION_KEEP]);
}

static void options_are_read_before_and_after_the_graph(void **state)
{
    (void)state;
    struct options options;
    char text[256];
    assert_int_equal(PARSE(&options, text, "--keep", "g.yaml", "--log-format=json", "-v", "--idle"),
                     0);
    assert_true(options.is_given[OPTION_KEEP]);
    assert_true(options.is_given[OPTION_IDLE]);
    assert_int_equal(options.log_format, LOG_FORMAT_JSON);
    assert_int_equal(options.log_level, LOG_DEBUG);
    assert_int_equal(PARSE(&options, text, "--log-format", "text", "-q", "g"), 0);
    assert_int_equal(options.log_format, LOG_FORMAT_TEXT);
    assert_int_equal(options.log_level, LOG_ERROR);
}

static void behind_two_dashes_everything_is_a_graph(void **state)
{
    (void)state;
    struct options options;
    char text[256];
    assert_int_equal(PARSE(&options, text, "--", "--keep"), 0);
    assert_string_equal(options.graph, "--keep");
}

static void assert_refused(char **argv, size_t argc, const char *message)
{
    struct options options = {.graph = "untouched"};
    char text[256];
    assert_int_equal(parse(&options, text, argv, argc), -EINVAL);
    assert_string_equal(text, message);
    assert_string_equal(options.graph, "untouched");
}

#define REFUSED(message, ...)                                                                      \
    assert_refused((char *[]){"streambroker", __VA_ARGS__},                                        \
                   ARRAY_COUNT(((char *[]){"streambroker", __VA_ARGS__})), message)

// R-CLI-004
static void what_is_wrong_is_said_with_what_was_meant(void **state)
{
    (void)state;
    REFUSED("there is no option --kepe; did you mean --keep?", "g", "--kepe");
    REFUSED("there is no option --zzzzzzzzz; --help lists them", "g", "--zzzzzzzzz");
    REFUSED("there is no option -x; --help lists them", "g", "-vx");
    REFUSED("there is no option -\\x1b; --help lists them", "g", "-\x1b");
    REFUSED("--keep takes no value", "g", "--keep=1");
    REFUSED("--log-format needs a value: text|json", "g", "--log-format");
    REFUSED("--log-format is text or json, not 'xml'", "g", "--log-format", "xml");
    REFUSED("one graph at a time: 'h' is a second one", "g", "h");
    REFUSED("which graph? Give the path of a graph file", "--keep");
    REFUSED("--watch takes no value", "g", "--watch=1");
}

static void describe_takes_many_programs(void **state)
{
    (void)state;
    struct options options;
    char text[256];
    assert_int_equal(PARSE(&options, text, "a", "--describe", "--trusted", "--", "--b"), 0);
    assert_int_equal(options.program_count, 2);
    assert_string_equal(options.programs[0], "a");
    assert_string_equal(options.programs[1], "--b");
    REFUSED("which program? Give the path of one", "--describe");
    REFUSED("--trusted is for --describe: write --describe too", "g", "--trusted");
    char *many[OPTIONS_PROGRAMS_MAX + 3] = {"streambroker", "--describe"};
    for (size_t i = 2; i < ARRAY_COUNT(many); i++) {
        many[i] = "x";
    }
    assert_refused(many, ARRAY_COUNT(many), "at most 512 programs at a time");
}

static void users_of_untrusted_nodes_are_a_range(void **state)
{
    (void)state;
    struct options options;
    char text[256];
    assert_int_equal(PARSE(&options, text, "--uids", "61000-61009", "g.yaml"), 0);
    assert_int_equal(options.uid_first, 61000);
    assert_int_equal(options.uid_last, 61009);
    static const char *const wrong[] = {
        "",        "61000",   "61000-", "-61000",           "61009-61000",
        "0-61000", "x-61000", "999-1",  "61000-4294967296", "61000-61009x"};
    for (size_t i = 0; i < ARRAY_COUNT(wrong); i++) {
        assert_int_equal(PARSE(&options, text, "--uids", (char *)(uintptr_t)wrong[i], "g.yaml"),
                         -EINVAL);
        assert_non_null(strstr(text, "--uids is a range"));
    }
}

static void help_and_version_need_no_graph(void **state)
{
    (void)state;
    struct options options;
    char text[256];
    assert_int_equal(PARSE(&options, text, "--help"), 0);
    assert_int_equal(PARSE(&options, text, "--version"), 0);
    assert_null(options.graph);
}

static void the_help_names_every_option_in_lines_that_fit(void **state)
{
    (void)state;
    char help[4096];
    options_help(help, sizeof help);
#define OPTION(ID, long_name, short_name, value, text)                                             \
    assert_non_null(strstr(help, "--" long_name));                                                 \
    assert_non_null(strstr(help, text));
#include "broker/options.def"
#undef OPTION
    for (char *rest = NULL, *line = strtok_r(help, "\n", &rest); line != NULL;
         line = strtok_r(NULL, "\n", &rest)) {
        assert_true(strlen(line) <= 100);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_graph_alone_has_the_usual_settings),
        cmocka_unit_test(options_are_read_before_and_after_the_graph),
        cmocka_unit_test(behind_two_dashes_everything_is_a_graph),
        cmocka_unit_test(what_is_wrong_is_said_with_what_was_meant),
        cmocka_unit_test(describe_takes_many_programs),
        cmocka_unit_test(users_of_untrusted_nodes_are_a_range),
        cmocka_unit_test(help_and_version_need_no_graph),
        cmocka_unit_test(the_help_names_every_option_in_lines_that_fit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

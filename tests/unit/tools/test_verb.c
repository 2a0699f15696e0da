// SPDX-License-Identifier: Apache-2.0
// Arguments are read by the table of verbs, and help is printed from it.
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

#include "tools/verb.h"

static struct verb_call call;

static int parse(enum verb_id verb, int argc, const char *const *words)
{
    static char words_of_call[8][64];
    char *argv[8] = {NULL};
    for (int i = 0; i < argc; i++) {
        snprintf(words_of_call[i], sizeof(words_of_call[i]), "%s", words[i]);
        argv[i] = words_of_call[i];
    }
    memset(&call, 0, sizeof(call));
    return verb_parse(verb_row(verb), argc, argv, &call);
}

#define PARSE(verb, ...)                                                                           \
    parse(verb, (int)(sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *)),                \
          (const char *const[]){__VA_ARGS__})

static void options_and_arguments_come_in_any_order(void **state)
{
    (void)state;
    assert_int_equal(PARSE(VERB_NEW, "--lang", "c", "own"), 0);
    assert_string_equal(call.values[VERB_OPTION_NEW_LANG], "c");
    assert_string_equal(call.arguments[0], "own");
    assert_int_equal(PARSE(VERB_NEW, "own", "--lang=c"), 0);
    assert_string_equal(call.values[VERB_OPTION_NEW_LANG], "c");
    assert_int_equal(PARSE(VERB_DESCRIBE, "blur", "--json"), 0);
    assert_non_null(call.values[VERB_OPTION_DESCRIBE_JSON]);
    assert_int_equal(PARSE(VERB_CHECK, "--", "--odd.yaml"), 0);
    assert_string_equal(call.arguments[0], "--odd.yaml");
}

// R-EXIT-003
static void what_does_not_fit_is_a_wrong_use(void **state)
{
    (void)state;
    assert_int_equal(PARSE(VERB_DOCTOR, "--yaml"), VERB_USAGE);
    assert_int_equal(PARSE(VERB_DOCTOR, "--json=1"), VERB_USAGE);
    assert_int_equal(PARSE(VERB_DOCTOR, "more"), VERB_USAGE);
    assert_int_equal(PARSE(VERB_NEW, "own", "--lang"), VERB_USAGE);
    assert_int_equal(PARSE(VERB_CHECK, "a", "b"), VERB_USAGE);
    assert_int_equal(parse(VERB_CHECK, 0, NULL), VERB_USAGE);
}

// What a line on stderr said.
static const char *said_by(enum verb_id verb, int argc, const char *const *words)
{
    static char text[512];
    memset(text, 0, sizeof text);
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    int saved = dup(STDERR_FILENO);
    dup2(ends[1], STDERR_FILENO);
    parse(verb, argc, words);
    dup2(saved, STDERR_FILENO);
    close(saved);
    close(ends[1]);
    assert_true(read(ends[0], text, sizeof text - 1) > 0);
    close(ends[0]);
    return text;
}

#define SAID_BY(verb, ...)                                                                         \
    said_by(verb, (int)(sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *)),              \
            (const char *const[]){__VA_ARGS__})

// R-CLI-018
static void a_wrong_use_is_told_with_what_to_write(void **state)
{
    (void)state;
    assert_string_equal(SAID_BY(VERB_ADD, "x"),
                        "streamctl add: PROGRAM is missing; usage: streamctl add [OPTIONS] NODE "
                        "PROGRAM [KEY=VALUE]...\n");
    assert_string_equal(SAID_BY(VERB_COMMIT_MODE, "a", "b"),
                        "streamctl commit-mode: 'b' is too much; usage: streamctl commit-mode "
                        "[OPTIONS] [MODE]\n");
    assert_string_equal(SAID_BY(VERB_VERSION, "x"),
                        "streamctl version: 'x' is too much; usage: streamctl version\n");
    assert_string_equal(SAID_BY(VERB_NODES, "--jsno"),
                        "streamctl nodes: no option --jsno; did you mean --json?\n");
    assert_string_equal(SAID_BY(VERB_NODES, "--xyzzy"),
                        "streamctl nodes: no option --xyzzy; streamctl help nodes lists them\n");
    assert_string_equal(SAID_BY(VERB_TOP, "--interval"),
                        "streamctl top: --interval needs a value; write --interval TIME\n");
}

static void help_may_be_asked_without_arguments(void **state)
{
    (void)state;
    assert_int_equal(PARSE(VERB_CHECK, "--help"), 0);
    assert_true(call.is_help);
}

// R-CLI-003
static void every_verb_and_option_is_in_the_help(void **state)
{
    (void)state;
    static char text[16 * 1024];
    FILE *out = fmemopen(text, sizeof(text), "w");
    verb_print_help(NULL, out);
    for (int i = 0; i < VERBS_COUNT; i++) {
        verb_print_help(verb_row((enum verb_id)i), out);
        assert_ptr_equal(verb_find(verb_row((enum verb_id)i)->word), verb_row((enum verb_id)i));
    }
    fclose(out);
    for (int i = 0; i < VERB_OPTIONS_COUNT; i++) {
        const struct verb_option_row *row = verb_option_row((enum verb_option)i);
        assert_non_null(strstr(text, row->word));
        assert_non_null(strstr(text, row->summary));
    }
    assert_null(verb_find("nothing"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(options_and_arguments_come_in_any_order),
        cmocka_unit_test(what_does_not_fit_is_a_wrong_use),
        cmocka_unit_test(a_wrong_use_is_told_with_what_to_write),
        cmocka_unit_test(help_may_be_asked_without_arguments),
        cmocka_unit_test(every_verb_and_option_is_in_the_help),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

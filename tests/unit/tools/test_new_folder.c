// SPDX-License-Identifier: Apache-2.0
// A new folder has every file with the name in it, and never overwrites one.
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

#include "tools/new_folder.h"
#include "tools/verb.h"

static char folder[] = "/tmp/new_folder.XXXXXX";
static const char *const files[] = {"own.c",      "Makefile",  "CMakeLists.txt",
                                    "graph.yaml", "input.txt", "test.sh"};

static int setup(void **state)
{
    (void)state;
    return mkdtemp(folder) == NULL || chdir(folder) != 0 ? -1 : 0;
}

static int teardown(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        char path[64];
        snprintf(path, sizeof(path), "own/%s", files[i]);
        unlink(path);
    }
    return rmdir("own") != 0 || rmdir(folder) != 0 ? -1 : 0;
}

static size_t read_file(const char *name, char *text, size_t size_bytes)
{
    FILE *file = fopen(name, "r");
    assert_non_null(file);
    size_t count = fread(text, 1, size_bytes - 1, file);
    text[count] = '\0';
    fclose(file);
    return count;
}

// R-CLI-012 R-WORKER-019
static void a_new_processor_is_a_few_files_and_a_short_source(void **state)
{
    (void)state;
    char text[4096];
    assert_int_equal(new_folder("c", "own"), VERB_OK);
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        char path[64];
        snprintf(path, sizeof(path), "own/%s", files[i]);
        assert_true(read_file(path, text, sizeof(text)) > 0);
        assert_null(strstr(text, "NAME"));
    }
    assert_int_equal(access("own/test.sh", X_OK), 0);
    read_file("own/own.c", text, sizeof(text));
    size_t lines = 0;
    for (const char *c = text; *c != '\0'; c++) {
        lines += *c == '\n';
    }
    assert_true(lines < 40);
    assert_non_null(strstr(text, ".name = \"own\""));
}

static void one_in_python_is_a_script_that_may_be_executed(void **state)
{
    (void)state;
    static const char *const names[] = {"script.py", "graph.yaml", "input.txt", "test.sh"};
    char text[4096];
    assert_int_equal(new_folder("python", "script"), VERB_OK);
    assert_int_equal(access("script/script.py", X_OK), 0);
    assert_int_equal(access("script/test.sh", X_OK), 0);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        char path[64];
        snprintf(path, sizeof(path), "script/%s", names[i]);
        assert_true(read_file(path, text, sizeof(text)) > 0);
        assert_null(strstr(text, "NAME"));
        assert_int_equal(unlink(path), 0);
    }
    assert_int_equal(rmdir("script"), 0);
}

static void a_folder_that_exists_is_left_alone(void **state)
{
    (void)state;
    char before[4096];
    char after[4096];
    read_file("own/own.c", before, sizeof(before));
    assert_int_equal(new_folder("c", "own"), VERB_EXISTS);
    read_file("own/own.c", after, sizeof(after));
    assert_string_equal(before, after);
}

static void a_wrong_name_or_language_makes_nothing(void **state)
{
    (void)state;
    assert_int_equal(new_folder("c", "Own Thing"), VERB_USAGE);
    assert_int_equal(new_folder("cobol", "thing"), VERB_USAGE);
    assert_int_equal(access("thing", F_OK), -1);
    assert_int_equal(access("Own Thing", F_OK), -1);
}

static void a_name_that_would_not_work_is_refused_in_its_language_only(void **state)
{
    (void)state;
    static const struct {
        const char *language;
        const char *name;
    } taken[] = {{"c", "test"},
                 {"c", "all"},
                 {"c", "help"},
                 {"c", "file-sink"},
                 {"python", "ctypes"},
                 {"python", "re"},
                 {"python", "streambroker"}};
    for (size_t i = 0; i < sizeof(taken) / sizeof(taken[0]); i++) {
        assert_int_equal(new_folder(taken[i].language, taken[i].name), VERB_USAGE);
        assert_int_equal(access(taken[i].name, F_OK), -1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_new_processor_is_a_few_files_and_a_short_source),
        cmocka_unit_test(one_in_python_is_a_script_that_may_be_executed),
        cmocka_unit_test(a_folder_that_exists_is_left_alone),
        cmocka_unit_test(a_wrong_name_or_language_makes_nothing),
        cmocka_unit_test(a_name_that_would_not_work_is_refused_in_its_language_only),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}

// SPDX-License-Identifier: Apache-2.0
// Programs are found in the folder, the path and the install, in this order.
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

#include "base/search.h"

static char folder[] = "/tmp/search.XXXXXX";
static char first[64];
static char second[64];

static void make(const char *in, const char *name, mode_t mode)
{
    char path[128];
    snprintf(path, sizeof(path), "%s/%s", in, name);
    int fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(fchmod(fd, mode), 0);
    close(fd);
}

static int setup(void **state)
{
    (void)state;
    if (mkdtemp(folder) == NULL) {
        return -1;
    }
    snprintf(first, sizeof(first), "%s/first", folder);
    snprintf(second, sizeof(second), "%s/second", folder);
    mkdir(first, 0700);
    mkdir(second, 0700);
    make(first, "one", 0700);
    make(first, "data", 0600);
    make(second, "one", 0700);
    make(second, "two", 0700);
    make(second, "data", 0700);
    make(folder, "two", 0700);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    static const char *const names[] = {"first/one",  "first/data",  "second/one",
                                        "second/two", "second/data", "two"};
    for (size_t i = 0; i < 6; i++) {
        char path[128];
        snprintf(path, sizeof(path), "%s/%s", folder, names[i]);
        unlink(path);
    }
    rmdir(first);
    rmdir(second);
    return rmdir(folder);
}

static void assert_found(const struct search_places *places, const char *name, const char *in)
{
    char path[PATH_MAX];
    char wanted[PATH_MAX];
    assert_int_equal(search_program(places, name, path), 0);
    snprintf(wanted, sizeof(wanted), "%s/%s", in,
             strrchr(name, '/') ? strrchr(name, '/') + 1 : name);
    assert_string_equal(path, wanted);
}

static void places_are_searched_in_their_order(void **state)
{
    (void)state;
    char list[160];
    snprintf(list, sizeof(list), ":%s:/nowhere:", first);
    struct search_places places = {folder, list, second};
    assert_found(&places, "two", folder);
    assert_found(&places, "one", first);
    // What may not be executed does not hide what may.
    assert_found(&places, "data", second);
    places.folder = NULL;
    assert_found(&places, "two", second);
}

static void a_name_with_a_slash_is_a_path_from_the_folder(void **state)
{
    (void)state;
    char path[PATH_MAX];
    struct search_places places = {folder, first, second};
    assert_found(&places, "first/../second/one", second);
    assert_found(&places, "./two", folder);
    snprintf(path, sizeof(path), "%s/one", first);
    assert_found(&places, path, first);
    assert_int_equal(search_program(&places, "./one", path), -ENOENT);
}

static void what_is_missing_or_not_executable_is_told_apart(void **state)
{
    (void)state;
    char path[PATH_MAX];
    struct search_places places = {NULL, first, NULL};
    assert_int_equal(search_program(&places, "nothing", path), -ENOENT);
    assert_int_equal(search_program(&places, "data", path), -EACCES);
    places.path = folder;
    // A folder is no program.
    assert_int_equal(search_program(&places, "first", path), -ENOENT);
}

struct seen {
    char names[256];
};

static int visit(void *context, const char *in, const char *name)
{
    struct seen *seen = context;
    size_t length = strlen(seen->names);
    snprintf(seen->names + length, sizeof(seen->names) - length, "%s/%s ", strrchr(in, '/') + 1,
             name);
    return strcmp(name, "two") == 0 ? 7 : 0;
}

static void every_program_is_visited_until_one_is_enough(void **state)
{
    (void)state;
    struct seen seen = {.names = ""};
    struct search_places places = {folder, first, second};
    assert_int_equal(search_each(&places, visit, &seen), 7);
    assert_string_equal(seen.names, "first/one second/data second/one second/two ");
}

static void the_folder_beside_the_program_is_found(void **state)
{
    (void)state;
    char found[PATH_MAX];
    char again[PATH_MAX];
    assert_int_equal(search_beside_program(".", found), 0);
    assert_int_equal(found[0], '/');
    assert_int_equal(search_beside_program("..", again), 0);
    assert_true(strncmp(found, again, strlen(again)) == 0);
    assert_int_equal(search_beside_program("../no/such/folder", again), -ENOENT);
}

static void a_program_that_is_in_no_install_has_no_lib(void **state)
{
    (void)state;
    char found[PATH_MAX] = "as it was";
    assert_int_equal(search_lib(found), -ENOENT);
    assert_string_equal(found, "as it was");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(places_are_searched_in_their_order),
        cmocka_unit_test(a_name_with_a_slash_is_a_path_from_the_folder),
        cmocka_unit_test(what_is_missing_or_not_executable_is_told_apart),
        cmocka_unit_test(every_program_is_visited_until_one_is_enough),
        cmocka_unit_test(the_folder_beside_the_program_is_found),
        cmocka_unit_test(a_program_that_is_in_no_install_has_no_lib),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}

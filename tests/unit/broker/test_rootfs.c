// SPDX-License-Identifier: Apache-2.0
// Which folders of a root are shown, and where its programs are.
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "broker/lives/rootfs.h"

static char root[64];

static const char *const folders[] = {"usr", "usr/bin", "etc", "proc", "dev", "tmp"};

static void path_of(const char *name, char out[128])
{
    snprintf(out, 128, "%s/%s", root, name);
}

static int set_up(void **state)
{
    (void)state;
    char path[128];
    snprintf(root, sizeof root, "/tmp/sb-rootfs-XXXXXX");
    if (mkdtemp(root) == NULL) {
        return -1;
    }
    for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++) {
        path_of(folders[i], path);
        if (mkdir(path, 0755) != 0) {
            return -1;
        }
    }
    path_of("usr/bin/python3", path);
    auto_fd int program = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0755);
    path_of("lib", path);
    return program < 0 ? -1 : symlink("usr/lib", path);
}

static int tear_down(void **state)
{
    (void)state;
    static const char *const names[] = {"usr/bin/python3", "lib"};
    char path[128];
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        path_of(names[i], path);
        remove(path);
    }
    for (size_t i = sizeof folders / sizeof folders[0]; i > 0; i--) {
        path_of(folders[i - 1], path);
        remove(path);
    }
    return rmdir(root);
}

static bool is_shown(const struct rootfs *rootfs, const char *target)
{
    for (size_t i = 0; i < rootfs->count; i++) {
        if (strcmp(rootfs->targets[i], target) == 0) {
            return rootfs->fds[i] >= 0;
        }
    }
    return false;
}

// R-GRANT-011
static void folders_are_shown_but_for_those_that_a_sandbox_makes(void **state)
{
    (void)state;
    struct rootfs rootfs;
    assert_int_equal(rootfs_open(root, &rootfs), 0);
    assert_int_equal(rootfs.count, 2);
    assert_true(is_shown(&rootfs, "/usr"));
    assert_true(is_shown(&rootfs, "/etc"));
    assert_false(is_shown(&rootfs, "/proc"));
    assert_false(is_shown(&rootfs, "/lib"));
    rootfs_close(&rootfs);
    assert_int_equal(rootfs.fd, -1);
}

static void programs_are_found_in_the_folders_of_the_root(void **state)
{
    (void)state;
    struct rootfs rootfs;
    char path[64];
    assert_int_equal(rootfs_open(root, &rootfs), 0);
    assert_true(rootfs_find_program(&rootfs, "python3", path, sizeof path));
    assert_string_equal(path, "/usr/bin/python3");
    assert_false(rootfs_find_program(&rootfs, "sh", path, sizeof path));
    rootfs_close(&rootfs);
}

static void what_is_no_folder_is_refused(void **state)
{
    (void)state;
    struct rootfs rootfs;
    char path[128];
    path_of("usr/bin/python3", path);
    assert_int_equal(rootfs_open(path, &rootfs), -ENOTDIR);
    path_of("none", path);
    assert_int_equal(rootfs_open(path, &rootfs), -ENOENT);
}

// R-GRANT-014
static void a_folder_of_the_root_gives_way_to_what_is_not_in_it(void **state)
{
    (void)state;
    struct rootfs rootfs;
    char path[128];
    path_of("home", path);
    assert_int_equal(mkdir(path, 0755), 0);
    path_of("home/there", path);
    assert_int_equal(mkdir(path, 0755), 0);
    assert_int_equal(rootfs_open(root, &rootfs), 0);
    const char *home = NULL;
    const char *etc = NULL;
    for (size_t i = 0; i < rootfs.count; i++) {
        home = strcmp(rootfs.targets[i], "/home") == 0 ? rootfs.targets[i] : home;
        etc = strcmp(rootfs.targets[i], "/etc") == 0 ? rootfs.targets[i] : etc;
    }
    assert_true(rootfs_blocks(&rootfs, home, "/home/me/model.py"));
    assert_false(rootfs_blocks(&rootfs, home, "/home/there"));
    assert_false(rootfs_blocks(&rootfs, home, "/homes/me"));
    assert_false(rootfs_blocks(&rootfs, "/home", "/home/me/model.py"));
    // Without its settings or programs a root is none.
    assert_false(rootfs_blocks(&rootfs, etc, "/etc/own"));
    rootfs_close(&rootfs);
    assert_int_equal(rmdir(path), 0);
    path_of("home", path);
    assert_int_equal(rmdir(path), 0);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        CASE(folders_are_shown_but_for_those_that_a_sandbox_makes),
        CASE(programs_are_found_in_the_folders_of_the_root),
        CASE(what_is_no_folder_is_refused),
        CASE(a_folder_of_the_root_gives_way_to_what_is_not_in_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

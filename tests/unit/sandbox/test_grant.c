// SPDX-License-Identifier: Apache-2.0
// What a graph may grant, and with whose rights it is found.
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
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "sandbox/grant.h"

#define NOBODY 65534

static char folder[64];
static struct grant_set set;

static void put(const char *name, mode_t mode)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    auto_fd int fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, mode);
    assert_true(fd >= 0);
}

static bool is_there(const char *name)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return access(path, F_OK) == 0;
}

static int set_up(void **state)
{
    (void)state;
    snprintf(folder, sizeof folder, "/tmp/sb-grant-XXXXXX");
    grant_set_init(&set);
    if (mkdtemp(folder) == NULL || chmod(folder, 0755) != 0) {
        return -1;
    }
    put("file", 0600);
    char link[128];
    snprintf(link, sizeof link, "%s/link", folder);
    return symlink("file", link);
}

static int tear_down(void **state)
{
    (void)state;
    grant_set_fini(&set);
    static const char *const names[] = {"file", "link", "made", "folder", "process", ""};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char path[128];
        snprintf(path, sizeof path, "%s/%s", folder, names[i]);
        remove(path);
    }
    return 0;
}

static void expect_refused(enum grant grant, const char *path, int error, const char *why)
{
    const char *said = NULL;
    size_t count = set.count;
    assert_int_equal(grant_add_path(&set, grant, folder, path, true, &said), error);
    assert_non_null(said);
    assert_string_equal(said, why);
    assert_int_equal(set.count, count);
}

// R-GRANT-003
static void a_path_begins_at_the_folder_of_the_graph_and_keeps_its_name(void **state)
{
    (void)state;
    const char *why = NULL;
    char expected[128];
    assert_int_equal(grant_add_path(&set, GRANT_READ, folder, "./link", false, &why), 0);
    snprintf(expected, sizeof expected, "%s/link", folder);
    assert_string_equal(set.items[0].target, expected);
    assert_int_equal(set.items[0].kind, SANDBOX_BIND_READ);
    struct stat granted;
    struct stat file;
    snprintf(expected, sizeof expected, "%s/file", folder);
    assert_int_equal(fstat(set.items[0].fd, &granted), 0);
    assert_int_equal(stat(expected, &file), 0);
    assert_int_equal(granted.st_ino, file.st_ino);

    assert_int_equal(grant_add_path(&set, GRANT_READ, folder, "../..//usr/./lib", false, &why), 0);
    assert_string_equal(set.items[1].target, "/usr/lib");
}

// R-GRANT-004
static void what_is_missing_is_refused_unless_it_is_a_file_to_write(void **state)
{
    (void)state;
    expect_refused(GRANT_READ, "none", -ENOENT, "does not exist");
    expect_refused(GRANT_READ, "file/none", -ENOTDIR, "leads through something that is no folder");
    expect_refused(GRANT_WRITE, "none/made", -ENOENT, "cannot be made: its folder does not exist");
    const char *why = NULL;
    assert_int_equal(grant_add_path(&set, GRANT_WRITE, folder, "made", false, &why), 0);
    assert_true(set.items[0].is_new);
    assert_int_equal(set.items[0].fd, -1);
    assert_false(is_there("made"));
    assert_int_equal(grant_add_path(&set, GRANT_WRITE, folder, "made", true, &why), 0);
    assert_true(set.items[1].fd >= 0);
    assert_true(is_there("made"));
    assert_int_equal(grant_add_path(&set, GRANT_WRITE, folder, "folder/", true, &why), 0);
    struct stat info;
    assert_int_equal(fstat(set.items[2].fd, &info), 0);
    assert_true(S_ISDIR(info.st_mode));
}

// R-GRANT-005
static void nobody_grants_what_he_may_not_do_himself(void **state)
{
    (void)state;
    if (geteuid() != 0) {
        print_message("skipped: root makes what another user may not read\n");
        skip();
    }
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        const char *why = "";
        int failed = setresuid(NOBODY, NOBODY, NOBODY);
        failed = failed != 0 ||
                 grant_add_path(&set, GRANT_READ, folder, "file", true, &why) != -EACCES ||
                 strcmp(why, "is closed to you") != 0 ||
                 grant_add_path(&set, GRANT_WRITE, folder, "made", true, &why) != -EACCES ||
                 strcmp(why, "cannot be made: its folder is closed to you") != 0;
        _exit(failed);
    }
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    assert_false(is_there("made"));
}

// R-GRANT-006
static void everything_processes_and_devices_are_never_granted_as_paths(void **state)
{
    (void)state;
    expect_refused(GRANT_READ, "/", -EINVAL, "is everything; name the folders that it needs");
    expect_refused(GRANT_READ, "../../../../../..", -EINVAL,
                   "is everything; name the folders that it needs");
    expect_refused(GRANT_READ, "/proc/self", -EINVAL, "is about processes, which no worker sees");
    expect_refused(GRANT_WRITE, "/dev/mem", -EINVAL, "is a device; write it in devices");
    expect_refused(GRANT_READ, "", -EINVAL, "is empty; name a file or folder");
    char link[128];
    snprintf(link, sizeof link, "%s/process", folder);
    assert_int_equal(symlink("/proc/self/root/etc", link), 0);
    expect_refused(GRANT_READ, "process/passwd", -ELOOP,
                   "is a link that leads nowhere, or into a process");
}

static void a_root_is_a_folder_and_no_bind(void **state)
{
    (void)state;
    expect_refused(GRANT_ROOTFS, "file", -ENOTDIR, "is no folder");
    const char *why = NULL;
    assert_int_equal(grant_add_path(&set, GRANT_ROOTFS, folder, ".", false, &why), 0);
    struct sandbox_plan plan = {.rootfs_fd = -1};
    assert_int_equal(grant_fill(&set, &plan), 0);
    assert_int_equal(plan.bind_count, 0);
    assert_int_equal(set.count, 1);
}

// R-GRANT-007
static void a_word_adds_what_the_table_says_and_the_machine_has(void **state)
{
    (void)state;
    setenv("XDG_RUNTIME_DIR", folder, 1);
    setenv("WAYLAND_DISPLAY", "file", 1);
    setenv("DISPLAY", ":7", 1);
    unsetenv("XAUTHORITY");
    assert_int_equal(grant_add_word(&set, GRANT_NETWORK), 0);
    assert_int_equal(set.flags, SANDBOX_GRANT_NETWORK);
    assert_int_equal(grant_add_word(&set, GRANT_DISPLAY), 0);
    char socket[128];
    snprintf(socket, sizeof socket, "%s/file", folder);
    bool is_found = false;
    for (size_t i = 0; i < set.count; i++) {
        is_found = is_found || strcmp(set.items[i].target, socket) == 0;
    }
    assert_true(is_found);
    assert_int_equal(set.variable_count, 3);
    assert_string_equal(set.variables[0], "DISPLAY=:7");
    struct sandbox_plan plan = {.rootfs_fd = -1};
    assert_int_equal(grant_fill(&set, &plan), 0);
    assert_int_equal(plan.bind_count, set.count);
    assert_int_equal(plan.grants, SANDBOX_GRANT_NETWORK | SANDBOX_GRANT_DISPLAY);
}

static void a_device_is_a_character_device_below_dev(void **state)
{
    (void)state;
    const char *why = NULL;
    assert_int_equal(grant_add_device(&set, "/dev/null", &why), 0);
    assert_int_equal(set.items[0].kind, SANDBOX_BIND_DEVICE);
    assert_int_equal(grant_add_device(&set, "/dev/none", &why), -ENOENT);
    assert_int_equal(grant_add_device(&set, "/dev", &why), -EINVAL);
    assert_int_equal(grant_add_device(&set, "/etc/passwd", &why), -EINVAL);
    assert_int_equal(grant_add_device(&set, "/dev/../etc/passwd", &why), -EINVAL);
    assert_int_equal(grant_add_device(&set, "dev/null", &why), -EINVAL);
}

static void every_word_of_the_table_is_found_again(void **state)
{
    (void)state;
    for (int i = 0; i < GRANTS_COUNT; i++) {
        assert_int_equal(grant_find(grant_word((enum grant)i)), i);
        assert_true(grant_meaning((enum grant)i)[0] != '\0');
    }
    assert_int_equal(grant_find("everything"), GRANTS_COUNT);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        CASE(a_path_begins_at_the_folder_of_the_graph_and_keeps_its_name),
        CASE(what_is_missing_is_refused_unless_it_is_a_file_to_write),
        CASE(nobody_grants_what_he_may_not_do_himself),
        CASE(everything_processes_and_devices_are_never_granted_as_paths),
        CASE(a_root_is_a_folder_and_no_bind),
        CASE(a_word_adds_what_the_table_says_and_the_machine_has),
        CASE(a_device_is_a_character_device_below_dev),
        CASE(every_word_of_the_table_is_found_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

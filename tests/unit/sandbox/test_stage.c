// SPDX-License-Identifier: Apache-2.0
// What another user can do with what was handed to it, and what its owner finds afterwards.
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
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
#include "sandbox/stage.h"

#define WORKER 60999
#define OWNER 12345
#define EXIT_NOT_STAGED 90

static char home[64];

static void path_of(const char *name, char out[128])
{
    snprintf(out, 128, "%s/%s", home, name);
}

static void put(const char *name, const char *text, mode_t mode, uid_t owner)
{
    char path[128];
    path_of(name, path);
    auto_fd int fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, mode);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    assert_int_equal(fchmod(fd, mode), 0);
    assert_int_equal(fchown(fd, owner, owner), 0);
}

static void expect(const char *name, const char *text, mode_t mode, uid_t owner)
{
    char path[128];
    char bytes[64];
    path_of(name, path);
    auto_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    ssize_t got = read(fd, bytes, sizeof bytes - 1);
    assert_true(got >= 0);
    bytes[got] = '\0';
    assert_string_equal(bytes, text);
    struct stat info;
    assert_int_equal(fstat(fd, &info), 0);
    assert_int_equal(info.st_mode & 07777, mode);
    assert_int_equal(info.st_uid, owner);
    assert_int_equal(info.st_gid, owner);
}

// A home that only its owner may enter, as root's is.
static int set_up(void **state)
{
    (void)state;
    snprintf(home, sizeof home, "/tmp/sb-stage-XXXXXX");
    if (mkdtemp(home) == NULL) {
        return -1;
    }
    put("file", "secret", 0600, OWNER);
    put("other", "not granted", 0600, OWNER);
    char path[128];
    path_of("folder", path);
    return mkdir(path, 0700) == 0 && chown(path, OWNER, OWNER) == 0 ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    static const char *const names[] = {"file", "other", "folder/made", "folder", ""};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char path[128];
        path_of(names[i], path);
        remove(path);
    }
    return 0;
}

typedef int (*inside_fn)(int fd);

// As the worker's user, with one thing staged; the exit status is what inside() returned.
static int as_worker(const char *name, bool is_mapped, inside_fn inside)
{
    char path[128];
    path_of(name, path);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        const struct stage_item item = {
            .fd = open(path, O_PATH | O_CLOEXEC), .is_mapped = is_mapped, .is_needed = is_mapped};
        size_t index;
        if (stage_enter(&item, 1, 0, WORKER, &index) != 0 || setgroups(0, NULL) != 0 ||
            setresgid(WORKER, WORKER, WORKER) != 0 || setresuid(WORKER, WORKER, WORKER) != 0) {
            _exit(EXIT_NOT_STAGED);
        }
        _exit(inside(item.fd));
    }
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

// The descriptor is O_PATH: what matters is opening it anew, as bwrap and the worker do.
static int reopen(int fd, int flags)
{
    char link[64];
    char path[128];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length < 0) {
        return -1;
    }
    path[length] = '\0';
    return open(path, flags | O_CLOEXEC);
}

static int read_it(int fd)
{
    char bytes[16] = "";
    int opened = reopen(fd, O_RDONLY);
    return opened < 0 ? errno : read(opened, bytes, 6) == 6 && strcmp(bytes, "secret") == 0 ? 0 : 1;
}

static int write_it(int fd)
{
    int opened = reopen(fd, O_WRONLY | O_TRUNC);
    return opened < 0 ? errno : write(opened, "new", 3) == 3 ? 0 : 1;
}

static int make_in_it(int fd)
{
    int folder = reopen(fd, O_RDONLY | O_DIRECTORY);
    int made = folder < 0 ? -1 : openat(folder, "made", O_CREAT | O_WRONLY | O_CLOEXEC, 0640);
    return made < 0 ? errno : write(made, "made", 4) == 4 ? 0 : 1;
}

static int read_its_neighbour(int fd)
{
    (void)fd;
    char path[128];
    path_of("other", path);
    return open(path, O_RDONLY | O_CLOEXEC) < 0 ? errno : 0;
}

static int give_it_away(int fd)
{
    int opened = reopen(fd, O_RDONLY);
    return opened < 0 ? 1 : fchown(opened, 0, 0) == 0 ? 2 : 0;
}

// R-GRANT-001
static void a_file_below_a_closed_folder_is_read_by_the_worker_and_nothing_beside_it(void **state)
{
    (void)state;
    assert_int_equal(as_worker("file", true, read_it), 0);
    assert_int_equal(as_worker("file", true, read_its_neighbour), EACCES);
    assert_int_equal(as_worker("file", true, give_it_away), 0);
    expect("file", "secret", 0600, OWNER);
}

static void without_the_mapping_the_file_is_reached_and_not_opened(void **state)
{
    (void)state;
    assert_int_equal(as_worker("file", false, read_it), EACCES);
}

// R-GRANT-002
static void what_the_worker_writes_belongs_to_the_owner_of_the_place(void **state)
{
    (void)state;
    assert_int_equal(as_worker("file", true, write_it), 0);
    expect("file", "new", 0600, OWNER);
    assert_int_equal(as_worker("folder", true, make_in_it), 0);
    mode_t mask = umask(0);
    umask(mask);
    expect("folder/made", "made", 0640 & ~mask, OWNER);
}

// R-GRANT-002
static void nothing_of_it_is_seen_outside(void **state)
{
    (void)state;
    char before[1 << 16];
    char after[1 << 16];
    for (int i = 0; i < 2; i++) {
        auto_file FILE *file = fopen("/proc/self/mountinfo", "re");
        assert_non_null(file);
        char *text = i == 0 ? before : after;
        text[fread(text, 1, sizeof before - 1, file)] = '\0';
        if (i == 0) {
            assert_int_equal(as_worker("file", true, write_it), 0);
        }
    }
    assert_string_equal(before, after);
}

static void a_try_changes_nothing_here(void **state)
{
    (void)state;
    char before[4096];
    char after[4096];
    ssize_t length = readlink("/proc/self/ns/mnt", before, sizeof before - 1);
    assert_true(length > 0);
    before[length] = '\0';
    assert_int_equal(stage_try(WORKER), 0);
    length = readlink("/proc/self/ns/mnt", after, sizeof after - 1);
    assert_true(length > 0);
    after[length] = '\0';
    assert_string_equal(before, after);
}

static void an_item_that_is_no_descriptor_is_named(void **state)
{
    (void)state;
    const struct stage_item items[] = {{.fd = open("/tmp", O_PATH | O_CLOEXEC)}, {.fd = -1}};
    size_t index = 9;
    assert_int_equal(stage_enter(items, 2, 0, WORKER, &index), -EBADF);
    assert_int_equal(index, 1);
    close(items[0].fd);
}

int main(void)
{
    if (geteuid() != 0) {
        print_message("skipped: only root gives files to another user\n");
        return 77;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            a_file_below_a_closed_folder_is_read_by_the_worker_and_nothing_beside_it, set_up,
            tear_down),
        cmocka_unit_test_setup_teardown(without_the_mapping_the_file_is_reached_and_not_opened,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_the_worker_writes_belongs_to_the_owner_of_the_place,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(nothing_of_it_is_seen_outside, set_up, tear_down),
        cmocka_unit_test(a_try_changes_nothing_here),
        cmocka_unit_test_setup_teardown(an_item_that_is_no_descriptor_is_named, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

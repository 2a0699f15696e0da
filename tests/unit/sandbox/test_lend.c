// SPDX-License-Identifier: Apache-2.0
// Owners that change for a while, on real files. R-GRANT-020
#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <signal.h>
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
#include "sandbox/lend.h"

enum { OWNER = 12345, GROUP = 12346, STRANGER = 12347, WORKER = 60588 };

static char top[64];
static char records[96];

static const char *path_of(const char *name)
{
    static char path[160];
    snprintf(path, sizeof path, "%s/%s", top, name);
    return path;
}

static void make_file(const char *name, uid_t owner, mode_t mode)
{
    auto_fd int fd = open(path_of(name), O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(fchown(fd, owner, GROUP), 0);
    assert_int_equal(fchmod(fd, mode), 0);
}

static void make_folder(const char *name)
{
    assert_int_equal(mkdir(path_of(name), 0700), 0);
    assert_int_equal(chown(path_of(name), OWNER, GROUP), 0);
}

static struct stat look(const char *name)
{
    struct stat info;
    assert_int_equal(lstat(path_of(name), &info), 0);
    return info;
}

static int set_up(void **state)
{
    (void)state;
    if (geteuid() != 0) {
        print_message("skipped: only root changes owners\n");
        exit(77);
    }
    snprintf(top, sizeof top, "/tmp/sb-lend-XXXXXX");
    if (mkdtemp(top) == NULL) {
        return -1;
    }
    snprintf(records, sizeof records, "%s/run/lent", top);
    lend_set_folder(records);
    make_folder("place");
    make_folder("place/below");
    make_file("place/one", OWNER, 0640);
    make_file("place/below/two", OWNER, 0600);
    make_file("place/stranger", STRANGER, 0600);
    make_file("place/special", OWNER, 04755);
    make_file("outside", OWNER, 0600);
    return 0;
}

static int remove_one(const char *path, const struct stat *info, int type, struct FTW *where)
{
    (void)info;
    (void)type;
    (void)where;
    return remove(path);
}

static int tear_down(void **state)
{
    (void)state;
    return nftw(top, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static void begin(struct lend *lend)
{
    auto_fd int fd = open(path_of("place"), O_PATH | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(lend_open(fd, path_of("place"), 0, WORKER, lend), 0);
}

static void assert_as_before(void)
{
    static const char *const names[] = {"place", "place/below", "place/one", "place/below/two",
                                        "place/special"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        assert_int_equal(look(names[i]).st_uid, OWNER);
        assert_int_equal(look(names[i]).st_gid, GROUP);
    }
    assert_int_equal(look("place/one").st_mode & 07777, 0640);
    assert_int_equal(look("place/special").st_mode & 07777, 04755);
    assert_int_equal(look("place/stranger").st_uid, STRANGER);
    assert_int_equal(look("outside").st_uid, OWNER);
}

static void what_the_owner_has_is_the_workers_and_comes_back_with_what_it_made(void **state)
{
    (void)state;
    struct lend lend;
    begin(&lend);
    assert_as_before();
    assert_int_equal(lend_give(&lend), 0);
    assert_int_equal(look("place").st_uid, WORKER);
    assert_int_equal(look("place/one").st_uid, WORKER);
    assert_int_equal(look("place/one").st_mode & 07777, 0640);
    assert_int_equal(look("place/below/two").st_uid, WORKER);
    // Not those of others, and none that the change would damage.
    assert_int_equal(look("place/stranger").st_uid, STRANGER);
    assert_int_equal(look("place/special").st_uid, OWNER);
    make_file("place/made", WORKER, 0644);
    assert_int_equal(chown(path_of("place/made"), WORKER, WORKER), 0);
    assert_int_equal(lend_take_back(&lend), 0);
    assert_as_before();
    assert_int_equal(look("place/made").st_uid, OWNER);
    assert_int_equal(look("place/made").st_gid, GROUP);
    assert_int_equal(access(records, F_OK), 0);
    lend_close(&lend);
    assert_int_equal(access(records, F_OK), -1);
}

static void a_link_to_the_outside_is_not_followed(void **state)
{
    (void)state;
    struct lend lend;
    char target[160];
    snprintf(target, sizeof target, "%s", path_of("outside"));
    assert_int_equal(symlink(target, path_of("place/link")), 0);
    assert_int_equal(lchown(path_of("place/link"), OWNER, GROUP), 0);
    begin(&lend);
    assert_int_equal(lend_give(&lend), 0);
    assert_int_equal(look("outside").st_uid, OWNER);
    assert_int_equal(look("place/link").st_uid, WORKER);
    // The worker may have put one there as well.
    assert_int_equal(chown(target, WORKER, GROUP), 0);
    assert_int_equal(lend_take_back(&lend), 0);
    assert_int_equal(look("outside").st_uid, WORKER);
    assert_int_equal(chown(target, OWNER, GROUP), 0);
    lend_close(&lend);
    assert_as_before();
}

// Lends, and waits for its death.
static pid_t lend_in_a_process(int *out_fd)
{
    int ends[2];
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    pid_t pid = fork();
    if (pid == 0) {
        struct lend lend;
        begin(&lend);
        char byte = (char)('0' + (lend_give(&lend) == 0));
        (void)!write(ends[1], &byte, 1);
        for (;;) {
            pause();
        }
    }
    close(ends[1]);
    *out_fd = ends[0];
    char byte = 0;
    assert_int_equal(read(ends[0], &byte, 1), 1);
    assert_int_equal(byte, '1');
    return pid;
}

static void what_a_launcher_that_was_killed_had_lent_is_given_back_by_the_next(void **state)
{
    (void)state;
    auto_fd int fd = -1;
    pid_t pid = lend_in_a_process(&fd);
    assert_int_equal(lend_sweep(), 0);
    assert_int_equal(look("place/one").st_uid, WORKER);
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    assert_int_equal(lend_sweep(), 1);
    assert_as_before();
    assert_int_equal(access(records, F_OK), -1);
    assert_int_equal(lend_sweep(), 0);
}

static void another_file_in_its_place_is_left_alone(void **state)
{
    (void)state;
    auto_fd int fd = -1;
    pid_t pid = lend_in_a_process(&fd);
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    char moved[160];
    snprintf(moved, sizeof moved, "%s", path_of("moved"));
    assert_int_equal(rename(path_of("place"), moved), 0);
    assert_int_equal(mkdir(path_of("place"), 0700), 0);
    make_file("place/one", WORKER, 0600);
    assert_int_equal(lend_sweep(), 0);
    assert_int_equal(look("place/one").st_uid, WORKER);
    assert_int_equal(access(records, F_OK), -1);
}

static void records_that_others_could_write_are_not_read(void **state)
{
    (void)state;
    auto_fd int fd = -1;
    pid_t pid = lend_in_a_process(&fd);
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    assert_int_equal(chmod(records, 0777), 0);
    assert_int_equal(lend_sweep(), 0);
    assert_int_equal(look("place/one").st_uid, WORKER);
    assert_int_equal(chmod(records, 0700), 0);
    assert_int_equal(lend_sweep(), 1);
    assert_as_before();
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(what_the_owner_has_is_the_workers_and_comes_back_with_what_it_made),
        TEST(a_link_to_the_outside_is_not_followed),
        TEST(what_a_launcher_that_was_killed_had_lent_is_given_back_by_the_next),
        TEST(another_file_in_its_place_is_left_alone),
        TEST(records_that_others_could_write_are_not_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

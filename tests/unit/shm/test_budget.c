// SPDX-License-Identifier: Apache-2.0
// How much shared memory may be had, before it is asked for.
// test: timeout=60
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fd.h"
#include "shm/budget.h"

#define MIB (UINT64_C(1) << 20)

static const struct budget_machine plenty = {
    .total_bytes = 1000 * MIB, .available_bytes = 800 * MIB, .cgroup_free_bytes = BUDGET_UNLIMITED};

// R-MEM-003 R-MEM-005
static void a_refusal_says_what_is_needed_what_there_is_and_what_bounds_it(void **state)
{
    (void)state;
    const struct {
        uint64_t limit;
        uint64_t promised;
        uint64_t available;
        uint64_t in_cgroup;
        uint64_t pending;
        uint64_t expected;
        const char *bound;
    } rows[] = {
        {100 * MIB, 0, 800 * MIB, BUDGET_UNLIMITED, 0, 100 * MIB, "limits.shared_memory"},
        {150 * MIB, 60 * MIB, 800 * MIB, 900 * MIB, 0, 90 * MIB, "limits.shared_memory"},
        {50 * MIB, 60 * MIB, 800 * MIB, 900 * MIB, 0, 0, "limits.shared_memory"},
        {BUDGET_UNLIMITED, 0, 80 * MIB, BUDGET_UNLIMITED, 0, 80 * MIB, "MemAvailable"},
        {BUDGET_UNLIMITED, 0, 180 * MIB, 900 * MIB, 100 * MIB, 80 * MIB, "MemAvailable"},
        {BUDGET_UNLIMITED, 0, 800 * MIB, 90 * MIB, 0, 90 * MIB, "memory cgroup"},
        {BUDGET_UNLIMITED, 0, 800 * MIB, 90 * MIB, 100 * MIB, 0, "memory cgroup"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct budget budget = {rows[i].limit, rows[i].promised};
        const struct budget_machine machine = {1000 * MIB, rows[i].available, rows[i].in_cgroup};
        struct budget_refusal refusal;
        assert_int_equal(
            budget_reserve(&budget, &machine, 100 * MIB + 1, rows[i].pending, &refusal), -ENOMEM);
        assert_int_equal(refusal.needed_bytes, 100 * MIB + 1);
        assert_int_equal(refusal.available_bytes, rows[i].expected);
        assert_string_equal(refusal.bound, rows[i].bound);
        assert_int_equal(budget.promised_bytes, rows[i].promised);
    }
}

static void what_is_reserved_is_not_there_a_second_time(void **state)
{
    (void)state;
    struct budget budget = {100 * MIB, 0};
    struct budget_refusal refusal;
    assert_int_equal(budget_reserve(&budget, &plenty, 60 * MIB, 0, &refusal), 0);
    assert_int_equal(budget_reserve(&budget, &plenty, 60 * MIB, 0, &refusal), -ENOMEM);
    assert_int_equal(budget_reserve(&budget, &plenty, 40 * MIB, 0, &refusal), 0);
    assert_int_equal(budget_reserve(&budget, &plenty, 1, 0, &refusal), -ENOMEM);
    budget_release(&budget, 60 * MIB);
    assert_int_equal(budget.promised_bytes, 40 * MIB);
    budget_release(&budget, 99 * MIB);
    assert_int_equal(budget.promised_bytes, 0);
}

static void sizes_at_the_end_of_their_range_do_not_wrap(void **state)
{
    (void)state;
    struct budget budget = {100 * MIB, 50 * MIB};
    struct budget_refusal refusal;
    assert_int_equal(budget_reserve(&budget, &plenty, UINT64_MAX, 0, &refusal), -ENOMEM);
    assert_int_equal(budget_reserve(&budget, &plenty, UINT64_MAX - 1, UINT64_MAX, &refusal),
                     -ENOMEM);
    assert_int_equal(budget.promised_bytes, 50 * MIB);
}

static void the_machine_has_memory(void **state)
{
    (void)state;
    struct budget_machine machine;
    assert_int_equal(budget_read_machine(&machine), 0);
    assert_true(machine.total_bytes > MIB && machine.total_bytes < BUDGET_UNLIMITED);
    assert_true(machine.available_bytes > MIB && machine.available_bytes < BUDGET_UNLIMITED);
}

static bool write_text(const char *folder, const char *name, const char *text)
{
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    bool is_written = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);
    if (fd >= 0) {
        close(fd);
    }
    return is_written;
}

// Makes a memory cgroup of 64 MiB below our own. NULL: why it cannot be made is printed.
static const char *make_cgroup(void)
{
    static char folder[PATH_MAX];
    const struct {
        const char *root;
        const char *limit;
    } kinds[] = {{"/sys/fs/cgroup/memory", "memory.limit_in_bytes"},
                 {"/sys/fs/cgroup", "memory.max"}};
    for (size_t i = 0; i < 2; i++) {
        snprintf(folder, sizeof folder, "%s/sb-test-budget-%d", kinds[i].root, (int)getpid());
        if (mkdir(folder, 0755) == 0) {
            if (write_text(folder, kinds[i].limit, "67108864")) {
                return folder;
            }
            rmdir(folder);
        }
    }
    printf("skipped: no memory cgroup can be made here (it takes root and a cgroup file system)\n");
    return NULL;
}

#define REQUIRE(condition)                                                                         \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);                        \
            _exit(1);                                                                              \
        }                                                                                          \
    } while (0)

static void fill_cache(uint64_t size_bytes)
{
    struct statfs info;
    if (statfs(".", &info) == 0 && info.f_type == TMPFS_MAGIC) {
        printf("the build folder is memory: the cache of files is not tested\n");
        return;
    }
    char path[] = "budget-cache-XXXXXX";
    int fd = mkstemp(path);
    REQUIRE(fd >= 0 && unlink(path) == 0);
    static char block[MIB];
    memset(block, 1, sizeof block);
    for (uint64_t i = 0; i < size_bytes / MIB; i++) {
        REQUIRE(write(fd, block, sizeof block) == (ssize_t)sizeof block);
    }
    REQUIRE(fsync(fd) == 0);
}

static _Noreturn void look_from_inside(const char *folder)
{
    struct budget_machine machine;
    struct budget budget = {BUDGET_UNLIMITED, 0};
    struct budget_refusal refusal;
    REQUIRE(write_text(folder, "cgroup.procs", "0"));
    REQUIRE(budget_read_machine(&machine) == 0);
    REQUIRE(machine.total_bytes == 64 * MIB);
    REQUIRE(machine.cgroup_free_bytes <= 64 * MIB && machine.cgroup_free_bytes > 40 * MIB);
    REQUIRE(budget_reserve(&budget, &machine, 128 * MIB, 0, &refusal) == -ENOMEM);
    REQUIRE(strcmp(refusal.bound, "memory cgroup") == 0);
    REQUIRE(refusal.needed_bytes == 128 * MIB);
    REQUIRE(refusal.available_bytes == machine.cgroup_free_bytes);
    // What the cache of files takes is given up for us.
    fill_cache(48 * MIB);
    REQUIRE(budget_read_machine(&machine) == 0);
    REQUIRE(machine.cgroup_free_bytes > 40 * MIB);
    // What a process has is not.
    volatile char *memory = malloc(32 * MIB);
    REQUIRE(memory != NULL);
    for (uint64_t i = 0; i < 32 * MIB; i += 4096) {
        memory[i] = 1;
    }
    REQUIRE(budget_read_machine(&machine) == 0);
    REQUIRE(machine.cgroup_free_bytes < 32 * MIB);
    _exit(0);
}

// R-MEM-003 R-MEM-004
static void a_memory_cgroup_bounds_what_there_is(void **state)
{
    (void)state;
#ifdef SB_SANITIZE_NAME
    printf("skipped: the sanitizer's own memory does not fit into the cgroup\n");
    skip();
#else
    const char *folder = make_cgroup();
    if (folder == NULL) {
        skip();
    }
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        look_from_inside(folder);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    rmdir(folder);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
#endif
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_refusal_says_what_is_needed_what_there_is_and_what_bounds_it),
        cmocka_unit_test(what_is_reserved_is_not_there_a_second_time),
        cmocka_unit_test(sizes_at_the_end_of_their_range_do_not_wrap),
        cmocka_unit_test(the_machine_has_memory),
        cmocka_unit_test(a_memory_cgroup_bounds_what_there_is),
    };
    return cmocka_run_group_tests_name("budget", tests, NULL, NULL);
}

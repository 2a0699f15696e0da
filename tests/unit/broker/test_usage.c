// SPDX-License-Identifier: Apache-2.0
// CPU time and memory are those of a whole process tree.
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "broker/lives/usage.h"

#define BYTES (UINT64_C(32) << 20)

static int64_t cpu_now_ns(void)
{
    struct timespec time;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return time.tv_sec * CLOCK_NS_PER_S + time.tv_nsec;
}

// A process that used 50 ms of CPU time and wrote to 32 MiB, says so, and waits to be ended.
static void be_a_worker(int ready_fd)
{
    void *bytes = mmap(NULL, BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (bytes == MAP_FAILED) {
        _exit(1);
    }
    memset(bytes, 7, BYTES);
    while (cpu_now_ns() < 50 * CLOCK_NS_PER_MS) {
    }
    if (write(ready_fd, "r", 1) != 1) {
        _exit(1);
    }
    pause();
    _exit(0);
}

static void what_a_child_uses_counts_for_its_parent(void **state)
{
    (void)state;
    int ready[2];
    assert_int_equal(pipe(ready), 0);
    struct usage before = usage_read(getpid());
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        be_a_worker(ready[1]);
    }
    char byte;
    assert_int_equal(read(ready[0], &byte, 1), 1);
    struct usage of_child = usage_read(child);
    struct usage of_both = usage_read(getpid());
    kill(child, SIGKILL);
    assert_int_equal(waitpid(child, NULL, 0), child);
    close(ready[0]);
    close(ready[1]);
    assert_int_equal(before.process_count, 1);
    assert_int_equal(of_child.process_count, 1);
    assert_int_equal(of_both.process_count, 2);
    assert_true(of_child.cpu_ns >= 50 * CLOCK_NS_PER_MS);
    assert_true(of_child.memory_bytes >= BYTES);
    assert_true(of_both.cpu_ns >= before.cpu_ns + of_child.cpu_ns);
    assert_true(of_both.memory_bytes >= of_child.memory_bytes);
}

static void a_process_that_is_gone_uses_nothing(void **state)
{
    (void)state;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        _exit(0);
    }
    assert_int_equal(waitpid(child, NULL, 0), child);
    struct usage gone = usage_read(child);
    assert_int_equal(gone.cpu_ns, 0);
    assert_int_equal(gone.memory_bytes, 0);
    assert_int_equal(usage_read(0).process_count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_a_child_uses_counts_for_its_parent),
        cmocka_unit_test(a_process_that_is_gone_uses_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

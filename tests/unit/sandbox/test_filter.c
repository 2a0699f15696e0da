// SPDX-License-Identifier: Apache-2.0
// Compiled policies, tried in a process of their own: what is refused, with which error, and what
// is not. R-SAND-006 R-SAND-007
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/futex.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "sandbox/filter.h"
#include "sandbox/plan.h"

#define CASE(name) cmocka_unit_test(name)
#define CLONE3 435

static uint32_t word;

static long try_exec_page(void)
{
    void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return mprotect(page, 4096, PROT_READ | PROT_EXEC);
}

static long try_mapping(int protection, int flags)
{
    return mmap(NULL, 4096, protection, flags | MAP_ANONYMOUS, -1, 0) == MAP_FAILED ? -1 : 0;
}

// Each returns as a system call does; the table below says what is expected under which policy.
static long attempt(unsigned number)
{
    switch (number) {
    case 0:
        return ptrace(PTRACE_TRACEME, 0, NULL, NULL);
    case 1:
        return unshare(CLONE_NEWUSER);
    case 2:
        return syscall(CLONE3, NULL, 0);
    case 3:
        return socket(AF_INET, SOCK_STREAM, 0);
    case 4:
        return socket(AF_UNIX, SOCK_STREAM, 0);
    case 5:
        return syscall(SYS_futex, &word, FUTEX_REQUEUE_PRIVATE, 1, 1, &word, 0);
    case 6:
        return syscall(SYS_futex, &word, FUTEX_CMP_REQUEUE, 1, 1, &word, 0);
    case 7:
        return syscall(SYS_futex, &word, FUTEX_WAKE_PRIVATE, 1);
    case 8:
        return try_exec_page();
    case 9:
        return try_mapping(PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE);
    case 10:
        return try_mapping(PROT_READ | PROT_EXEC, MAP_SHARED);
    case 11:
        return try_mapping(PROT_READ | PROT_WRITE, MAP_SHARED);
    case 12:
        return execve("/bin/true", (char *[]){(char *)(size_t) "true", NULL}, NULL);
    case 13:
        return ioctl(0, TIOCSTI, "x");
    case 14:
        return ioctl(0, (unsigned long)TIOCSTI | 1UL << 40, "x");
    case 15:
        return prlimit(0, RLIMIT_NOFILE, &(struct rlimit){10, 10}, NULL);
    case 16: {
        struct rlimit limit;
        return prlimit(0, RLIMIT_NOFILE, NULL, &limit);
    }
    case 17:
        return kill(getppid(), 0);
    case 18:
        return fcntl(0, F_SETOWN, getpid());
    case 19:
        return prctl(PR_SET_PDEATHSIG, 0, 0, 0, 0);
    case 20:
        return memfd_create("x", 0);
    case 21:
        return syscall(SYS_io_uring_setup, 1, NULL);
    case 22: {
        long pid = syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, NULL);
        if (pid == 0) {
            _exit(0);
        }
        return pid;
    }
    case 23:
        return syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, NULL, NULL, NULL, NULL);
    case 24:
        return socket(AF_NETLINK, SOCK_RAW, 7);
    default:
        return ioctl(0, 'd' << 8 | 1, NULL);
    }
}

// Which error attempt() gets, 0 = none, under c, python, vulkan with gpu, and c with the network.
static const struct {
    unsigned attempt;
    int c;
    int python;
    int vulkan;
    int network;
} expected[] = {
    {0, EPERM, EPERM, EPERM, EPERM},
    {1, EPERM, EPERM, EPERM, EPERM},
    {2, ENOSYS, ENOSYS, ENOSYS, ENOSYS},
    {3, EAFNOSUPPORT, EAFNOSUPPORT, EAFNOSUPPORT, 0},
    {4, EAFNOSUPPORT, EAFNOSUPPORT, EAFNOSUPPORT, 0},
    {5, ENOSYS, ENOSYS, ENOSYS, ENOSYS},
    {6, ENOSYS, ENOSYS, ENOSYS, ENOSYS},
    {7, 0, 0, 0, 0},
    {8, EACCES, 0, 0, EACCES},
    {9, ENOSYS, 0, 0, ENOSYS},
    {10, EPERM, 0, 0, EPERM},
    {11, EPERM, 0, 0, EPERM},
    {12, EPERM, EPERM, EPERM, EPERM},
    {13, ENOSYS, ENOSYS, ENOSYS, ENOSYS},
    {14, ENOSYS, ENOSYS, ENOSYS, ENOSYS},
    {15, ENOSYS, ENOSYS, ENOSYS, ENOSYS},
    {16, 0, 0, 0, 0},
    {17, EPERM, EPERM, EPERM, EPERM},
    {18, ENOSYS, ENOSYS, ENOSYS, ENOSYS},
    {19, ENOSYS, ENOSYS, ENOSYS, ENOSYS},
    {20, EPERM, 0, 0, EPERM},
    {21, EPERM, EPERM, EPERM, EPERM},
    {22, ENOSYS, 0, ENOSYS, ENOSYS},
    {23, ENOSYS, ENOSYS, ENOSYS, ENOSYS},
    {24, EAFNOSUPPORT, EAFNOSUPPORT, EAFNOSUPPORT, ENOSYS},
    {25, ENOSYS, ENOSYS, ENOTTY, ENOSYS},
};

// The error of one attempt under the policy, from a child whose exit status it is.
static int error_under(const char *policy, uint32_t grants, unsigned number)
{
    uint8_t *bytes = NULL;
    size_t count = 0;
    struct diag why = {.text = ""};
    int result = filter_compile(policy, grants, &bytes, &count, &why);
    if (result != 0) {
        print_error("%s\n", why.text);
    }
    assert_int_equal(result, 0);
    pid_t pid = fork();
    if (pid == 0) {
        int null = open("/dev/null", O_RDWR);
        dup2(null, 0);
        const struct sock_fprog program = {.len =
                                               (unsigned short)(count / sizeof(struct sock_filter)),
                                           .filter = (struct sock_filter *)(void *)bytes};
        if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
            syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) < 0) {
            _exit(255);
        }
        errno = 0;
        _exit(attempt(number) < 0 ? errno : 0);
    }
    free(bytes);
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void assert_error(const char *policy, uint32_t grants, unsigned number, int error)
{
    int got = error_under(policy, grants, number);
    if (got != error) {
        print_error("%s, grants %u: attempt %u got %s, not %s\n", policy, (unsigned)grants, number,
                    strerror(got), strerror(error));
    }
    assert_int_equal(got, error);
}

static void what_is_hostile_is_refused_and_what_is_needed_is_not(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++) {
        unsigned number = expected[i].attempt;
        assert_error("c", 0, number, expected[i].c);
        assert_error("python", 0, number, expected[i].python);
        assert_error("vulkan", SANDBOX_GRANT_GPU, number, expected[i].vulkan);
        assert_error("c", SANDBOX_GRANT_NETWORK, number, expected[i].network);
    }
}

static void a_display_opens_local_sockets_and_no_others(void **state)
{
    (void)state;
    assert_error("c", SANDBOX_GRANT_DISPLAY, 3, EAFNOSUPPORT);
    assert_error("c", SANDBOX_GRANT_DISPLAY, 4, 0);
}

static void every_set_of_grants_compiles(void **state)
{
    (void)state;
    static const char *const policies[] = {"c", "python", "vulkan", "jit"};
    for (size_t i = 0; i < sizeof policies / sizeof policies[0]; i++) {
        for (uint32_t grants = 0; grants < 32; grants++) {
            uint8_t *bytes = NULL;
            size_t count = 0;
            struct diag why = {.text = ""};
            assert_int_equal(filter_compile(policies[i], grants, &bytes, &count, &why), 0);
            assert_true(count > 0 && count % sizeof(struct sock_filter) == 0);
            free(bytes);
        }
    }
    uint8_t *bytes = NULL;
    size_t count = 0;
    struct diag why = {.text = ""};
    assert_int_equal(filter_compile("no-such", 0, &bytes, &count, &why), -ENOENT);
    assert_non_null(strstr(why.text, "no-such"));
    assert_null(bytes);
}

static void a_policy_is_compiled_once(void **state)
{
    (void)state;
    const uint8_t *bytes[3] = {NULL};
    size_t counts[3] = {0};
    struct diag why = {.text = ""};
    for (size_t i = 0; i < 3; i++) {
        uint32_t grants = i == 2 ? SANDBOX_GRANT_NETWORK : 0;
        assert_int_equal(filter_find("c", grants, &bytes[i], &counts[i], &why), 0);
    }
    assert_ptr_equal(bytes[0], bytes[1]);
    assert_true(bytes[2] != bytes[0]);
    assert_int_equal(filter_find("no-such", 0, &bytes[2], &counts[2], &why), -ENOENT);
}

static void a_call_is_named_with_its_architecture(void **state)
{
    (void)state;
    char name[FILTER_NAME_BYTES_MAX];
#if defined(__x86_64__)
    filter_name_call(AUDIT_ARCH_X86_64, 101, name);
    assert_string_equal(name, "ptrace");
    filter_name_call(AUDIT_ARCH_I386, 20, name);
    assert_string_equal(name, "getpid of i386");
    filter_name_call(AUDIT_ARCH_X86_64, 0x40000000 + 39, name);
    assert_string_equal(name, "getpid of x32");
#endif
    filter_name_call(AUDIT_ARCH_X86_64, 99999, name);
    assert_string_equal(name, "number 99999");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(what_is_hostile_is_refused_and_what_is_needed_is_not),
        CASE(a_display_opens_local_sockets_and_no_others),
        CASE(every_set_of_grants_compiles),
        CASE(a_policy_is_compiled_once),
        CASE(a_call_is_named_with_its_architecture),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

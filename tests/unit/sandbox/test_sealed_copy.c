// SPDX-License-Identifier: Apache-2.0
// The copy of a program: the same bytes, sealed, executable, within its bound.
#include <sys/mman.h>
#include <sys/wait.h>

#include "unit/sandbox/signing.h"

#include "sandbox/sealed_copy.h"

static int copy_of(const char *path, uint64_t size_max, int *out_memfd, uint64_t *out_size)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    int failed = sealed_copy(fd, size_max, out_memfd, out_size);
    close(fd);
    return failed;
}

static void the_copy_runs_and_cannot_be_changed(void **state)
{
    (void)state;
    int memfd = -1;
    uint64_t size_bytes = 0;
    assert_int_equal(copy_of("/bin/true", 1U << 24, &memfd, &size_bytes), 0);
    struct stat info;
    assert_int_equal(fstat(memfd, &info), 0);
    assert_int_equal(info.st_size, size_bytes);
    assert_int_equal(fcntl(memfd, F_GET_SEALS),
                     F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL);
    char path[32];
    snprintf(path, sizeof path, "/proc/self/fd/%d", memfd);
    int again = open(path, O_RDWR | O_CLOEXEC);
    if (again >= 0) {  // root, or the owner: opening is no right to write
        assert_int_equal(pwrite(again, "x", 1, 0), -1);
        assert_int_equal(ftruncate(again, 0), -1);
        close(again);
    }
    pid_t pid = fork();
    if (pid == 0) {
        char *const arguments[] = {(char[]){"true"}, NULL};
        char *const environment[] = {NULL};
        execveat(memfd, "", arguments, environment, AT_EMPTY_PATH);
        _exit(errno);
    }
    int status = 1;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    close(memfd);
}

static void a_file_longer_than_the_bound_is_refused(void **state)
{
    (void)state;
    char path[] = "/tmp/sealed-copy.XXXXXX";
    int fd = mkstemp(path);
    assert_int_equal(ftruncate(fd, 4096), 0);
    close(fd);
    int memfd = -1;
    uint64_t size_bytes = 0;
    assert_int_equal(copy_of(path, 4095, &memfd, &size_bytes), -EFBIG);
    assert_int_equal(memfd, -1);
    assert_int_equal(copy_of(path, 4096, &memfd, &size_bytes), 0);
    close(memfd);
    unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_copy_runs_and_cannot_be_changed),
        cmocka_unit_test(a_file_longer_than_the_bound_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

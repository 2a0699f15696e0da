// SPDX-License-Identifier: Apache-2.0
// Segments: whole from the start, and writable by exactly one process.
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
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "schemas/limits.h"
#include "shm/segment.h"

#define SIZE_BYTES 8192UL
#define CANARY 0x5a
#define NOBODY 65534

struct segment {
    int fd;
    uint64_t size_bytes;
};

static struct segment create(void)
{
    struct segment segment;
    segment.fd = segment_create("test", SIZE_BYTES, SEGMENT_NORMAL, &segment.size_bytes);
    assert_true(segment.fd >= 0);
    assert_int_equal(segment.size_bytes, SIZE_BYTES);
    return segment;
}

// R-MEM-004 R-MEM-008
static void a_segment_is_whole_and_of_its_size_from_the_start(void **state)
{
    (void)state;
    const uint64_t sizes[] = {1, 4095, 4096, 4097, 1000000};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        uint64_t size_bytes;
        int fd = segment_create("test", sizes[i], SEGMENT_NORMAL, &size_bytes);
        assert_true(fd >= 0);
        struct stat info;
        assert_int_equal(fstat(fd, &info), 0);
        assert_int_equal(info.st_size, size_bytes);
        assert_int_equal(size_bytes % 4096, 0);
        assert_true(size_bytes >= sizes[i] && size_bytes < sizes[i] + 4096);
        assert_true((uint64_t)info.st_blocks * 512 >= size_bytes);
        assert_int_equal(info.st_mode & 07777, 0600);
        assert_int_equal(fcntl(fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
        assert_int_equal(ftruncate(fd, 0), -1);
        assert_int_equal(ftruncate(fd, (off_t)size_bytes * 2), -1);
        close(fd);
    }
}

static void sizes_beyond_the_limits_are_refused(void **state)
{
    (void)state;
    uint64_t size_bytes = 7;
    assert_int_equal(segment_create("test", 0, SEGMENT_NORMAL, &size_bytes), -EINVAL);
    assert_int_equal(
        segment_create("test", LIMIT_SEGMENT_BYTES_MAX + 1, SEGMENT_NORMAL, &size_bytes), -EINVAL);
    assert_int_equal(segment_create("test", UINT64_MAX, SEGMENT_HUGE, &size_bytes), -EINVAL);
    assert_int_equal(size_bytes, 7);
}

static void huge_pages_fall_back_to_normal_ones(void **state)
{
    (void)state;
    uint64_t size_bytes;
    int fd = segment_create("test", 3UL << 20, SEGMENT_HUGE, &size_bytes);
    assert_true(fd >= 0);
    assert_true(size_bytes == 3UL << 20 || size_bytes == 4UL << 20);
    void *bytes;
    assert_int_equal(segment_map_writer(fd, size_bytes, &bytes), 0);
    assert_int_equal(segment_seal(fd, size_bytes), 0);
    int reader = segment_open_reader(fd);
    const void *view;
    assert_int_equal(segment_map_reader(reader, size_bytes, &view), 0);
    ((volatile uint8_t *)bytes)[size_bytes - 1] = 9;
    assert_int_equal(((const volatile uint8_t *)view)[size_bytes - 1], 9);
    segment_unmap(view, size_bytes);
    segment_unmap(bytes, size_bytes);
    close(reader);
    close(fd);
}

// R-MEM-002
static void the_writer_writes_what_the_reader_reads(void **state)
{
    (void)state;
    struct segment segment = create();
    void *initial;
    assert_int_equal(segment_map_initial(segment.fd, SIZE_BYTES, &initial), 0);
    memset(initial, CANARY, SIZE_BYTES);
    segment_unmap(initial, SIZE_BYTES);
    void *bytes;
    assert_int_equal(segment_map_writer(segment.fd, SIZE_BYTES, &bytes), 0);
    assert_int_equal(segment_seal(segment.fd, SIZE_BYTES), 0);
    int reader = segment_open_reader(segment.fd);
    assert_true(reader >= 0);
    const void *view;
    assert_int_equal(segment_map_reader(reader, SIZE_BYTES, &view), 0);
    assert_int_equal(((const volatile uint8_t *)view)[SIZE_BYTES - 1], CANARY);
    ((volatile uint8_t *)bytes)[5] = 77;
    assert_int_equal(((const volatile uint8_t *)view)[5], 77);
    segment_unmap(view, SIZE_BYTES);
    segment_unmap(bytes, SIZE_BYTES);
    segment_unmap(NULL, 1);
    close(reader);
    close(segment.fd);
}

static void a_wrong_size_is_never_mapped(void **state)
{
    (void)state;
    struct segment segment = create();
    void *bytes = NULL;
    const uint64_t wrong[] = {0,         1, 4096, SIZE_BYTES - 1, SIZE_BYTES + 1, 2 * SIZE_BYTES,
                              UINT64_MAX};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        assert_int_equal(segment_map_writer(segment.fd, wrong[i], &bytes), -EPROTO);
    }
    assert_int_equal(segment_map_writer(segment.fd, SIZE_BYTES, &bytes), 0);
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        assert_int_equal(segment_seal(segment.fd, wrong[i]), -EPROTO);
    }
    const void *view = NULL;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        assert_int_equal(segment_map_reader(segment.fd, wrong[i], &view), -EPROTO);
    }
    assert_null(view);
    segment_unmap(bytes, SIZE_BYTES);
    close(segment.fd);
}

// R-MEM-002
static void what_is_no_sealed_memfd_is_not_read(void **state)
{
    (void)state;
    const void *view = NULL;
    struct segment segment = create();
    assert_int_equal(segment_map_reader(segment.fd, SIZE_BYTES, &view), -EPROTO);
    int plain = memfd_create("test", MFD_CLOEXEC);
    assert_int_equal(ftruncate(plain, SIZE_BYTES), 0);
    assert_int_equal(segment_map_reader(plain, SIZE_BYTES, &view), -EPROTO);
    FILE *file = tmpfile();
    assert_non_null(file);
    assert_int_equal(ftruncate(fileno(file), SIZE_BYTES), 0);
    assert_int_equal(segment_map_reader(fileno(file), SIZE_BYTES, &view), -EPROTO);
    int pipes[2];
    assert_int_equal(pipe2(pipes, O_CLOEXEC), 0);
    assert_int_equal(segment_map_reader(pipes[0], SIZE_BYTES, &view), -EPROTO);
    assert_int_equal(segment_map_reader(-1, SIZE_BYTES, &view), -EPROTO);
    assert_null(view);
    close(pipes[0]);
    close(pipes[1]);
    fclose(file);
    close(plain);
    close(segment.fd);
}

// R-MEM-009
static void a_hole_that_was_punched_before_the_seal_is_found(void **state)
{
    (void)state;
    struct segment segment = create();
    void *bytes;
    assert_int_equal(segment_map_writer(segment.fd, SIZE_BYTES, &bytes), 0);
    assert_int_equal(fallocate(segment.fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 4096, 4096),
                     0);
    assert_int_equal(segment_seal(segment.fd, SIZE_BYTES), -EPROTO);
    segment_unmap(bytes, SIZE_BYTES);
    close(segment.fd);
    segment = create();
    assert_int_equal(segment_map_writer(segment.fd, SIZE_BYTES, &bytes), 0);
    assert_int_equal(madvise(bytes, 4096, MADV_REMOVE), 0);
    assert_int_equal(segment_seal(segment.fd, SIZE_BYTES), -EPROTO);
    segment_unmap(bytes, SIZE_BYTES);
    close(segment.fd);
}

// R-MEM-002: the writer seals first, with fewer or with other seals.
static void seals_of_the_writers_own_choice_are_refused(void **state)
{
    (void)state;
    const struct {
        int seals;
        int expected;
    } rows[] = {
        {F_SEAL_SEAL, -EPROTO}, {F_SEAL_FUTURE_WRITE | F_SEAL_SEAL, 0}, {F_SEAL_FUTURE_WRITE, 0}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct segment segment = create();
        void *bytes;
        assert_int_equal(segment_map_writer(segment.fd, SIZE_BYTES, &bytes), 0);
        assert_int_equal(fcntl(segment.fd, F_ADD_SEALS, rows[i].seals), 0);
        assert_int_equal(segment_seal(segment.fd, SIZE_BYTES), rows[i].expected);
        segment_unmap(bytes, SIZE_BYTES);
        close(segment.fd);
    }
    // F_SEAL_WRITE is only possible while nobody maps it: the writer lied about having done so.
    struct segment segment = create();
    assert_int_equal(fcntl(segment.fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SEAL), 0);
    assert_int_equal(segment_seal(segment.fd, SIZE_BYTES), -EPROTO);
    close(segment.fd);
}

static bool is_refusal(int error)
{
    return error == EPERM || error == EACCES || error == EBADF || error == EINVAL;
}

// One attempt: it must fail, and for the right reason. Prints what went through.
static int refused(const char *what, bool has_failed)
{
    if (has_failed && is_refusal(errno)) {
        return 0;
    }
    fprintf(stderr, "%s: %s\n", what, has_failed ? strerror(errno) : "was allowed");
    return 1;
}

// What can be done with a descriptor, however it was come by.
static int attack_descriptor(const char *name, int fd)
{
    char what[64];
    int wrong = 0;
    uint8_t byte = 1;
    struct iovec vector = {&byte, 1};
    snprintf(what, sizeof what, "pwrite, %s", name);
    wrong += refused(what, pwrite(fd, &byte, 1, 0) < 0);
    wrong += refused("write", write(fd, &byte, 1) < 0);
    wrong += refused("pwritev", pwritev(fd, &vector, 1, 0) < 0);
    wrong += refused("mmap", mmap(NULL, SIZE_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) ==
                                 MAP_FAILED);
    wrong += refused("mmap write only",
                     mmap(NULL, SIZE_BYTES, PROT_WRITE, MAP_SHARED, fd, 0) == MAP_FAILED);
    wrong += refused("ftruncate to less", ftruncate(fd, 0) < 0);
    wrong += refused("ftruncate to more", ftruncate(fd, 2 * SIZE_BYTES) < 0);
    wrong += refused("punch hole",
                     fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 4096) < 0);
    wrong += refused("add seals", fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE) < 0);
    void *view = mmap(NULL, SIZE_BYTES, PROT_READ, MAP_SHARED, fd, 0);
    if (view == MAP_FAILED) {
        return wrong;
    }
    wrong += refused("mprotect", mprotect(view, SIZE_BYTES, PROT_READ | PROT_WRITE) < 0);
    wrong += refused("MADV_REMOVE", madvise(view, 4096, MADV_REMOVE) < 0);
    munmap(view, SIZE_BYTES);
    return wrong;
}

static int attack_mapping(void *view)
{
    uint8_t byte = 1;
    int wrong =
        refused("mprotect of the mapping", mprotect(view, SIZE_BYTES, PROT_READ | PROT_WRITE) < 0);
    wrong += refused("MADV_REMOVE of the mapping", madvise(view, 4096, MADV_REMOVE) < 0);
    int memory = open("/proc/self/mem", O_RDWR | O_CLOEXEC);
    if (memory >= 0) {
        ssize_t written = pwrite(memory, &byte, 1, (off_t)(uintptr_t)view);
        if (written >= 0 || (errno != EIO && !is_refusal(errno))) {
            fprintf(stderr, "/proc/self/mem: %zd %s\n", written, strerror(errno));
            wrong++;
        }
        close(memory);
    }
    return wrong;
}

static int attack(int reader, const void *view)
{
    int wrong = attack_descriptor("the descriptor", reader);
    char path[64];
    snprintf(path, sizeof path, "/proc/self/fd/%d", reader);
    const int flags[] = {O_RDWR, O_WRONLY, O_RDWR | O_TRUNC};
    for (size_t i = 0; i < 3; i++) {
        // A reopened descriptor counts by what can be done with it.
        int again = open(path, flags[i] | O_CLOEXEC);
        wrong += again >= 0 ? attack_descriptor("reopened", again) : refused("reopen", true);
        if (again >= 0) {
            close(again);
        }
    }
    wrong += fchmod(reader, 0666) == 0 ? attack_descriptor("after fchmod", reader) : 0;
    return wrong + attack_mapping((void *)(uintptr_t)view);
}

static void attack_as(bool is_nobody)
{
    struct segment segment = create();
    void *bytes;
    assert_int_equal(segment_map_writer(segment.fd, SIZE_BYTES, &bytes), 0);
    memset(bytes, CANARY, SIZE_BYTES);
    assert_int_equal(segment_seal(segment.fd, SIZE_BYTES), 0);
    int reader = segment_open_reader(segment.fd);
    assert_true(reader >= 0);
    if (is_nobody) {
        // The same user on both sides: the file is nobody's own.
        assert_int_equal(fchown(segment.fd, NOBODY, NOBODY), 0);
    }
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        close(segment.fd);
        munmap(bytes, SIZE_BYTES);
        const void *view;
        if (is_nobody && (setgid(NOBODY) != 0 || setuid(NOBODY) != 0)) {
            _exit(100);
        }
        _exit(segment_map_reader(reader, SIZE_BYTES, &view) != 0 ? 101 : attack(reader, view));
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    for (size_t i = 0; i < SIZE_BYTES; i++) {
        assert_int_equal(((volatile uint8_t *)bytes)[i], CANARY);
    }
    segment_unmap(bytes, SIZE_BYTES);
    close(reader);
    close(segment.fd);
}

// R-DATA-023
static void a_reader_with_the_same_rights_cannot_write_by_any_call(void **state)
{
    (void)state;
    attack_as(false);
}

// R-DATA-023
static void a_reader_that_owns_the_file_and_is_not_root_cannot_write_by_any_call(void **state)
{
    (void)state;
    if (geteuid() != 0) {
        printf("skipped: only root can become another user\n");
        skip();
    }
    attack_as(true);
}

// R-DATA-023: once sealed, not even the writer can make a second mapping, or a hole.
static void the_writer_cannot_map_a_second_time_or_punch_holes_after_the_seal(void **state)
{
    (void)state;
    struct segment segment = create();
    void *bytes;
    assert_int_equal(segment_map_writer(segment.fd, SIZE_BYTES, &bytes), 0);
    memset(bytes, CANARY, SIZE_BYTES);
    assert_int_equal(segment_seal(segment.fd, SIZE_BYTES), 0);
    assert_int_equal(attack_descriptor("the writer's", segment.fd), 0);
    assert_int_equal(refused("MADV_REMOVE", madvise(bytes, 4096, MADV_REMOVE) < 0), 0);
    for (size_t i = 0; i < SIZE_BYTES; i++) {
        assert_int_equal(((volatile uint8_t *)bytes)[i], CANARY);
    }
    segment_unmap(bytes, SIZE_BYTES);
    close(segment.fd);
}

// R-MEM-001
static void a_segment_has_no_name(void **state)
{
    (void)state;
    struct segment segment = create();
    char path[64];
    char target[128] = {0};
    snprintf(path, sizeof path, "/proc/self/fd/%d", segment.fd);
    assert_true(readlink(path, target, sizeof target - 1) > 0);
    assert_non_null(strstr(target, "(deleted)"));
    assert_null(strstr(target, "/dev/shm"));
    struct stat info;
    assert_int_equal(fstat(segment.fd, &info), 0);
    assert_int_equal(info.st_nlink, 0);
    close(segment.fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_segment_is_whole_and_of_its_size_from_the_start),
        cmocka_unit_test(sizes_beyond_the_limits_are_refused),
        cmocka_unit_test(huge_pages_fall_back_to_normal_ones),
        cmocka_unit_test(the_writer_writes_what_the_reader_reads),
        cmocka_unit_test(a_wrong_size_is_never_mapped),
        cmocka_unit_test(what_is_no_sealed_memfd_is_not_read),
        cmocka_unit_test(a_hole_that_was_punched_before_the_seal_is_found),
        cmocka_unit_test(seals_of_the_writers_own_choice_are_refused),
        cmocka_unit_test(a_reader_with_the_same_rights_cannot_write_by_any_call),
        cmocka_unit_test(a_reader_that_owns_the_file_and_is_not_root_cannot_write_by_any_call),
        cmocka_unit_test(the_writer_cannot_map_a_second_time_or_punch_holes_after_the_seal),
        cmocka_unit_test(a_segment_has_no_name),
    };
    return cmocka_run_group_tests_name("segment", tests, NULL, NULL);
}

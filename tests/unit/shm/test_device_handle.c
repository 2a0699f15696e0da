// SPDX-License-Identifier: Apache-2.0
// Descriptors that are not what they should be, each refused by name.
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "shm/device_handle.h"

#define BYTES 65536
#define SEALS (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW)

static int memory(off_t size, int seals)
{
    int fd = memfd_create("unit", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    assert_true(fd >= 0);
    assert_int_equal(ftruncate(fd, size), 0);
    assert_int_equal(fcntl(fd, F_ADD_SEALS, seals), 0);
    return fd;
}

// Closes the descriptor.
static void expect(enum device_handle_kind kind, int fd, const char *fault)
{
    const char *found = device_handle_fault(kind, fd, BYTES);
    if (fault == NULL) {
        assert_null(found);
    } else {
        assert_non_null(found);
        assert_string_equal(found, fault);
    }
    if (fd >= 0) {
        close(fd);
    }
}

static int read_only_of(int fd)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    int reader = open(path, O_RDONLY | O_CLOEXEC);
    close(fd);
    assert_true(reader >= 0);
    return reader;
}

// R-GPU-020
static void what_is_not_open_for_reading_and_writing_is_refused(void **state)
{
    (void)state;
    expect(DEVICE_HANDLE_MEMORY, -1, "is not open");
    assert_string_equal(device_handle_fault(DEVICE_HANDLE_MEMORY, 1000, BYTES), "is not open");
    expect(DEVICE_HANDLE_MEMORY, open("/usr", O_RDONLY | O_DIRECTORY | O_CLOEXEC),
           "cannot be read and written");
    expect(DEVICE_HANDLE_MEMORY, open("/dev/null", O_PATH | O_CLOEXEC),
           "cannot be read and written");
    expect(DEVICE_HANDLE_MEMORY, read_only_of(memory(BYTES, SEALS)), "cannot be read and written");
}

// R-GPU-020: in each of these a driver would wait, or take it for memory.
static void what_is_no_sealed_memory_is_refused_for_a_software_driver(void **state)
{
    (void)state;
    int pipes[2];
    int sockets[2];
    char name[] = "/tmp/sb-handle-XXXXXX";
    int file = mkstemp(name);
    assert_true(file >= 0);
    unlink(name);
    assert_int_equal(ftruncate(file, BYTES), 0);
    assert_int_equal(pipe2(pipes, O_CLOEXEC), 0);
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets), 0);
    expect(DEVICE_HANDLE_MEMORY, open("/dev/null", O_RDWR | O_CLOEXEC), "is no memory");
    expect(DEVICE_HANDLE_MEMORY, open("/dev/zero", O_RDWR | O_CLOEXEC), "is no memory");
    expect(DEVICE_HANDLE_MEMORY, pipes[0], "cannot be read and written");
    expect(DEVICE_HANDLE_MEMORY, pipes[1], "cannot be read and written");
    expect(DEVICE_HANDLE_MEMORY, eventfd(0, EFD_CLOEXEC), "is no memory");
    expect(DEVICE_HANDLE_MEMORY, sockets[0], "is no memory");
    close(sockets[1]);
    // A file of a tmpfs has seals too, but not these.
    assert_non_null(device_handle_fault(DEVICE_HANDLE_MEMORY, file, BYTES));
    close(file);
}

// R-GPU-020
static void memory_that_can_shrink_or_is_too_small_is_refused(void **state)
{
    (void)state;
    expect(DEVICE_HANDLE_MEMORY, memory(BYTES, 0), "is memory that can still shrink");
    expect(DEVICE_HANDLE_MEMORY, memory(BYTES, F_SEAL_SHRINK | F_SEAL_GROW),
           "is memory that can still shrink");
    expect(DEVICE_HANDLE_MEMORY, memory(16, SEALS), "is smaller than what was said");
    expect(DEVICE_HANDLE_MEMORY, memory(BYTES - 1, SEALS), "is smaller than what was said");
    expect(DEVICE_HANDLE_MEMORY, memory(BYTES, SEALS), NULL);
    expect(DEVICE_HANDLE_MEMORY, memory(BYTES + 4136, SEALS), NULL);
}

// R-GPU-020
static void memory_of_hardware_must_be_of_that_hardware(void **state)
{
    (void)state;
    expect(DEVICE_HANDLE_NVIDIA, memory(BYTES, SEALS), "is not of NVIDIA's driver");
    expect(DEVICE_HANDLE_NVIDIA, open("/dev/null", O_RDWR | O_CLOEXEC),
           "is not of NVIDIA's driver");
    expect(DEVICE_HANDLE_DMA_BUF, memory(BYTES, SEALS), "is no DMA-BUF");
    expect(DEVICE_HANDLE_DMA_BUF, eventfd(0, EFD_CLOEXEC), "is no DMA-BUF");
    expect(DEVICE_HANDLE_DMA_BUF, open("/dev/zero", O_RDWR | O_CLOEXEC), "is no DMA-BUF");
}

// R-GPU-020
static void memory_that_cannot_be_written_is_refused(void **state)
{
    (void)state;
    expect(DEVICE_HANDLE_MEMORY, memory(BYTES, SEALS | F_SEAL_FUTURE_WRITE),
           "is memory that cannot be written");
}

// R-GPU-020
static void what_is_certainly_no_semaphore_is_refused(void **state)
{
    (void)state;
    int pipes[2];
    assert_int_equal(pipe2(pipes, O_CLOEXEC), 0);
    int others[] = {pipes[0],
                    pipes[1],
                    memory(BYTES, SEALS),
                    memory(0, 0),
                    open("/dev/null", O_RDWR | O_CLOEXEC),
                    open("/usr", O_RDONLY | O_CLOEXEC)};
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        assert_non_null(device_handle_counter_fault(DEVICE_HANDLE_DMA_BUF, others[i]));
        assert_non_null(device_handle_counter_fault(DEVICE_HANDLE_NVIDIA, others[i]));
        close(others[i]);
    }
    assert_string_equal(device_handle_counter_fault(DEVICE_HANDLE_DMA_BUF, -1), "is not open");
}

static void the_driver_decides_how_its_memory_looks(void **state)
{
    (void)state;
    assert_int_equal(device_handle_kind(true, 0x10de), DEVICE_HANDLE_MEMORY);
    assert_int_equal(device_handle_kind(false, 0x10de), DEVICE_HANDLE_NVIDIA);
    assert_int_equal(device_handle_kind(false, 0x1002), DEVICE_HANDLE_DMA_BUF);
}

static void memory_counts_with_its_real_size(void **state)
{
    (void)state;
    int fd = memory(BYTES + 4136, SEALS);
    assert_int_equal(device_handle_bytes(DEVICE_HANDLE_MEMORY, fd, BYTES), BYTES + 4136);
    assert_int_equal(device_handle_bytes(DEVICE_HANDLE_NVIDIA, fd, BYTES), BYTES);
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_not_open_for_reading_and_writing_is_refused),
        cmocka_unit_test(what_is_no_sealed_memory_is_refused_for_a_software_driver),
        cmocka_unit_test(memory_that_can_shrink_or_is_too_small_is_refused),
        cmocka_unit_test(memory_of_hardware_must_be_of_that_hardware),
        cmocka_unit_test(memory_that_cannot_be_written_is_refused),
        cmocka_unit_test(what_is_certainly_no_semaphore_is_refused),
        cmocka_unit_test(the_driver_decides_how_its_memory_looks),
        cmocka_unit_test(memory_counts_with_its_real_size),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: Apache-2.0
// Descriptors that are not what they should be, each refused by name.
// test: needs=gpu_objects uses=gpu_objects,streambroker_lib packages=vulkan
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

#include "shm/gpu/gpu_state.h"

#define BYTES 65536
#define SEALS (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW)

static const struct sb_gpu_device software = {.is_software = true};
static const struct sb_gpu_device nvidia = {.vendor = 0x10de};
static const struct sb_gpu_device mesa = {.vendor = 0x1002};

static int memory(off_t size, int seals)
{
    int fd = memfd_create("unit", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    assert_true(fd >= 0);
    assert_int_equal(ftruncate(fd, size), 0);
    assert_int_equal(fcntl(fd, F_ADD_SEALS, seals), 0);
    return fd;
}

// Closes the descriptor.
static void expect(const struct sb_gpu_device *device, int fd, const char *fault)
{
    const char *found = gpu_handle_fault(device, fd, BYTES);
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
    expect(&software, -1, "is not open");
    assert_string_equal(gpu_handle_fault(&software, 1000, BYTES), "is not open");
    expect(&software, open("/usr", O_RDONLY | O_DIRECTORY | O_CLOEXEC),
           "cannot be read and written");
    expect(&software, open("/dev/null", O_PATH | O_CLOEXEC), "cannot be read and written");
    expect(&software, read_only_of(memory(BYTES, SEALS)), "cannot be read and written");
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
    expect(&software, open("/dev/null", O_RDWR | O_CLOEXEC), "is no memory");
    expect(&software, open("/dev/zero", O_RDWR | O_CLOEXEC), "is no memory");
    expect(&software, pipes[0], "cannot be read and written");
    expect(&software, pipes[1], "cannot be read and written");
    expect(&software, eventfd(0, EFD_CLOEXEC), "is no memory");
    expect(&software, sockets[0], "is no memory");
    close(sockets[1]);
    // A file of a tmpfs has seals too, but not these.
    assert_non_null(gpu_handle_fault(&software, file, BYTES));
    close(file);
}

// R-GPU-020
static void memory_that_can_shrink_or_is_too_small_is_refused(void **state)
{
    (void)state;
    expect(&software, memory(BYTES, 0), "is memory that can still shrink");
    expect(&software, memory(BYTES, F_SEAL_SHRINK | F_SEAL_GROW),
           "is memory that can still shrink");
    expect(&software, memory(16, SEALS), "is smaller than what was said");
    expect(&software, memory(BYTES - 1, SEALS), "is smaller than what was said");
    expect(&software, memory(BYTES, SEALS), NULL);
    expect(&software, memory(BYTES + 4136, SEALS), NULL);
}

// R-GPU-020
static void memory_of_hardware_must_be_of_that_hardware(void **state)
{
    (void)state;
    expect(&nvidia, memory(BYTES, SEALS), "is not of NVIDIA's driver");
    expect(&nvidia, open("/dev/null", O_RDWR | O_CLOEXEC), "is not of NVIDIA's driver");
    expect(&mesa, memory(BYTES, SEALS), "is no DMA-BUF");
    expect(&mesa, eventfd(0, EFD_CLOEXEC), "is no DMA-BUF");
    expect(&mesa, open("/dev/zero", O_RDWR | O_CLOEXEC), "is no DMA-BUF");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_not_open_for_reading_and_writing_is_refused),
        cmocka_unit_test(what_is_no_sealed_memory_is_refused_for_a_software_driver),
        cmocka_unit_test(memory_that_can_shrink_or_is_too_small_is_refused),
        cmocka_unit_test(memory_of_hardware_must_be_of_that_hardware),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

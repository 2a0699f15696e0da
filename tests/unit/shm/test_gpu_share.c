// SPDX-License-Identifier: Apache-2.0
// Memory of a device in two processes, and what becomes of descriptors on the way.
// test: needs=gpu_objects uses=gpu_objects,streambroker_lib packages=vulkan
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include <vulkan/vulkan.h>

#include "gpu_rig.h"

#define BYTES 262144
#define SEALS (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW)
#define CYCLES 200

static int driver_calls;

// Counts what reaches the driver.
VKAPI_ATTR VkResult VKAPI_CALL vkAllocateMemory(VkDevice device, const VkMemoryAllocateInfo *info,
                                                const VkAllocationCallbacks *allocator,
                                                VkDeviceMemory *memory)
{
    PFN_vkAllocateMemory allocate = NULL;
    void *symbol = dlsym(RTLD_NEXT, "vkAllocateMemory");
    memcpy(&allocate, &symbol, sizeof allocate);
    driver_calls++;
    return allocate(device, info, allocator, memory);
}

static struct sb_gpu *open_plain(void)
{
    struct sb_gpu_options options = {.struct_size = sizeof options};
    struct sb_gpu *gpu = NULL;
    return sb_gpu_open(NULL, &options, &gpu) == 0 ? gpu : NULL;
}

static struct sb_gpu_handle handle_of(const struct sb_gpu *gpu, int fd)
{
    const struct sb_gpu_device *device = sb_gpu_device_of(gpu);
    struct sb_gpu_handle handle = {.fd = fd, .size_bytes = BYTES, .is_trusted = true};
    memcpy(handle.device_uuid, device->device_uuid, SB_GPU_UUID_BYTES);
    memcpy(handle.driver_uuid, device->driver_uuid, SB_GPU_UUID_BYTES);
    return handle;
}

static int count_descriptors(void)
{
    int count = 0;
    DIR *folder = opendir("/proc/self/fd");
    assert_non_null(folder);
    while (readdir(folder) != NULL) {
        count++;
    }
    closedir(folder);
    return count;
}

static bool copy(struct sb_gpu *gpu, const struct sb_gpu_span *from, const struct sb_gpu_span *to)
{
    return sb_gpu_begin(gpu) == 0 && sb_gpu_copy(gpu, from, to) == 0 && sb_gpu_finish(gpu) == 0;
}

static int send_fd(int socket, int fd)
{
    char control[CMSG_SPACE(sizeof fd)] = {0};
    char byte = 1;
    struct iovec data = {&byte, 1};
    struct msghdr message = {.msg_iov = &data,
                             .msg_iovlen = 1,
                             .msg_control = control,
                             .msg_controllen = sizeof control};
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof fd);
    memcpy(CMSG_DATA(header), &fd, sizeof fd);
    return sendmsg(socket, &message, 0) == 1 ? 0 : -1;
}

static int receive_fd(int socket)
{
    char control[CMSG_SPACE(sizeof(int))] = {0};
    char byte;
    int fd = -1;
    struct iovec data = {&byte, 1};
    struct msghdr message = {.msg_iov = &data,
                             .msg_iovlen = 1,
                             .msg_control = control,
                             .msg_controllen = sizeof control};
    if (recvmsg(socket, &message, MSG_CMSG_CLOEXEC) == 1 && CMSG_FIRSTHDR(&message) != NULL) {
        memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof fd);
    }
    return fd;
}

// The producer: draws, sends, and is gone when the other side looks.
static int produce(int socket)
{
    struct sb_gpu *gpu = open_plain();
    struct sb_gpu_span own;
    struct sb_gpu_span shared;
    int fd;
    if (gpu == NULL || sb_gpu_memory_make(gpu, BYTES, &own) != 0 ||
        sb_gpu_export(gpu, BYTES, &shared, &fd) != 0) {
        return 1;
    }
    for (uint32_t i = 0; i < BYTES; i++) {
        ((uint8_t *)own.host)[i] = (uint8_t)(i * 13 >> 3);
    }
    if ((fcntl(fd, F_GETFD) & FD_CLOEXEC) == 0 || !copy(gpu, &own, &shared)) {
        return 2;
    }
    int failed = send_fd(socket, fd);
    sb_gpu_close(gpu);
    return failed == 0 ? 0 : 3;
}

// R-GPU-019
static void memory_of_a_device_is_seen_in_another_process_after_its_maker_is_gone(void **state)
{
    (void)state;
    int sockets[2];
    int status;
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        _exit(produce(sockets[1]));
    }
    int fd = receive_fd(sockets[0]);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_true(fd >= 0);
    struct sb_gpu *gpu = rig_open();
    struct sb_gpu_handle handle = handle_of(gpu, fd);
    struct sb_gpu_span shared;
    struct sb_gpu_span back;
    assert_int_equal(sb_gpu_import(gpu, &handle, &shared), 0);
    assert_int_equal(sb_gpu_memory_make(gpu, BYTES, &back), 0);
    assert_true(copy(gpu, &shared, &back));
    for (uint32_t i = 0; i < BYTES; i++) {
        if (((const uint8_t *)back.host)[i] != (uint8_t)(i * 13 >> 3)) {
            fail_msg("byte %u", i);
        }
    }
    // It is still ours to close.
    assert_int_equal(close(fd), 0);
    rig_close(gpu);
    close(sockets[0]);
    close(sockets[1]);
}

// R-GPU-019
static void memory_of_another_device_or_driver_is_refused(void **state)
{
    (void)state;
    struct sb_gpu *gpu = rig_open();
    struct sb_gpu_span span;
    struct sb_gpu_span none = {0};
    int fd;
    assert_int_equal(sb_gpu_export(gpu, BYTES, &span, &fd), 0);
    driver_calls = 0;
    struct sb_gpu_handle other = handle_of(gpu, fd);
    other.device_uuid[3] ^= 1;
    assert_int_equal(sb_gpu_import(gpu, &other, &none), -EXDEV);
    other = handle_of(gpu, fd);
    other.driver_uuid[0] ^= 1;
    assert_int_equal(sb_gpu_import(gpu, &other, &none), -EXDEV);
    assert_null(none.block);
    assert_int_equal(driver_calls, 0);
    close(fd);
    rig_close(gpu);
}

// R-GPU-021
static void a_software_driver_is_shown_nothing_of_a_peer_that_is_not_trusted(void **state)
{
    (void)state;
    struct sb_gpu *gpu = rig_open();
    struct sb_gpu_span span;
    struct sb_gpu_span none = {0};
    int fd;
    assert_int_equal(sb_gpu_export(gpu, BYTES, &span, &fd), 0);
    struct sb_gpu_handle handle = handle_of(gpu, fd);
    handle.is_trusted = false;
    driver_calls = 0;
    if (sb_gpu_device_of(gpu)->is_software) {
        assert_int_equal(sb_gpu_import(gpu, &handle, &none), -EPERM);
        assert_int_equal(driver_calls, 0);
        assert_null(none.block);
    }
    close(fd);
    rig_close(gpu);
}

// R-GPU-020
static void a_descriptor_that_is_no_memory_never_reaches_the_driver(void **state)
{
    (void)state;
    struct sb_gpu *gpu = rig_open();
    struct sb_gpu_span none = {0};
    int pipes[2];
    assert_int_equal(pipe2(pipes, O_CLOEXEC), 0);
    int unsealed = memfd_create("unit", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    assert_int_equal(ftruncate(unsealed, BYTES * 2), 0);
    int bad[] = {-1, pipes[0], pipes[1], unsealed, open("/dev/zero", O_RDWR | O_CLOEXEC)};
    driver_calls = 0;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct sb_gpu_handle handle = handle_of(gpu, bad[i]);
        assert_int_equal(sb_gpu_import(gpu, &handle, &none), -EPROTO);
        assert_true(i == 0 || fcntl(bad[i], F_GETFD) >= 0);
    }
    assert_int_equal(driver_calls, 0);
    assert_null(none.block);
    struct sb_gpu_handle empty = handle_of(gpu, unsealed);
    empty.size_bytes = 0;
    assert_int_equal(sb_gpu_import(gpu, &empty, &none), -EINVAL);
    close(pipes[0]);
    close(pipes[1]);
    close(unsealed);
    close(bad[4]);
    rig_close(gpu);
}

// R-GPU-020: what the driver itself refuses, sealed memory without a driver's notes in it.
static void an_import_that_fails_leaves_every_descriptor_as_it_was(void **state)
{
    (void)state;
    struct sb_gpu *gpu = open_plain();
    assert_non_null(gpu);
    if (!sb_gpu_device_of(gpu)->is_software) {
        sb_gpu_close(gpu);
        return;
    }
    int fd = memfd_create("unit", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    assert_int_equal(ftruncate(fd, BYTES * 2), 0);
    assert_int_equal(fcntl(fd, F_ADD_SEALS, SEALS), 0);
    struct sb_gpu_handle handle = handle_of(gpu, fd);
    struct sb_gpu_span none = {0};
    int before = count_descriptors();
    for (int i = 0; i < 10; i++) {
        assert_true(sb_gpu_import(gpu, &handle, &none) < 0);
        assert_int_equal(count_descriptors(), before);
    }
    assert_null(none.block);
    assert_int_equal(close(fd), 0);
    sb_gpu_close(gpu);
}

// R-GPU-018
static void memory_that_comes_and_goes_leaves_no_descriptor(void **state)
{
    (void)state;
    struct sb_gpu *gpu = rig_open();
    int before = 0;
    for (int i = 0; i < CYCLES; i++) {
        struct sb_gpu_span made;
        struct sb_gpu_span seen;
        int fd;
        assert_int_equal(sb_gpu_export(gpu, BYTES, &made, &fd), 0);
        struct sb_gpu_handle handle = handle_of(gpu, fd);
        assert_int_equal(sb_gpu_import(gpu, &handle, &seen), 0);
        sb_gpu_memory_free(gpu, &seen);
        sb_gpu_memory_free(gpu, &made);
        close(fd);
        before = i == 0 ? count_descriptors() : before;
    }
    assert_int_equal(count_descriptors(), before);
    rig_close(gpu);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_of_a_device_is_seen_in_another_process_after_its_maker_is_gone),
        cmocka_unit_test(memory_of_another_device_or_driver_is_refused),
        cmocka_unit_test(a_software_driver_is_shown_nothing_of_a_peer_that_is_not_trusted),
        cmocka_unit_test(a_descriptor_that_is_no_memory_never_reaches_the_driver),
        cmocka_unit_test(an_import_that_fails_leaves_every_descriptor_as_it_was),
        cmocka_unit_test(memory_that_comes_and_goes_leaves_no_descriptor),
    };
    return rig_run(tests, sizeof tests / sizeof tests[0]);
}

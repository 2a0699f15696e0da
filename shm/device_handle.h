// SPDX-License-Identifier: Apache-2.0
// What a descriptor is that somebody calls memory of a device. Asks the kernel only: nothing is
// read, mapped or given to a driver, and nothing that a file system far away has to answer.
#pragma once

#include <stdbool.h>
#include <stdint.h>

// How the memory of a device looks from outside, by whose driver made it.
enum device_handle_kind {
    DEVICE_HANDLE_MEMORY,  // a driver that computes on the CPU: a memfd that cannot change its size
    DEVICE_HANDLE_NVIDIA,  // its control device
    DEVICE_HANDLE_DMA_BUF
};

enum device_handle_kind device_handle_kind(bool is_software, uint32_t vendor);

// Why a descriptor is not memory of that kind and at least that size, NULL when it may be.
const char *device_handle_fault(enum device_handle_kind kind, int fd, uint64_t size_bytes);

// Likewise for a semaphore: less is to be seen of one, so this refuses what is certainly none.
const char *device_handle_counter_fault(enum device_handle_kind kind, int fd);

// Bytes that it takes up, as far as the kernel tells; what was said where it does not.
uint64_t device_handle_bytes(enum device_handle_kind kind, int fd, uint64_t said_bytes);

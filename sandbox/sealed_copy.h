// SPDX-License-Identifier: Apache-2.0
// The bytes of a file where nobody can change them any more: what was looked at is what runs.
#pragma once

#include <stdint.h>

#define SEALED_PROGRAM_BYTES_MAX (UINT64_C(512) << 20)  // of a program

// Copies an ordinary file, from its beginning, into a memfd that can be executed and is sealed
// against every change. size_max bounds the copy also while somebody makes the file longer.
// Returns 0 and a read-only descriptor (close-on-exec, the caller's) with its size; -EFBIG; or
// another negative errno.
int sealed_copy(int fd, uint64_t size_max, int *out_memfd, uint64_t *out_size_bytes);

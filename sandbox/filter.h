// SPDX-License-Identifier: Apache-2.0
// System call policies as the kernel reads them.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/diag.h"

#define FILTER_NAME_BYTES_MAX 64

// Compiles the policy ("c", "python", "vulkan") with what the grants (enum sandbox_grant) add.
// Returns 0 and the program (malloc, the caller's), an array of struct sock_filter; or a negative
// errno with a sentence part in out_why.
int filter_compile(const char *policy, uint32_t grants, uint8_t **out_bytes, size_t *out_count,
                   struct diag *out_why);

// The same program, compiled once and kept for the life of the process: compiling takes as long as
// starting a sandbox. Borrowed. One thread only.
int filter_find(const char *policy, uint32_t grants, const uint8_t **out_bytes, size_t *out_count,
                struct diag *out_why);

// The name of a system call as the kernel announced it, "getpid of i386" where it is one of
// another architecture; a number where it has no name.
void filter_name_call(uint32_t arch, int number, char out_name[FILTER_NAME_BYTES_MAX]);

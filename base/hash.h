// SPDX-License-Identifier: Apache-2.0
// A fast hash for comparing what should be equal. Not for secrets and not against an attacker.
#pragma once

#include <stddef.h>
#include <stdint.h>

// FNV-1a, 64 bit.
uint64_t hash_bytes(const void *bytes, size_t count);

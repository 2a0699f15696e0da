// SPDX-License-Identifier: Apache-2.0
// Payloads that prove themselves: made by test-source, verified by check-sink.
//
// The bytes follow from the frame's number and size alone. Of 16 bytes and more: 8 bytes XXH3 of
// all that follows, 8 bytes the number, then words that follow from the number. Smaller ones are
// the first bytes of the XXH3 of the number.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Fills size_bytes bytes.
void stamp_fill(void *bytes, size_t size_bytes, uint64_t number);

// True when the bytes are what stamp_fill() makes of this number and size.
bool stamp_is_right(const void *bytes, size_t size_bytes, uint64_t number);

// SPDX-License-Identifier: Apache-2.0
// Anonymous shared memory with exactly one writer process, enforced by the kernel.
//
// Life of a segment: the broker creates it (all pages allocated, cannot shrink or grow), writes the
// start values through a mapping of its own, and unmaps; the writer maps it and says so; the broker
// seals it, so that no second writable mapping can ever be made; only then readers get a read-only
// descriptor. See docs/memory.md and reference tests in tests/unit/shm/test_segment.c.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum segment_pages { SEGMENT_NORMAL, SEGMENT_HUGE };

#define SEGMENT_HUGE_BYTES (2ULL << 20)

// Broker. Creates a memfd of size_bytes, rounded up to whole pages (of the kind that it has), mode
// 0600, every page allocated, sealed SHRINK|GROW. Blocking: allocation takes 0.25 ms per MiB, so a
// thread of its own calls it. The caller checked budget_reserve() before: allocation alone wakes
// the OOM killer instead of failing. SEGMENT_HUGE falls back to normal pages.
// Returns the descriptor (the caller owns it) and the real size; -ENOMEM, -EINVAL, or an errno.
int segment_create(const char *name, uint64_t size_bytes, enum segment_pages pages,
                   uint64_t *out_size_bytes);

// Broker. Maps a fresh segment to write its start values. Unmap before the descriptor is given
// away.
int segment_map_initial(int fd, uint64_t size_bytes, void **out_bytes);

// Broker, after the writer said that it mapped it. Adds FUTURE_WRITE|SEAL and checks that the seals
// are exactly the right ones and that no page was punched out. -EPROTO when the writer tampered.
int segment_seal(int fd, uint64_t size_bytes);

// Broker. A fresh read-only descriptor of a sealed segment, for its readers (the caller owns it).
int segment_open_reader(int fd);

// Worker. Maps what it writes; the size must be exactly that of the file (-EPROTO).
int segment_map_writer(int fd, uint64_t size_bytes, void **out_bytes);

// Worker or broker. Maps read-only with every page present, after checking that the file is a
// sealed memfd of exactly that size (-EPROTO).
int segment_map_reader(int fd, uint64_t size_bytes, const void **out_bytes);

void segment_unmap(const void *bytes, uint64_t size_bytes);

// SPDX-License-Identifier: Apache-2.0
// A thread that makes segments: 512 MiB take 127 ms to allocate, and the broker must not stand
// still for that. Jobs go in, an eventfd says when they are done. All other calls are of the
// broker's loop.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "schemas/link_layout.h"
#include "schemas/wire_worker.h"
#include "shm/segment.h"

// One segment to make, with its start values.
struct memory_item {
    // In
    enum wire_memory_kind kind;
    uint64_t size_bytes;
    enum segment_pages pages;
    uint32_t link_id;      // PUBLISH, CONSUME
    uint32_t generation;   // likewise
    uint32_t depth;        // likewise
    uint32_t claims_max;   // CONSUME
    uint64_t first_seq;    // PUBLISH, CONSUME; 0 = begins where the generation before ends
    uint64_t page_number;  // CONSUME
    // Out
    int fd;               // owned by who takes the job; -1 when it was not made
    uint64_t real_bytes;  // rounded up to whole pages
};

struct memory_job {
    struct memory_job *next;
    void *owner;                      // of the caller
    void (*drop_owner)(void *owner);  // for a job that the end of the thread leaves undone, or NULL
    uint64_t tag;                     // of the caller
    int error;                        // 0, or the negative errno of the first order that failed
    bool is_closing;                  // of the thread: nothing to make, only to close
    size_t count;
    struct memory_item orders[];
};

struct memory_thread;

// Writes the start values of a consume page: kind, link, generation, depth, claims_max, first_seq
// and page_number of the order count.
void memory_thread_write_consume(const struct memory_item *order, struct consume_page *page);

// Signals must be blocked in the caller: the thread inherits the mask.
int memory_thread_create(struct memory_thread **out_thread);
// Waits for the running job; what is left over is thrown away.
void memory_thread_destroy(struct memory_thread *thread);

// Readable when a job is done.
int memory_thread_fd(const struct memory_thread *thread);

// A job with room for count orders, all zero, fds -1. NULL without memory.
struct memory_job *memory_thread_new_job(size_t count);
// Closes what the job still owns.
void memory_thread_free_job(struct memory_job *job);

// Hands the job over. Jobs are done in order.
void memory_thread_submit(struct memory_thread *thread, struct memory_job *job);

// The next finished job, or NULL. With an error none of its orders has an fd.
struct memory_job *memory_thread_take(struct memory_thread *thread);

// Closes a descriptor there: freeing a large pool takes as long as making it.
void memory_thread_close_fd(struct memory_thread *thread, int fd);

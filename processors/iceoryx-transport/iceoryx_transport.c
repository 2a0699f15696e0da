// SPDX-License-Identifier: Apache-2.0
// The transport `iceoryx`: payloads in chunks of a RouDi that the node's domain has for itself.
//
// One publisher per output and generation, one subscriber per link. Chunks carry the user header of
// docs/iceoryx.md; its seq is the ticket. The publisher keeps as many chunks of history as may not
// be released yet, for a subscriber in place of one that died, at least one; and it begins with one
// that carries nothing: who has received any chunk is connected, and has the history.
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <iceoryx_binding_c/chunk.h>
#include <iceoryx_binding_c/log.h>
#include <iceoryx_binding_c/publisher.h>
#include <iceoryx_binding_c/runtime.h>
#include <iceoryx_binding_c/subscriber.h>

#include <streambroker/transport.h>

#include "processors/iceoryx/chunk_view.h"
#include "processors/iceoryx/presence.h"
#include "processors/iceoryx/user_header.h"

// What iceoryx is compiled with: 8 chunks loaned at once, 256 queued or held, 256 subscribers, and
// 16 chunks of history.
#define LOANS_MAX 8
#define QUEUE_MAX 250
#define READERS_MAX 250
#define HISTORY_MAX 16
#define PAYLOAD_MAX (UINT64_C(1) << 31)

#define SERVICE "streambroker"
#define PAYLOAD_ALIGNMENT 64
#define ROUDI_SOCKET "/tmp/roudi"
#define RUNTIME_NAME_BYTES 100

// iceoryx writes a line for every chunk that there is none for: so often it is asked at most.
#define LOAN_LOOK_NS (20 * INT64_C(1000000))

// For the first chunk: what others had who were killed comes back within two seconds.
#define OPEN_NS (3 * INT64_C(1000000000))

struct writer {
    iox_pub_storage_t storage;
    iox_pub_t publisher;
    int64_t loan_ns;  // no loan before, 0 = at any time
};

struct reader {
    iox_sub_storage_t storage;
    iox_sub_t subscriber;
    const void *next;  // a chunk that came before its turn
    bool is_attached;
};

// Joins RouDi, once per process.
static int join(const char *node)
{
    static bool has_joined;
    if (has_joined) {
        return 0;
    }
    if (access(ROUDI_SOCKET, F_OK) != 0) {
        return -EAGAIN;  // who waits for a RouDi that does not come is aborted
    }
    char name[RUNTIME_NAME_BYTES];
    snprintf(name, sizeof name, "streambroker-%d-%.60s", (int)getpid(), node);
    iox_set_loglevel(Iceoryx_LogLevel_Off);
    iox_runtime_init(name);
    has_joined = true;
    int failed = presence_begin();
    return failed != 0 ? failed : presence_bound_exit();
}

static struct user_header *header_of(void *payload)
{
    return iox_chunk_header_to_user_header(iox_chunk_header_from_user_payload(payload));
}

// Ticket and size of a chunk. 0 = it is none of ours.
static uint64_t ticket_of(const void *payload, uint64_t *out_bytes)
{
    struct chunk_view view;
    if (chunk_view_read(iox_chunk_header_from_user_payload_const(payload), &view) != 0 ||
        view.user_header_bytes < USER_HEADER_BYTES) {
        return 0;
    }
    *out_bytes = view.payload_bytes;
    return ((const struct user_header *)view.user_header)->seq;
}

static int64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

static int loan(void *context, struct sb_transport_frame *frame)
{
    struct writer *writer = context;
    if (writer->loan_ns != 0 && now_ns() < writer->loan_ns) {
        return -EAGAIN;
    }
    uint64_t size_bytes = frame->size_bytes > 0 ? frame->size_bytes : 1;
    enum iox_AllocationResult result = iox_pub_loan_aligned_chunk_with_user_header(
        writer->publisher, &frame->data, (uint32_t)size_bytes, PAYLOAD_ALIGNMENT, USER_HEADER_BYTES,
        USER_HEADER_ALIGNMENT);
    if (result != AllocationResult_SUCCESS) {
        writer->loan_ns = now_ns() + LOAN_LOOK_NS;
        return -EAGAIN;  // chunks come back with their readers
    }
    writer->loan_ns = 0;
    frame->handle = frame->data;
    return 0;
}

static int publish(void *context, struct sb_transport_frame *frame)
{
    struct writer *writer = context;
    const struct sb_frame view = {.size_bytes = frame->size_bytes,
                                  .seq = frame->ticket,
                                  .number = frame->number,
                                  .pts_ns = frame->pts_ns,
                                  .duration_ns = frame->duration_ns,
                                  .flags = frame->flags,
                                  .trace_id = frame->trace_id,
                                  .job_id = frame->job_id};
    user_header_write(&view, frame->format, header_of(frame->handle));
    presence_check();
    iox_pub_publish_chunk(writer->publisher, frame->handle);
    return 0;
}

static void abandon(void *context, struct sb_transport_frame *frame)
{
    struct writer *writer = context;
    iox_pub_release_chunk(writer->publisher, frame->handle);
}

static int open_writer(const struct sb_transport_end *end, void **out_writer)
{
    int failed = join(end->node);
    struct writer *writer = failed == 0 ? calloc(1, sizeof *writer) : NULL;
    if (writer == NULL) {
        return failed != 0 ? failed : -ENOMEM;
    }
    iox_pub_options_t options;
    iox_pub_options_init(&options);
    options.historyCapacity = end->kept_count > 0 ? end->kept_count : 1;
    options.nodeName = end->node;
    writer->publisher = iox_pub_init(&writer->storage, SERVICE, end->address, "frames", &options);
    struct sb_transport_frame first = {.size_bytes = 0, .format = end->format};
    failed = loan(writer, &first);
    for (int64_t until_ns = now_ns() + OPEN_NS; failed == -EAGAIN && now_ns() < until_ns;) {
        nanosleep(&(struct timespec){.tv_nsec = LOAN_LOOK_NS}, NULL);
        failed = loan(writer, &first);
    }
    if (failed == 0) {
        failed = publish(writer, &first);
    }
    if (failed != 0) {
        iox_pub_deinit(writer->publisher);
        free(writer);
        return failed;
    }
    *out_writer = writer;
    return 0;
}

static void close_writer(void *context)
{
    struct writer *writer = context;
    iox_pub_deinit(writer->publisher);
    free(writer);
}

static int open_reader(const struct sb_transport_end *end, void **out_reader)
{
    int failed = join(end->node);
    struct reader *reader = failed == 0 ? calloc(1, sizeof *reader) : NULL;
    if (reader == NULL) {
        return failed != 0 ? failed : -ENOMEM;
    }
    iox_sub_options_t options;
    iox_sub_options_init(&options);
    options.queueCapacity = end->queue_count + 2;
    options.historyRequest = end->kept_count > 0 ? end->kept_count : 1;
    options.nodeName = end->node;
    reader->subscriber = iox_sub_init(&reader->storage, SERVICE, end->address, "frames", &options);
    *out_reader = reader;
    return 0;
}

static int is_attached(void *context)
{
    struct reader *reader = context;
    reader->is_attached = reader->is_attached || iox_sub_has_chunks(reader->subscriber);
    return reader->is_attached ? 1 : 0;
}

static int take(void *context, uint64_t ticket, struct sb_transport_frame *frame)
{
    struct reader *reader = context;
    for (;;) {
        const void *payload = reader->next;
        if (payload == NULL &&
            iox_sub_take_chunk(reader->subscriber, &payload) != ChunkReceiveResult_SUCCESS) {
            presence_check();
            return -ENODATA;  // it would be here: chunks are delivered before publish() returns
        }
        reader->next = NULL;
        uint64_t size_bytes = 0;
        uint64_t has = ticket_of(payload, &size_bytes);
        if (has > ticket) {
            reader->next = payload;
            presence_check();
            return -ENODATA;
        }
        if (has == ticket) {
            frame->data = (void *)(uintptr_t)payload;
            frame->handle = frame->data;
            frame->size_bytes = size_bytes;
            return 1;
        }
        iox_sub_release_chunk(reader->subscriber, payload);
    }
}

static void release(void *context, struct sb_transport_frame *frame)
{
    struct reader *reader = context;
    iox_sub_release_chunk(reader->subscriber, frame->handle);
}

static void close_reader(void *context)
{
    struct reader *reader = context;
    if (reader->next != NULL) {
        iox_sub_release_chunk(reader->subscriber, reader->next);
    }
    iox_sub_deinit(reader->subscriber);
    free(reader);
}

SB_TRANSPORT() = {
    .struct_size = sizeof(struct sb_transport),
    .version = SB_TRANSPORT_VERSION,
    .name = "iceoryx",
    .limits = {.payload_bytes_max = PAYLOAD_MAX,
               .loans_max = LOANS_MAX,
               .queue_max = QUEUE_MAX,
               .readers_max = READERS_MAX,
               .kept_max = HISTORY_MAX},
    .open_writer = open_writer,
    .loan = loan,
    .publish = publish,
    .abandon = abandon,
    .close_writer = close_writer,
    .open_reader = open_reader,
    .is_attached = is_attached,
    .take = take,
    .release = release,
    .close_reader = close_reader,
};

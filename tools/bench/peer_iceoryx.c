// SPDX-License-Identifier: Apache-2.0
// iceoryx by its C binding: loaned chunks, no loss (the writer waits for its readers), polled or
// with a wait set.
#include "tools/bench/peers.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <iceoryx_binding_c/log.h>
#include <iceoryx_binding_c/publisher.h>
#include <iceoryx_binding_c/runtime.h>
#include <iceoryx_binding_c/subscriber.h>
#include <iceoryx_binding_c/types.h>
#include <iceoryx_binding_c/wait_set.h>

#include "base/clock.h"
#include "tools/bench/roudi.h"
#include "tools/bench/stamp.h"

#define QUEUE_MAX 256
#define OPEN_NS (5 * CLOCK_NS_PER_S)

struct iceoryx_end {
    const struct pair_shape *shape;
    iox_pub_storage_t publisher_storage;
    iox_sub_storage_t subscriber_storage;
    iox_ws_storage_t set_storage;
    iox_pub_t publisher;
    iox_sub_t subscriber;
    iox_ws_t set;
};

static int prepare(struct pair_room *room)
{
    return roudi_start(room->folder);
}

static bool is_queue_small(const struct pair_shape *shape)
{
    return shape->size > 65536;
}

static int open_publisher(struct iceoryx_end *end, const char *name)
{
    iox_pub_options_t options;
    iox_pub_options_init(&options);
    options.subscriberTooSlowPolicy = ConsumerTooSlowPolicy_WAIT_FOR_CONSUMER;
    end->publisher = iox_pub_init(&end->publisher_storage, "streambench", name, "data", &options);
    int64_t end_ns = clock_now_ns() + OPEN_NS;
    while (end->publisher != NULL && !iox_pub_has_subscribers(end->publisher)) {
        if (clock_now_ns() > end_ns) {
            return -ETIMEDOUT;
        }
        sched_yield();
    }
    return end->publisher != NULL ? 0 : -ENOMEM;
}

static int open_subscriber(struct iceoryx_end *end, const char *name)
{
    iox_sub_options_t options;
    iox_sub_options_init(&options);
    uint32_t depth = end->shape->depth < QUEUE_MAX ? end->shape->depth : QUEUE_MAX;
    options.queueCapacity = is_queue_small(end->shape) && depth > 16 ? 16 : depth;
    options.queueFullPolicy = QueueFullPolicy_BLOCK_PRODUCER;
    end->subscriber = iox_sub_init(&end->subscriber_storage, "streambench", name, "data", &options);
    if (end->subscriber == NULL) {
        return -ENOMEM;
    }
    int64_t end_ns = clock_now_ns() + OPEN_NS;
    while (iox_sub_get_subscription_state(end->subscriber) != SubscribeState_SUBSCRIBED) {
        if (clock_now_ns() > end_ns) {
            return -ETIMEDOUT;
        }
        sched_yield();
    }
    if (end->shape->is_sleeping) {
        end->set = iox_ws_init(&end->set_storage);
        iox_ws_attach_subscriber_event(end->set, end->subscriber, SubscriberEvent_DATA_RECEIVED, 1,
                                       NULL);
    }
    return 0;
}

static void *open_end(struct pair_room *room, unsigned way, int reader)
{
    static bool is_registered;
    struct iceoryx_end *end = calloc(1, sizeof *end);
    if (end == NULL) {
        return NULL;
    }
    if (!is_registered) {
        char runtime[64];
        iox_set_loglevel(Iceoryx_LogLevel_Off);
        snprintf(runtime, sizeof runtime, "streambench-%d", (int)getpid());
        iox_runtime_init(runtime);
        is_registered = true;
    }
    char name[64];
    snprintf(name, sizeof name, "%d-%u-%u", (int)getppid(), room->serial, way);
    end->shape = room->shape;
    int failed = reader < 0 ? open_publisher(end, name) : open_subscriber(end, name);
    return failed == 0 ? end : NULL;
}

static int send_chunk(void *context, uint64_t tag)
{
    struct iceoryx_end *end = context;
    void *bytes;
    // With every chunk in flight there is none until a reader gives one back.
    while (iox_pub_loan_chunk(end->publisher, &bytes, (uint32_t)end->shape->size) !=
           AllocationResult_SUCCESS) {
        sched_yield();
    }
    if (end->shape->is_touched) {
        stamp_write_all(bytes, end->shape->size, tag);
    }
    memcpy(bytes, &tag, sizeof tag);
    iox_pub_publish_chunk(end->publisher, bytes);
    return 0;
}

static int receive_chunk(void *context, uint64_t *out_tag)
{
    struct iceoryx_end *end = context;
    const void *bytes;
    while (iox_sub_take_chunk(end->subscriber, &bytes) != ChunkReceiveResult_SUCCESS) {
        if (end->set != NULL) {
            iox_notification_info_t info;
            uint64_t missed;
            iox_ws_wait(end->set, &info, 1, &missed);
        } else {
            clock_pause();
        }
    }
    memcpy(out_tag, bytes, sizeof *out_tag);
    if (end->shape->is_touched) {
        volatile uint64_t sum = stamp_read_all(bytes, end->shape->size);
        (void)sum;
    }
    iox_sub_release_chunk(end->subscriber, bytes);
    return 0;
}

static void close_end(void *context)
{
    struct iceoryx_end *end = context;
    if (end->publisher != NULL) {
        iox_pub_deinit(end->publisher);
    } else {
        if (end->set != NULL) {
            iox_ws_detach_subscriber_event(end->set, end->subscriber,
                                           SubscriberEvent_DATA_RECEIVED);
            iox_ws_deinit(end->set);
        }
        iox_sub_deinit(end->subscriber);
    }
    free(end);
}

static const char *missing(const struct pair_shape *shape)
{
    (void)shape;
    return NULL;
}

const struct pair_peer peer_iceoryx = {
    .name = "iceoryx",
    .package = "libiceoryx-binding-c-dev, iceoryx",
    .missing = missing,
    .prepare = prepare,
    .open = open_end,
    .send = send_chunk,
    .receive = receive_chunk,
    .close = close_end,
};

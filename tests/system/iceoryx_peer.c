// SPDX-License-Identifier: Apache-2.0
// An ordinary iceoryx application, written against iceoryx's C binding alone:
//
//   iceoryx-peer publish SERVICE INSTANCE EVENT FIRST COUNT BYTES PAUSE
//   iceoryx-peer subscribe SERVICE INSTANCE EVENT FILE WAIT
//
// It publishes numbered chunks, each after the last one has found room at every subscriber; with
// PAUSE a millisecond later. Or it writes what comes into FILE: 8 bytes size, the payload, 8 bytes
// size of the user header, that header; with WAIT publishers wait until its queue has room. SIGTERM
// ends it when nothing is queued; the last line says how many chunks it were.
#include <inttypes.h>
#include <signal.h>
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
#include <iceoryx_binding_c/wait_set.h>

#define HEADER_BYTES 200

static volatile sig_atomic_t is_over;

static void on_terminate(int number)
{
    (void)number;
    is_over = 1;
}

static void rest(void)
{
    struct timespec span = {.tv_nsec = 1000000};
    nanosleep(&span, NULL);  // tidy: allow banned: iceoryx has no event for what is waited for
}

static void say(const char *what, uint64_t count)
{
    printf("%s %" PRIu64 "\n", what, count);
    fflush(stdout);
}

static int publish(char **names, uint64_t first, uint64_t count, uint32_t bytes, bool is_paced)
{
    static iox_pub_storage_t storage;
    iox_pub_options_t options;
    uint64_t done = 0;
    iox_pub_options_init(&options);
    options.subscriberTooSlowPolicy = ConsumerTooSlowPolicy_WAIT_FOR_CONSUMER;
    iox_pub_t publisher = iox_pub_init(&storage, names[0], names[1], names[2], &options);
    while (!iox_pub_has_subscribers(publisher) && !is_over) {
        rest();
    }
    say("publishing from", first);
    while (done < count && !is_over) {
        void *chunk;
        if (iox_pub_loan_chunk(publisher, &chunk, bytes) != AllocationResult_SUCCESS) {
            rest();
            continue;
        }
        uint64_t number = first + done;
        memset(chunk, (int)(number & 0xff), bytes);
        memcpy(chunk, &number, sizeof number);
        iox_pub_publish_chunk(publisher, chunk);
        done++;
        if (is_paced) {
            rest();
        }
    }
    say("published", done);
    // The subscribers' queues end with the publisher, so it stays until it is told to go.
    while (!is_over) {
        rest();
    }
    iox_pub_deinit(publisher);
    return 0;
}

static void keep(FILE *file, const void *bytes, uint64_t size)
{
    fwrite(&size, sizeof size, 1, file);
    fwrite(bytes, 1, (size_t)size, file);
}

// The binding does not tell the size of a payload: it is the eighth word of the chunk.
static void keep_chunk(FILE *file, const void *chunk)
{
    uint32_t size;
    const iox_chunk_header_t *start = iox_chunk_header_from_user_payload_const(chunk);
    const void *header = iox_chunk_header_to_user_header_const(start);
    memcpy(&size, (const char *)start + 28, sizeof size);
    keep(file, chunk, size);
    keep(file, header, header != NULL ? HEADER_BYTES : 0);
}

static int subscribe(char **names, const char *path, bool is_waited_for)
{
    static iox_sub_storage_t storage;
    static iox_ws_storage_t set_storage;
    iox_sub_options_t options;
    uint64_t done = 0;
    bool is_told = false;
    FILE *file = fopen(path, "we");
    if (file == NULL) {
        return 1;
    }
    iox_sub_options_init(&options);
    options.queueCapacity = 8;
    options.queueFullPolicy =
        is_waited_for ? QueueFullPolicy_BLOCK_PRODUCER : QueueFullPolicy_DISCARD_OLDEST_DATA;
    iox_sub_t subscriber = iox_sub_init(&storage, names[0], names[1], names[2], &options);
    iox_ws_t set = iox_ws_init(&set_storage);
    iox_ws_attach_subscriber_event(set, subscriber, SubscriberEvent_DATA_RECEIVED, 1, NULL);
    for (;;) {
        const void *chunk;
        bool was_over = is_over;
        if (iox_sub_take_chunk(subscriber, &chunk) == ChunkReceiveResult_SUCCESS) {
            keep_chunk(file, chunk);
            iox_sub_release_chunk(subscriber, chunk);
            if (++done % 100 == 0) {
                say("got", done);
            }
            continue;
        }
        if (was_over) {
            break;
        }
        if (!is_told) {
            say("subscribed", 0);
            is_told = true;
        }
        iox_notification_info_t info;
        uint64_t missed;
        struct timespec limit = {.tv_nsec = 10000000};
        iox_ws_timed_wait(set, limit, &info, 1, &missed);
    }
    fclose(file);
    say("received", done);
    // What it is ended by may be the end of RouDi, whom nothing can be given back to any more.
    _exit(0);
}

int main(int argc, char **argv)
{
    char name[64];
    signal(SIGTERM, on_terminate);
    snprintf(name, sizeof name, "iceoryx-peer-%d", (int)getpid());
    iox_set_loglevel(Iceoryx_LogLevel_Off);
    if (argc == 9 && strcmp(argv[1], "publish") == 0) {
        iox_runtime_init(name);
        return publish(argv + 2, strtoull(argv[5], NULL, 10), strtoull(argv[6], NULL, 10),
                       (uint32_t)strtoul(argv[7], NULL, 10), strcmp(argv[8], "0") != 0);
    }
    if (argc == 7 && strcmp(argv[1], "subscribe") == 0) {
        iox_runtime_init(name);
        return subscribe(argv + 2, argv[5], strcmp(argv[6], "0") != 0);
    }
    fprintf(stderr, "iceoryx-peer: see the head of its source\n");
    return 2;
}

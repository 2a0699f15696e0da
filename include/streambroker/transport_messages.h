/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Transports that send messages: what such a transport has left to say.
 *
 * Who can send some bytes to readers, and receive them in order, fills a struct sb_messages and
 * declares its transport with SB_TRANSPORT_OF_MESSAGES(). Buffers, tickets, frames that were
 * evicted and those that are gone are looked after here, with one copy into the message and one out
 * of it as the medium makes them. A transport that has memory of its own, or sends nothing, fills
 * the table of <streambroker/transport.h> itself.
 *
 * Life of a writer: open(), send() for each frame, close(). Life of a reader: open(), is_attached()
 * until it says 1, receive() for each frame, close().
 *
 * Thread: as in <streambroker/transport.h>. For C only; include it once in a library.
 * Docs: docs/transports.md, with an example of 80 lines.
 */
#ifndef STREAMBROKER_TRANSPORT_MESSAGES_H
#define STREAMBROKER_TRANSPORT_MESSAGES_H

#include <streambroker/transport.h>

#ifndef __cplusplus

#include <errno.h>
#include <stdlib.h>
#include <sys/types.h>

/** What the medium does. Calls that fail return a negative errno and change nothing. */
struct sb_messages {
    size_t channel_bytes; /**< of the medium's own memory per end, given to every call, zeroed */

    /**
     * Opens the writer of an output, or the reader of a link. Either may come first.
     *
     * Returns: 0; a negative errno as open_writer() of <streambroker/transport.h>: then close()
     *          is called as well.
     */
    int (*open)(void *channel, const struct sb_transport_end *end, int is_writer);

    /** Whether what is sent from now on reaches this reader. Returns 1; 0 not yet; or an errno. */
    int (*is_attached)(void *reader);

    /**
     * Sends a message to every attached reader, in order. It never blocks.
     *
     * Returns: 0; -EAGAIN: the same message comes again after some wait, and has to go to those
     *          only that do not have it.
     */
    int (*send)(void *writer, const void *bytes, size_t size_bytes);

    /**
     * Receives the next message, whole.
     *
     * Returns: its bytes; -EAGAIN when it is still on its way, for at most a second; -ENODATA when
     *          none is there that was sent before this call.
     */
    ssize_t (*receive)(void *reader, void *bytes, size_t size_bytes);

    /** Closes a writer or a reader, also one that could not be opened. */
    void (*close)(void *channel);
};

/** A message as it is sent. */
struct sb_message {
    uint64_t ticket;
    uint64_t size_bytes; /* of the payload */
    unsigned char payload[];
};

/** A writer or reader, around that of the medium. */
struct sb_message_end {
    const struct sb_messages *calls;
    void *channel;
    size_t message_bytes_max;
    struct sb_message *next;  /* a message that was received before its turn */
    struct sb_message *spare; /* room for the one that comes next */
};

/** Closes both kinds of ends, for the table of SB_TRANSPORT_OF_MESSAGES(), as all that follows. */
static inline void sb_message_close(void *context)
{
    struct sb_message_end *end = (struct sb_message_end *)context;
    if (end->channel != NULL) {
        end->calls->close(end->channel);
    }
    free(end->channel);
    free(end->next);
    free(end->spare);
    free(end);
}

/**
 * Opens both kinds of ends.
 *
 * Returns: 0; -ENOMEM; or what the medium says.
 */
static inline int sb_message_open(const struct sb_messages *calls,
                                  const struct sb_transport_end *how, int is_writer, void **out_end)
{
    struct sb_message_end *end = (struct sb_message_end *)calloc(1, sizeof *end);
    if (end == NULL) {
        return -ENOMEM;
    }
    end->calls = calls;
    end->message_bytes_max = sizeof(struct sb_message) + (size_t)how->payload_bytes_max;
    end->channel = calloc(1, calls->channel_bytes);
    int failed = end->channel == NULL ? -ENOMEM : calls->open(end->channel, how, is_writer);
    if (failed != 0) {
        sb_message_close(end);
        return failed;
    }
    *out_end = end;
    return 0;
}

/**
 * Makes room for a message.
 *
 * Returns: 0; -ENOMEM.
 */
static inline int sb_message_loan(void *writer, struct sb_transport_frame *frame)
{
    struct sb_message *message =
        (struct sb_message *)malloc(sizeof *message + (size_t)frame->size_bytes);
    (void)writer;
    if (message == NULL) {
        return -ENOMEM;
    }
    frame->handle = message;
    frame->data = message->payload;
    return 0;
}

/**
 * Sends a message under its ticket.
 *
 * Returns: what the medium says.
 */
static inline int sb_message_publish(void *writer, struct sb_transport_frame *frame)
{
    struct sb_message_end *end = (struct sb_message_end *)writer;
    struct sb_message *message = (struct sb_message *)frame->handle;
    message->ticket = frame->ticket;
    message->size_bytes = frame->size_bytes;
    int failed =
        end->calls->send(end->channel, message, sizeof *message + (size_t)frame->size_bytes);
    if (failed == 0) {
        free(message);
    }
    return failed;
}

/** Of a writer and of a reader: a message that nobody needs any more. */
static inline void sb_message_free(void *end, struct sb_transport_frame *frame)
{
    (void)end;
    free(frame->handle);
}

/**
 * Asks the medium.
 *
 * Returns: what it says.
 */
static inline int sb_message_is_attached(void *reader)
{
    struct sb_message_end *end = (struct sb_message_end *)reader;
    return end->calls->is_attached(end->channel);
}

/**
 * The next message, into the room for it.
 *
 * Returns: 0; -EAGAIN; -ENODATA.
 */
static inline int sb_message_receive(struct sb_message_end *end)
{
    if (end->spare == NULL) {
        end->spare = (struct sb_message *)malloc(end->message_bytes_max);
    }
    if (end->spare == NULL) {
        return -EAGAIN;
    }
    ssize_t got = end->calls->receive(end->channel, end->spare, end->message_bytes_max);
    if (got < 0) {
        return (int)got;
    }
    if ((size_t)got < sizeof *end->spare ||
        (size_t)got - sizeof *end->spare < end->spare->size_bytes) {
        return -ENODATA;
    }
    end->next = end->spare;
    end->spare = NULL;
    return 0;
}

/**
 * The message with this ticket; those before it are passed over.
 *
 * Returns: 1; -EAGAIN; -ENODATA.
 */
static inline int sb_message_take(void *reader, uint64_t ticket, struct sb_transport_frame *frame)
{
    struct sb_message_end *end = (struct sb_message_end *)reader;
    for (;;) {
        int failed = end->next == NULL ? sb_message_receive(end) : 0;
        if (failed != 0) {
            return failed;
        }
        struct sb_message *message = end->next;
        if (message->ticket > ticket) {
            return -ENODATA; /* it was sent before this reader was there */
        }
        end->next = NULL;
        if (message->ticket == ticket) {
            frame->handle = message;
            frame->data = message->payload;
            frame->size_bytes = message->size_bytes;
            return 1;
        }
        end->spare = message; /* evicted: nobody asks for it any more */
    }
}

/**
 * Declares the transport NAME, as in its file's name, whose medium is MEDIUM, a struct sb_messages:
 * SB_TRANSPORT_OF_MESSAGES("socket", medium, .payload_bytes_max = 65536);
 * What follows are limits, as in struct sb_transport_limits.
 */
#define SB_TRANSPORT_OF_MESSAGES(NAME, MEDIUM, ...)                                                \
    static int sb_message_open_writer(const struct sb_transport_end *end, void **out_writer)       \
    {                                                                                              \
        return sb_message_open(&(MEDIUM), end, 1, out_writer);                                     \
    }                                                                                              \
    static int sb_message_open_reader(const struct sb_transport_end *end, void **out_reader)       \
    {                                                                                              \
        return sb_message_open(&(MEDIUM), end, 0, out_reader);                                     \
    }                                                                                              \
    SB_TRANSPORT() = {.struct_size = sizeof(struct sb_transport),                                  \
                      .version = SB_TRANSPORT_VERSION,                                             \
                      .name = NAME,                                                                \
                      .limits = {__VA_ARGS__},                                                     \
                      .open_writer = sb_message_open_writer,                                       \
                      .loan = sb_message_loan,                                                     \
                      .publish = sb_message_publish,                                               \
                      .abandon = sb_message_free,                                                  \
                      .close_writer = sb_message_close,                                            \
                      .open_reader = sb_message_open_reader,                                       \
                      .is_attached = sb_message_is_attached,                                       \
                      .take = sb_message_take,                                                     \
                      .release = sb_message_free,                                                  \
                      .close_reader = sb_message_close}

#endif
#endif

/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Transports: what carries the payloads of links that do not use the ring of the broker.
 *
 * A transport is a shared library libstreambroker-NAME.so which exports one table, declared with
 * SB_TRANSPORT(). Workers of trusted nodes load it by that name when a link says `transport: NAME`.
 * The order, the end and the counts of frames stay in the pages of the link, and so do waking and
 * waiting; a transport brings the bytes from one writer to its readers, and nothing else.
 *
 * Life of a writer, one per output and generation of its memory:
 *   1. open_writer() at an address that nobody else has.
 *   2. loan(), then publish() or abandon(), for each frame; publish() gives it a ticket.
 *   3. close_writer(). What was published stays readable for readers that are attached.
 * Life of a reader, one per link and generation:
 *   1. open_reader() at the address of its writer; then is_attached(), until it says 1.
 *   2. take() and release() for each frame, by tickets that only grow.
 *   3. close_reader(), after everything was released.
 * A reader that takes the place of one that died asks for what that one had not released. Where a
 * transport keeps that (kept_max), nothing is lost; else it says that it will never come.
 *
 * Thread: every call comes from the thread that runs the processor's calls. A transport may have
 * threads of its own. Calls that fail return a negative errno and change nothing.
 * Docs: docs/transports.md, with an example.
 */
#ifndef STREAMBROKER_TRANSPORT_H
#define STREAMBROKER_TRANSPORT_H

#include <stddef.h>
#include <stdint.h>

#include <streambroker/format.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Raised when a table of before would be misunderstood. */
#define SB_TRANSPORT_VERSION 1

/** What a transport can do. A link that needs more is refused before its graph runs. 0 = any. */
struct sb_transport_limits {
    uint64_t payload_bytes_max; /**< of one frame */
    uint32_t loans_max;         /**< buffers of one writer that are claimed at the same time */
    uint32_t queue_max;         /**< frames that wait for one reader, or are held by it */
    uint32_t readers_max;       /**< of one writer */
    uint32_t kept_max; /**< newest frames that a writer keeps for readers of later; here 0 = none */
};

/** Where and for what a writer or reader is opened. Valid during the call only. */
struct sb_transport_end {
    size_t struct_size;
    const char *address; /**< where writer and readers meet: 1 to 79 bytes of [a-z0-9_.-] */
    const char *node;    /**< id of the node that opens it */
    const char *port;    /**< its port */
    const struct sb_format *format;
    uint64_t payload_bytes_max; /**< of one frame */
    uint32_t loan_count;        /**< writer: buffers that are claimed at the same time */
    uint32_t queue_count;       /**< frames that wait for one reader, or are held by it */
    uint32_t reader_count;      /**< writer: readers that there will be */
    uint32_t kept_count; /**< newest frames that a reader in place of one that died may ask for */
};

/** One payload, and what is known of it. The fields besides the payload are the frame's own: a
 *  transport that talks to other programs may pass them on. */
struct sb_transport_frame {
    void *data;          /**< set by loan() and take(); aligned to 8 */
    uint64_t size_bytes; /**< of the payload */
    void *handle;        /**< the transport's own, set by loan() and take() */
    uint64_t ticket;     /**< set before publish(), by the caller; from 1, growing per writer */
    uint64_t number;
    int64_t pts_ns;
    int64_t duration_ns;
    uint32_t flags; /**< enum sb_frame_flag */
    uint64_t trace_id;
    uint64_t job_id;
    const struct sb_format *format; /**< valid during publish() only */
};

/** The table of a transport. */
struct sb_transport {
    size_t struct_size;
    uint32_t version; /**< SB_TRANSPORT_VERSION */
    const char *name; /**< as in its file name */
    struct sb_transport_limits limits;

    /**
     * Opens the writer of an output.
     *
     * Owner:   *out_writer is the transport's, given back to it in every call until close_writer().
     * Returns: 0; -EAGAIN: the worker starts again some time later, at no cost to its restarts;
     *          another negative errno refuses the worker, with the text of the errno.
     */
    int (*open_writer)(const struct sb_transport_end *end, void **out_writer);

    /**
     * Gives a buffer for frame->size_bytes; sets data and handle. It never blocks.
     *
     * Shape:   frame->data has room for size_bytes.
     * Owner:   the caller's until publish() or abandon().
     * Returns: 0; -EAGAIN when there is none now: it is asked again after some wait.
     */
    int (*loan)(void *writer, struct sb_transport_frame *frame);

    /**
     * Sends a loaned buffer to every reader that is attached. frame->size_bytes may have become
     * smaller. Afterwards take() of each of them finds the ticket, at once or a little later.
     *
     * Owner:   after 0 the buffer is the transport's; after an error it is still the caller's.
     * Returns: 0; -EAGAIN when it has to be tried again after some wait.
     */
    int (*publish)(void *writer, struct sb_transport_frame *frame);

    /** Gives a loaned buffer back. */
    void (*abandon)(void *writer, struct sb_transport_frame *frame);

    /** Closes the writer; loaned buffers were given back before. */
    void (*close_writer)(void *writer);

    /**
     * Opens the reader of a link. Its writer may not be there yet.
     *
     * Owner:   *out_reader is the transport's, given back to it in every call until close_reader().
     * Returns: 0; a negative errno refuses the worker, with the text of the errno.
     */
    int (*open_reader)(const struct sb_transport_end *end, void **out_reader);

    /**
     * Says whether everything that its writer publishes from now on reaches this reader, and that
     * the kept_count newest frames of before have reached it. It is called every few milliseconds
     * until it is true; no frame is published for the link before.
     *
     * Returns: 1; 0 not yet; a negative errno ends the worker.
     */
    int (*is_attached)(void *reader);

    /**
     * The payload with this ticket. Tickets are asked for in growing order, and some are left out:
     * what is older can be dropped.
     *
     * Shape:   sets data, size_bytes and handle of frame. data stays as it is until release().
     * Owner:   the caller's until release().
     * Returns: 1; -EAGAIN when it is still on its way, for at most a second; -ENODATA when it will
     *          never come: a transport whose payloads arrive before publish() returns says so at
     *          once when it has none.
     */
    int (*take)(void *reader, uint64_t ticket, struct sb_transport_frame *frame);

    /** Gives a payload back. Payloads may be given back in any order. */
    void (*release)(void *reader, struct sb_transport_frame *frame);

    /** Closes the reader. */
    void (*close_reader)(void *reader);

    /**
     * A descriptor that poll(2) finds readable when a payload that is on its way has come. May be
     * NULL: then take() is asked again every millisecond.
     *
     * Owner:   the transport's, not to be closed.
     */
    int (*wait_fd)(void *reader);
};

/** The name under which the table is looked for. */
#define SB_TRANSPORT_SYMBOL "sb_transport_table"

/** Begins the definition of the table: SB_TRANSPORT() = {.struct_size = ..., ...}; */
#define SB_TRANSPORT()                                                                             \
    extern const struct sb_transport sb_transport_table;                                           \
    __attribute__((visibility("default"))) const struct sb_transport sb_transport_table

#ifdef __cplusplus
}
#endif

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Processors: an ordinary program with one table and one line of main.
 *
 * Life of a processor inside a graph:
 *   1. The broker starts the program; sb_processor_main() talks to it over descriptor 3.
 *   2. open() is called once: read parameters, get ports, make state, say output formats.
 *   3. on_format() is called for every input whose format is agreed; outputs may follow from it.
 *   4. When every node of the graph is ready, frames run: on_frame(), on_frames(), on_tick(),
 *      on_loop() or run(), by the mode. Each call is one step.
 *   5. on_config() is called between steps when parameters were changed; the one call of a manual
 *      node lasts for its whole life, so there it is called inside sb_node_wait() and
 *      sb_input_wait().
 *   6. When all linked inputs have ended, or a source calls sb_node_finish(), the outputs end.
 *   7. close() is called once, then the program exits with 0. It is not called when open() failed:
 *      open() itself gives back what it had taken until then.
 *
 * Threads: every call-back runs on the thread that called sb_processor_main(), and the calls below
 * may be made from that thread only. A processor may have threads of its own that do not call them.
 *
 * A call-back returns 0, or a negative errno when the step failed: the broker's log then says
 * "[node] error processing tick N: text" with the text of sb_node_error(), the step's frames are
 * dropped and counted, and the next step runs. When open() fails, the graph does not start.
 *
 * No call of the frame path allocates memory after open().
 */
#ifndef STREAMBROKER_PROCESSOR_H
#define STREAMBROKER_PROCESSOR_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <streambroker/error.h>
#include <streambroker/format.h>
#include <streambroker/frame.h>

#ifdef __cplusplus
extern "C" {
#endif

struct sb_node;

/** How an input gets what is published: enum value, name. */
#define SB_DELIVERIES(X)                                                                           \
    X(LOSSLESS, "lossless")                                                                        \
    X(ORDERED, "ordered")                                                                          \
    X(LATEST, "latest")

enum sb_delivery {
    SB_DELIVERY_DEFAULT = 0, /**< lossless */
#define X(name, text) SB_DELIVERY_##name,
    SB_DELIVERIES(X)
#undef X
};

/** What runs a processor: enum value, name. */
#define SB_MODES(X)                                                                                \
    X(REACTIVE, "reactive")                                                                        \
    X(CONTINUOUS, "continuous")                                                                    \
    X(TICK, "tick")                                                                                \
    X(MANUAL, "manual")

enum sb_mode {
    SB_MODE_DEFAULT = 0, /**< reactive */
#define X(name, text) SB_MODE_##name,
    SB_MODES(X)
#undef X
};

/** When a reactive processor has work: enum value, name. */
#define SB_ACTIVATIONS(X)                                                                          \
    X(ANY, "any")     /* one frame of any input per step */                                        \
    X(ALL, "all")     /* one frame of every linked input that has not ended */                     \
    X(BATCH, "batch") /* count frames of every such input, or what is there after within_ns */     \
    X(EVERY, "every") /* at most once per interval, everything that is there */

enum sb_activation {
    SB_ACTIVATE_DEFAULT = 0, /**< any */
#define X(name, text) SB_ACTIVATE_##name,
    SB_ACTIVATIONS(X)
#undef X
};

/** Types of parameters: enum value, name. */
#define SB_PARAM_TYPES(X)                                                                          \
    X(INT, "int")   /* minimum and maximum apply */                                                \
    X(REAL, "real") /* minimum and maximum apply */                                                \
    X(BOOL, "bool")                                                                                \
    X(STRING, "string")     /* maximum is the length in bytes */                                   \
    X(CHOICE, "choice")     /* one of choices */                                                   \
    X(DURATION, "duration") /* nanoseconds; written with a unit */                                 \
    X(SIZE, "size")         /* bytes; written with a unit */                                       \
    X(PATH, "path")         /* a file or folder; relative to the graph file */

enum sb_param_type {
    SB_PARAM_NONE = 0,
#define X(name, text) SB_PARAM_##name,
    SB_PARAM_TYPES(X)
#undef X
};

#define SB_PORTS_MAX 64      /**< entries of a descriptor, inputs and outputs each */
#define SB_PORT_ARRAY_MAX 64 /**< members of one port array */
#define SB_PARAMS_MAX 64
#define SB_CHOICES_MAX 64
#define SB_NAME_BYTES_MAX 64     /**< of a port, node or parameter, terminator included */
#define SB_STRING_BYTES_MAX 8192 /**< of a parameter's value, terminator included */

/** One input or output, or an array of them. Ports never depend on parameters. */
struct sb_port {
    const char *name;       /**< after its type: video, audio, text, data; in and out for any */
    enum sb_port_type type; /**< links join equal types, or any */
    const char *help;       /**< one sentence */
    uint32_t count;         /**< 0: one port NAME; n: ports NAME_0 ... NAME_n-1, linked as needed */
    bool is_optional;       /**< input: the node works without a link to it */

    enum sb_delivery delivery; /**< input: default of its links */
    uint32_t holds;            /**< input: frames that the processor may keep, 1 or more; 0 = 1 */
    bool is_memory;            /**< input: a held frame stays while newer ones come (overlay) */

    uint32_t claims;      /**< output: buffers that may be claimed at once; 0 = 1 */
    bool is_one_per_step; /**< output: at most one frame per step (exactly-once across a crash) */
    bool is_timed; /**< output: the processor itself says the pts_ns of frames without an input */
    uint64_t max_payload; /**< output: bytes of the largest frame, 0 = 1 MiB or by the format */
    const char *follows;  /**< output: has the format of this input, when it says none itself */

    uint32_t memories;     /**< set of SB_BIT(SB_MEMORY_...) that it works on, 0 = CPU only */
    uint32_t pixels;       /**< video: set of SB_BIT(SB_PIXEL_...), 0 = all */
    uint32_t samples;      /**< audio: set of SB_BIT(SB_SAMPLE_...), 0 = all */
    uint32_t rate_min;     /**< audio: sample frames per second, 0 = no bound */
    uint32_t rate_max;     /**< likewise */
    uint32_t channels_min; /**< audio, 0 = no bound */
    uint32_t channels_max; /**< likewise */
    uint32_t kinds;        /**< data and any: set of SB_BIT(SB_FORMAT_...), 0 = all of the type */
    const char *message;   /**< data: full protobuf name, NULL = any */
};

/** One declared parameter. */
struct sb_param {
    const char *name;
    enum sb_param_type type;
    const char *help;    /**< one sentence with the unit */
    const char *initial; /**< default, as text; NULL = must be given */
    double minimum;      /**< bounds hold when minimum < maximum */
    double maximum;
    const char *const *choices; /**< CHOICE: NULL-terminated */
    bool is_fixed;              /**< cannot be changed while the node runs */
};

/** The table of a processor. Everything that is not set is 0. */
struct sb_processor {
    size_t struct_size; /**< sizeof(struct sb_processor) */
    const char *name;   /**< [a-z][a-z0-9_-]*, name of the program */
    const char *version;
    const char *summary; /**< one sentence */

    const struct sb_port *inputs;
    size_t input_count;
    const struct sb_port *outputs;
    size_t output_count;
    const struct sb_param *params;
    size_t param_count;

    enum sb_mode mode;             /**< default of key run.mode */
    int64_t interval_ns;           /**< default of run.interval: least time between calls; with
                                        SB_ACTIVATE_EVERY that between two steps */
    enum sb_activation activation; /**< default of key activate */
    uint32_t batch_count;          /**< with SB_ACTIVATE_BATCH */
    int64_t batch_within_ns;       /**< with SB_ACTIVATE_BATCH, 0 = wait for all */
    /** What it cannot work without (network, gpu, display, ...), NULL-terminated, or NULL. */
    const char *const *wants;

    int (*open)(struct sb_node *node);
    int (*on_format)(struct sb_node *node, struct sb_input *input, const struct sb_format *format);
    /** One frame; reactive. */
    int (*on_frame)(struct sb_node *node, const struct sb_frame *frame);
    /** All frames of one step in the order of the inputs; reactive; instead of on_frame. */
    int (*on_frames)(struct sb_node *node, const struct sb_frame *frames, size_t count);
    /** One tick of the graph's clock; mode tick. */
    int (*on_tick)(struct sb_node *node, uint64_t tick, int64_t due_ns);
    /** One round; mode continuous. */
    int (*on_loop)(struct sb_node *node);
    /** The whole life; mode manual. Called once, polls sb_node_should_stop(). */
    int (*run)(struct sb_node *node);
    /** An input has ended: no more frames will come from it. */
    int (*on_end)(struct sb_node *node, struct sb_input *input);
    /** All linked inputs have ended, before the outputs end: publish what is left. */
    int (*on_drain)(struct sb_node *node);
    /** Parameters changed. An error keeps the old ones, and the log says the error's text. */
    int (*on_config)(struct sb_node *node);
    /** Not called when open() failed. */
    void (*close)(struct sb_node *node);
};

/**
 * The whole main of a processor: worker of a broker, or --describe, --selftest, --help, --version.
 *
 * Owner:   processor must live until the call returns.
 * Thread:  the calling thread runs every call-back.
 * Returns: the exit status for main (enum sb_exit).
 */
SB_API int sb_processor_main(const struct sb_processor *processor, int argc, char **argv);

/* --- The node ------------------------------------------------------------------------------- */

/** Id of the node in the graph. Static for the life of the process. */
SB_API const char *sb_node_id(const struct sb_node *node);

/** Life of the node: 1 at the first start, one more at each restart. */
SB_API uint32_t sb_node_generation(const struct sb_node *node);

/** The processor's own state. The library never touches it; free it in close(). */
SB_API void sb_node_set_data(struct sb_node *node, void *data);
SB_API void *sb_node_data(const struct sb_node *node);

/** True when the node should come to its end: return from long work soon. */
SB_API bool sb_node_should_stop(const struct sb_node *node);

/** True when a pause was asked for; manual processors stop publishing until it is over. */
SB_API bool sb_node_is_paused(const struct sb_node *node);

/**
 * The node has no more work: outputs end and the program exits with 0 after this call-back.
 */
SB_API void sb_node_finish(struct sb_node *node);

/**
 * The node found its data wrong: the program closes and exits with SB_EXIT_BAD_DATA.
 */
SB_API void sb_node_fail_data(struct sb_node *node, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/**
 * Says why a call-back is about to fail. Use: return sb_node_error(node, -EINVAL, "...").
 *
 * Owner:   the text is copied and cut at 1023 bytes.
 * Returns: code.
 */
SB_API int sb_node_error(struct sb_node *node, int code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/**
 * Waits for a frame on any input, for a change of state, or for a time; for manual processors.
 *
 * Units:   deadline_ns is CLOCK_MONOTONIC nanoseconds, INT64_MAX = none.
 * Returns: 1 when an input may have a frame or has ended; 0 at the deadline, or earlier when a
 *          pause begins (see sb_node_is_paused()); -ECANCELED when the node should stop.
 */
SB_API int sb_node_wait(struct sb_node *node, int64_t deadline_ns);

/** Levels of sb_log. */
enum sb_log_level { SB_LOG_ERROR = 3, SB_LOG_WARNING = 4, SB_LOG_INFO = 6, SB_LOG_DEBUG = 7 };

/** One line to the broker's log. Cut at 4096 bytes. Never blocks longer than the pipe does. */
SB_API void sb_log(struct sb_node *node, enum sb_log_level level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/** CLOCK_MONOTONIC now, nanoseconds. */
SB_API int64_t sb_now_ns(void);

/** Period of the graph's clock, nanoseconds. */
SB_API int64_t sb_node_tick_period_ns(const struct sb_node *node);

/** Ticks that were missed since the start: paused, stopped, or the step before took too long. */
SB_API uint64_t sb_node_missed_ticks(const struct sb_node *node);

/* --- Parameters ----------------------------------------------------------------------------- */

/**
 * Value of a declared parameter. A name or type that the descriptor does not have is a bug of the
 * processor: the program stops with a message that names it.
 *
 * Units:   durations are nanoseconds, sizes are bytes.
 * Owner:   strings live until on_config() is called or the node closes.
 */
SB_API int64_t sb_param_int(const struct sb_node *node, const char *name);
SB_API double sb_param_real(const struct sb_node *node, const char *name);
SB_API bool sb_param_bool(const struct sb_node *node, const char *name);
SB_API const char *sb_param_string(const struct sb_node *node, const char *name);
/** Index into choices. */
SB_API int sb_param_choice(const struct sb_node *node, const char *name);

/* --- Inputs --------------------------------------------------------------------------------- */

/** A port by its name ("video", "video_3"). NULL when the descriptor has none. */
SB_API struct sb_input *sb_node_input(struct sb_node *node, const char *name);
SB_API const char *sb_input_name(const struct sb_input *input);
/** Index inside its port array, 0 for a single port. */
SB_API uint32_t sb_input_index(const struct sb_input *input);
/** True when at least one link leads to it. */
SB_API bool sb_input_is_linked(const struct sb_input *input);
/** True when every link has ended and every frame was taken. */
SB_API bool sb_input_is_ended(const struct sb_input *input);
/** Format of the last frame, or the one agreed; NULL before. Valid until the next on_format(). */
SB_API const struct sb_format *sb_input_format(const struct sb_input *input);
/** Bytes of the largest frame that can come from it; 0 before the format is agreed. */
SB_API uint64_t sb_input_frame_bytes_max(const struct sb_input *input);
/** The processor's own pointer per input. */
SB_API void sb_input_set_data(struct sb_input *input, void *data);
SB_API void *sb_input_data(const struct sb_input *input);

/**
 * Takes the next frame; for tick, continuous and manual processors.
 *
 * Owner:   release it with sb_frame_release(). What is not held or released when the step ends is
 *          released by the library. When every frame that was taken is released, its step is done:
 *          publish first what was made from it, or a crash in between loses that.
 * Returns: 1 and a frame; 0 when there is none now; -EPIPE when the input has ended; -EBUSY when
 *          as many frames are held as the port declares; -ECANCELED when on_format() refused the
 *          frame's format: the node has failed and should return.
 */
SB_API int sb_input_take(struct sb_input *input, struct sb_frame *out_frame);

/** Takes the newest frame and releases everything before it. Returns as sb_input_take(). */
SB_API int sb_input_take_latest(struct sb_input *input, struct sb_frame *out_frame);

/**
 * Waits until this input has a frame or has ended, whatever is queued on other inputs; for manual
 * processors that need a frame of one input before they can go on (a mixer, a muxer).
 *
 * Units:   deadline_ns is CLOCK_MONOTONIC nanoseconds, INT64_MAX = none.
 * Returns: 1 when it may have a frame or has ended; 0 at the deadline, or earlier when a pause
 *          begins; -ECANCELED when the node should stop.
 */
SB_API int sb_input_wait(struct sb_input *input, int64_t deadline_ns);

/**
 * Gives a frame back. In tick, continuous and manual processors: after the publish of what was made
 * from it.
 *
 * Returns: 0; -EINVAL when it is not held (already released), and nothing is changed.
 */
SB_API int sb_frame_release(const struct sb_frame *frame);

/**
 * Keeps a frame beyond its step, at most as many as the port's holds. Such frames are delivered at
 * least once across a crash instead of exactly once.
 *
 * Owner:   the caller, until sb_frame_release() of the copy.
 * Returns: 0; -EINVAL when it is not held; -EBUSY when too many are held.
 */
SB_API int sb_frame_hold(const struct sb_frame *frame, struct sb_frame *out_copy);

/* --- Outputs -------------------------------------------------------------------------------- */

/** A port by its name. NULL when the descriptor has none. */
SB_API struct sb_output *sb_node_output(struct sb_node *node, const char *name);
SB_API const char *sb_output_name(const struct sb_output *output);
/** True when at least one link leads from it. */
SB_API bool sb_output_is_linked(const struct sb_output *output);
/** Format that was agreed; NULL before. */
SB_API const struct sb_format *sb_output_format(const struct sb_output *output);
SB_API void sb_output_set_data(struct sb_output *output, void *data);
SB_API void *sb_output_data(const struct sb_output *output);

/**
 * Says which formats the output can give, best first: the links agree on the first one that every
 * consumer accepts. In open() or on_format(), or later for a change of format: what was published
 * is delivered in the old one first.
 *
 * Text ports need no call; data ports are binary without one; outputs that follow an input have
 * its format.
 *
 * Units:   frame_bytes_max: largest frame in bytes, 0 = the format's own size or the port's.
 * Returns: 0; -EINVAL for a format that is not valid or not of the port's type; -E2BIG for
 *          more than 16.
 */
SB_API int sb_output_offer(struct sb_output *output, const struct sb_format *formats, size_t count,
                           uint64_t frame_bytes_max);

/**
 * Claims a buffer of at least size_bytes. Waits while every slot is lent out and while a lossless
 * link is full; later publish calls of this buffer do not wait.
 *
 * Owner:   the caller, until sb_output_publish() or sb_output_abandon(). What is still claimed when
 *          the step ends is abandoned.
 * Returns: 0; -EMSGSIZE when no slot is that large (the log names both sizes, and it is counted);
 *          -ECANCELED when the node stops and the frame cannot be accepted; -EBUSY when as many
 *          buffers are claimed as the port declares; -EPIPE when the output has ended;
 *          -EAGAIN when no format was agreed yet and the output is linked.
 */
SB_API int sb_output_claim(struct sb_output *output, uint64_t size_bytes,
                           struct sb_buffer *out_buffer);

/**
 * Publishes a claimed buffer to every link of the output. On an output without a link the frame is
 * dropped silently and counted.
 *
 * Owner:   on success the bytes belong to the consumers; on an error the buffer is still claimed.
 * Returns: 0; -EMSGSIZE when size_bytes is above capacity_bytes (the log names both, and it is
 *          counted); -EINVAL when the buffer is not claimed; -EPROTO when the size is not the one
 *          that the format demands; -ECANCELED when the node stops and the frame was not accepted.
 */
SB_API int sb_output_publish(struct sb_output *output, const struct sb_buffer *buffer);

/** Gives a claimed buffer back unused. Returns 0; -EINVAL when it is not claimed. */
SB_API int sb_output_abandon(struct sb_output *output, const struct sb_buffer *buffer);

/** Claim, copy of the frame's bytes and fields, publish. Returns as those two. */
SB_API int sb_output_copy(struct sb_output *output, const struct sb_frame *frame);

/** Ends the stream of this output: consumers see the end after the last frame. Returns 0. */
SB_API int sb_output_end(struct sb_output *output);

#ifdef __cplusplus
}
#endif

#endif

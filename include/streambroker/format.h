/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Formats: what the bytes of a frame mean.
 *
 * A format is agreed per link before the first frame and holds until the link says otherwise; it
 * is never repeated in a frame. Payloads are packed: rows of a video plane follow each other
 * without padding, audio samples are interleaved, numbers are in the machine's byte order.
 */
#ifndef STREAMBROKER_FORMAT_H
#define STREAMBROKER_FORMAT_H

#include <stddef.h>
#include <stdint.h>

#include <streambroker/error.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Type of a port: name of the enum value, name in graphs and descriptors. */
#define SB_PORT_TYPES(X)                                                                           \
    X(VIDEO, "video")                                                                              \
    X(AUDIO, "audio")                                                                              \
    X(TEXT, "text")                                                                                \
    X(DATA, "data")                                                                                \
    X(ANY, "any")

enum sb_port_type {
    SB_PORT_NONE = 0,
#define X(name, text) SB_PORT_##name,
    SB_PORT_TYPES(X)
#undef X
};

/** Where the bytes of frames are worked on: enum value, name in descriptors and listings. */
#define SB_MEMORIES(X)                                                                             \
    X(CPU, "cpu")                                                                                  \
    X(GPU, "gpu")

enum sb_memory {
    SB_MEMORY_NONE = 0,
#define X(name, text) SB_MEMORY_##name,
    SB_MEMORIES(X)
#undef X
};

/** Kind of a format: enum value, name, the port type that carries it. */
#define SB_FORMAT_KINDS(X)                                                                         \
    X(VIDEO, "video", SB_PORT_VIDEO)                                                               \
    X(AUDIO, "audio", SB_PORT_AUDIO)                                                               \
    X(TEXT, "text", SB_PORT_TEXT)                                                                  \
    X(BINARY, "binary", SB_PORT_DATA)                                                              \
    X(TENSOR, "tensor", SB_PORT_DATA)                                                              \
    X(MESSAGE, "message", SB_PORT_DATA)

enum sb_format_kind {
    SB_FORMAT_NONE = 0,
#define X(name, text, port) SB_FORMAT_##name,
    SB_FORMAT_KINDS(X)
#undef X
};

/**
 * Pixel formats: enum value, name, number of planes, bytes per pixel of a packed format (0: planes
 * of 8 bit luma and chroma halved in both directions).
 */
#define SB_PIXELS(X)                                                                               \
    X(RGBA, "rgba", 1, 4)                                                                          \
    X(BGRA, "bgra", 1, 4)                                                                          \
    X(RGB, "rgb", 1, 3)                                                                            \
    X(BGR, "bgr", 1, 3)                                                                            \
    X(GRAY8, "gray8", 1, 1)                                                                        \
    X(YUY2, "yuy2", 1, 2)                                                                          \
    X(I420, "i420", 3, 0)                                                                          \
    X(NV12, "nv12", 2, 0)

enum sb_pixel {
    SB_PIXEL_NONE = 0,
#define X(name, text, planes, bytes) SB_PIXEL_##name,
    SB_PIXELS(X)
#undef X
};

/** Audio samples: enum value, name, bytes. */
#define SB_SAMPLES(X)                                                                              \
    X(S16, "s16", 2)                                                                               \
    X(S32, "s32", 4)                                                                               \
    X(F32, "f32", 4)

enum sb_sample {
    SB_SAMPLE_NONE = 0,
#define X(name, text, bytes) SB_SAMPLE_##name,
    SB_SAMPLES(X)
#undef X
};

/** Element types of a tensor: enum value, name, bytes. */
#define SB_ELEMENTS(X)                                                                             \
    X(U8, "u8", 1)                                                                                 \
    X(I8, "i8", 1)                                                                                 \
    X(I16, "i16", 2)                                                                               \
    X(I32, "i32", 4)                                                                               \
    X(I64, "i64", 8)                                                                               \
    X(F16, "f16", 2)                                                                               \
    X(F32, "f32", 4)                                                                               \
    X(F64, "f64", 8)

enum sb_element {
    SB_ELEMENT_NONE = 0,
#define X(name, text, bytes) SB_ELEMENT_##name,
    SB_ELEMENTS(X)
#undef X
};

/** One bit of a set of pixel or sample formats. */
#define SB_BIT(value) (UINT32_C(1) << (value))

#define SB_VIDEO_SIZE_MAX 32768  /**< pixels, width and height */
#define SB_AUDIO_RATE_MAX 768000 /**< frames per second */
#define SB_AUDIO_CHANNELS_MAX 64
#define SB_TENSOR_RANK_MAX 8
#define SB_FORMAT_NAME_MAX 96 /**< bytes of a media or message type, terminator included */

struct sb_video_format {
    enum sb_pixel pixel;
    uint32_t width;           /**< pixels, 1 to SB_VIDEO_SIZE_MAX; even for YUY2, I420 and NV12 */
    uint32_t height;          /**< pixels, likewise; even for I420 and NV12 */
    uint32_t fps_numerator;   /**< frames per second; 0 = not constant */
    uint32_t fps_denominator; /**< 1 or more; 0 only with a numerator of 0 */
};

struct sb_audio_format {
    enum sb_sample sample;
    uint32_t rate;     /**< sample frames per second, 1 to SB_AUDIO_RATE_MAX */
    uint32_t channels; /**< 1 to SB_AUDIO_CHANNELS_MAX, interleaved */
};

struct sb_tensor_format {
    enum sb_element element;
    uint32_t rank;                      /**< 1 to SB_TENSOR_RANK_MAX */
    uint32_t shape[SB_TENSOR_RANK_MAX]; /**< elements per axis, row-major, 1 or more each */
};

struct sb_format {
    enum sb_format_kind kind;
    struct sb_video_format video;   /**< kind VIDEO */
    struct sb_audio_format audio;   /**< kind AUDIO */
    struct sb_tensor_format tensor; /**< kind TENSOR */
    /** BINARY: media type such as image/jpeg, or empty; MESSAGE: full protobuf name. */
    char name[SB_FORMAT_NAME_MAX];
};

/** One plane of a video frame. */
struct sb_plane {
    size_t offset_bytes; /**< from the start of the payload */
    size_t stride_bytes; /**< from one row to the next */
    size_t row_bytes;    /**< meaningful bytes of a row; equal to the stride */
    uint32_t rows;
};

#define SB_PLANES_MAX 3

struct sb_video_layout {
    uint32_t plane_count;
    struct sb_plane planes[SB_PLANES_MAX];
    size_t size_bytes; /**< of the whole frame */
};

/**
 * Where the planes of a video frame lie.
 *
 * Shape:   planes[i] is rows rows of stride_bytes; planes follow each other without a gap.
 * Thread:  any. No allocation.
 * Returns: 0; -EINVAL when the format is not valid video.
 */
SB_API int sb_video_layout_get(const struct sb_video_format *format,
                               struct sb_video_layout *out_layout);

/**
 * Checks a format against the limits above.
 *
 * Thread:  any. No allocation.
 * Returns: 0; -EINVAL when a field is out of its bounds.
 */
SB_API int sb_format_check(const struct sb_format *format);

/**
 * True when both formats mean the same bytes. The frame rate of video does not count.
 *
 * Thread:  any.
 * Returns: 1 or 0.
 */
SB_API int sb_format_is_equal(const struct sb_format *a, const struct sb_format *b);

/**
 * Exact payload of one frame, where the format fixes it.
 *
 * Units:   bytes.
 * Thread:  any.
 * Returns: the size for video and tensors; 0 for everything else, whose frames vary.
 */
SB_API uint64_t sb_format_frame_bytes(const struct sb_format *format);

/**
 * A format for people, for example "video rgba 640x360 30/1".
 *
 * Owner:   out is the caller's; cut at size_bytes, always terminated.
 * Thread:  any.
 */
SB_API void sb_format_text(const struct sb_format *format, char *out, size_t size_bytes);

/** Names of enum values, "?" for an unknown one. Static text, any thread. */
SB_API const char *sb_port_type_name(enum sb_port_type type);
SB_API const char *sb_format_kind_name(enum sb_format_kind kind);
SB_API const char *sb_pixel_name(enum sb_pixel pixel);
SB_API const char *sb_sample_name(enum sb_sample sample);
SB_API const char *sb_memory_name(enum sb_memory memory);
SB_API const char *sb_element_name(enum sb_element element);

/** The value of a name, the NONE value (0) when there is no such name. Any thread. */
SB_API enum sb_port_type sb_port_type_from_name(const char *name);
SB_API enum sb_format_kind sb_format_kind_from_name(const char *name);
SB_API enum sb_pixel sb_pixel_from_name(const char *name);
SB_API enum sb_sample sb_sample_from_name(const char *name);
SB_API enum sb_memory sb_memory_from_name(const char *name);
SB_API enum sb_element sb_element_from_name(const char *name);

/** Bytes of one sample or element, 0 for an unknown one. */
SB_API size_t sb_sample_bytes(enum sb_sample sample);
SB_API size_t sb_element_bytes(enum sb_element element);

#ifdef __cplusplus
}
#endif

#endif

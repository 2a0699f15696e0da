// SPDX-License-Identifier: Apache-2.0
// file-sink: writes the frames that come into a file.
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <streambroker/streambroker.h>

#include "processors/common/media_file.h"
#include "processors/common/pixels.h"
#include "processors/common/wav.h"
#include "processors/common/whole.h"
#include "processors/common/y4m.h"
#include "processors/file-sink/png_file.h"

#define PREFIX_BYTES 4

struct file_sink {
    const char *path;
    FILE *file;
    bool is_stdout;
    bool is_auto;
    enum media_file_kind kind;
    struct sb_format format;
    bool has_header;
    uint64_t frames;
    uint64_t bytes;                      // of payloads that were written
    uint64_t snapshot;                   // png: which frame is written
    struct pixels_converter *converter;  // NULL = frames are written as they are
    struct sb_video_format picture;      // what the converter makes
    uint8_t *converted;
};

static int fail(struct sb_node *node, const struct file_sink *sink, int code, const char *what)
{
    return sb_node_error(node, code, "%s: %s", sink->path, what);
}

static int fail_errno(struct sb_node *node, const struct file_sink *sink)
{
    int code = errno == 0 ? EIO : errno;
    return fail(node, sink, -code, strerror(code));
}

// A file that misses a piece cannot be read from there on: no frame can follow.
static int give_up(struct sb_node *node, const struct file_sink *sink)
{
    int result = fail_errno(node, sink);
    sb_node_fail_data(node, "%s ends after %" PRIu64 " whole frames, at most", sink->path,
                      sink->frames);
    return result;
}

static int file_sink_prepare(struct sb_node *node)
{
    struct file_sink *sink = calloc(1, sizeof *sink);
    if (sink == NULL) {
        return -ENOMEM;
    }
    sb_node_set_data(node, sink);
    int choice = sb_param_choice(node, "format");  // 0 = auto
    sink->path = sb_param_string(node, "path");
    sink->is_auto = choice == 0;
    sink->kind = choice == 0 ? media_file_kind_of(sink->path) : (enum media_file_kind)(choice - 1);
    sink->snapshot = (uint64_t)sb_param_int(node, "frame");
    sink->is_stdout = strcmp(sink->path, "/dev/stdout") == 0;
    if (sink->is_stdout) {
        sink->file = stdout;
        return 0;
    }
    int result = media_file_make_folder(sink->path);
    if (result < 0) {
        return sb_node_error(node, result, "%s: its folder cannot be made: %s", sink->path,
                             strerror(-result));
    }
    sink->file = fopen(sink->path, sb_param_bool(node, "append") ? "ae" : "we");
    return sink->file == NULL ? fail_errno(node, sink) : 0;
}

// Frames that a file cannot hold as they are go through a converter.
static int prepare_pixels(struct file_sink *sink, enum sb_pixel pixel)
{
    const struct sb_video_format *from = &sink->format.video;
    pixels_converter_destroy(sink->converter);
    free(sink->converted);
    sink->converter = NULL;
    sink->converted = NULL;
    sink->picture = *from;
    sink->picture.pixel = pixel;
    if (pixel == from->pixel) {
        return 0;
    }
    int result =
        pixels_converter_create(from, pixel, pixels_matrix_of(from->height), &sink->converter);
    if (result == 0) {
        sink->converted = malloc((size_t)pixels_target_bytes(sink->converter));
        result = sink->converted == NULL ? -ENOMEM : 0;
    }
    return result;
}

// What auto means for a name without a known ending.
static enum media_file_kind kind_for(enum media_file_kind named, const struct sb_format *format)
{
    if (named == MEDIA_FILE_RAW && format->kind == SB_FORMAT_TEXT) {
        return MEDIA_FILE_LINES;
    }
    return named;
}

static const char *wanted_by(enum media_file_kind kind)
{
    if (kind == MEDIA_FILE_Y4M || kind == MEDIA_FILE_PNG) {
        return sb_format_kind_name(SB_FORMAT_VIDEO);
    }
    return kind == MEDIA_FILE_WAV ? sb_format_kind_name(SB_FORMAT_AUDIO) : NULL;
}

static int file_sink_format(struct sb_node *node, struct sb_input *input,
                            const struct sb_format *format)
{
    struct file_sink *sink = sb_node_data(node);
    (void)input;
    if (sink->has_header && !sb_format_is_equal(&sink->format, format)) {
        return fail(node, sink, -EINVAL, "the format changed, and the file cannot");
    }
    sink->format = *format;
    sink->kind = sink->is_auto ? kind_for(sink->kind, format) : sink->kind;
    const char *wanted = wanted_by(sink->kind);
    const char *given = sb_format_kind_name(format->kind);
    if (wanted != NULL && strcmp(wanted, given) != 0) {
        return sb_node_error(node, -EINVAL, "%s holds %s, but %s comes: choose another format",
                             sink->path, wanted, given);
    }
    if (sink->kind == MEDIA_FILE_Y4M) {
        enum sb_pixel pixel = format->video.pixel;
        return prepare_pixels(sink, y4m_can_hold(pixel) ? pixel : SB_PIXEL_I420);
    }
    if (sink->kind == MEDIA_FILE_PNG) {
        enum sb_pixel pixel = format->video.pixel;
        bool has_alpha = pixel == SB_PIXEL_RGBA || pixel == SB_PIXEL_BGRA;
        pixel = pixel == SB_PIXEL_GRAY8 ? pixel : has_alpha ? SB_PIXEL_RGBA : SB_PIXEL_RGB;
        return prepare_pixels(sink, pixel);
    }
    return 0;
}

static bool write_all(struct file_sink *sink, const void *bytes, size_t count)
{
    return fwrite(bytes, 1, count, sink->file) == count;
}

static bool write_header(struct file_sink *sink)
{
    sink->has_header = true;
    if (sink->kind == MEDIA_FILE_Y4M) {
        char line[Y4M_HEADER_BYTES_MAX];
        int count = y4m_make_header(&sink->picture, line);
        return write_all(sink, line, (size_t)count);
    }
    if (sink->kind == MEDIA_FILE_WAV) {
        uint8_t header[WAV_HEADER_BYTES];
        wav_make_header(&sink->format.audio, UINT64_MAX, header);
        return write_all(sink, header, sizeof header);
    }
    return true;
}

static bool write_prefix(struct file_sink *sink, uint64_t size_bytes)
{
    uint8_t prefix[PREFIX_BYTES];
    for (int i = 0; i < PREFIX_BYTES; i++) {
        prefix[i] = (uint8_t)(size_bytes >> (8 * i));
    }
    return write_all(sink, prefix, sizeof prefix);
}

// The bytes of a picture as the file holds them.
static const void *picture_of(struct file_sink *sink, const struct sb_frame *frame,
                              size_t *out_bytes)
{
    if (sink->converter == NULL) {
        *out_bytes = (size_t)frame->size_bytes;
        return frame->data;
    }
    pixels_convert(sink->converter, frame->data, sink->converted);
    *out_bytes = (size_t)pixels_target_bytes(sink->converter);
    return sink->converted;
}

static bool write_frame(struct file_sink *sink, const struct sb_frame *frame)
{
    size_t count = (size_t)frame->size_bytes;
    const void *bytes = frame->data;
    if (sink->kind == MEDIA_FILE_Y4M) {
        bytes = picture_of(sink, frame, &count);
        return write_all(sink, "FRAME\n", 6) && write_all(sink, bytes, count);
    }
    if (sink->kind == MEDIA_FILE_LINES) {
        return write_all(sink, bytes, count) && write_all(sink, "\n", 1);
    }
    if (sink->kind == MEDIA_FILE_BINARY) {
        return write_prefix(sink, frame->size_bytes) && write_all(sink, bytes, count);
    }
    return write_all(sink, bytes, count);
}

// The wanted frame of a video; the ones before and after it are only counted.
static int write_snapshot(struct sb_node *node, struct file_sink *sink,
                          const struct sb_frame *frame)
{
    size_t count = 0;
    if (sink->frames != sink->snapshot) {
        sink->frames++;
        return 0;
    }
    int result = png_file_write(sink->file, &sink->picture, picture_of(sink, frame, &count));
    if (result == 0 && fflush(sink->file) != 0) {
        result = -EIO;
    }
    if (result < 0) {
        return fail(node, sink, result, "the picture cannot be written");
    }
    sink->frames++;
    return 0;
}

static int file_sink_frame(struct sb_node *node, const struct sb_frame *frame)
{
    struct file_sink *sink = sb_node_data(node);
    if (sink->kind == MEDIA_FILE_PNG) {
        return write_snapshot(node, sink, frame);
    }
    if (sink->kind == MEDIA_FILE_BINARY && frame->size_bytes > UINT32_MAX) {
        return fail(node, sink, -EMSGSIZE, "a record of more than 4 GiB has no length");
    }
    errno = 0;
    if ((!sink->has_header && !write_header(sink)) || !write_frame(sink, frame)) {
        return give_up(node, sink);
    }
    // Lines on a terminal or in a log are wanted as they come.
    if (sink->is_stdout && fflush(sink->file) != 0) {
        return give_up(node, sink);
    }
    sink->frames++;
    sink->bytes += frame->size_bytes;
    return 0;
}

// The length of a wav file is known only now. Returns 0 or a negative errno.
static int finish(struct file_sink *sink)
{
    if (sink->file == NULL) {
        return 0;
    }
    errno = 0;
    bool is_good = fflush(sink->file) == 0;
    if (sink->kind == MEDIA_FILE_WAV && sink->format.kind == SB_FORMAT_AUDIO) {
        uint8_t header[WAV_HEADER_BYTES];
        wav_make_header(&sink->format.audio, sink->bytes, header);
        // A pipe cannot go back and keeps the header of a stream.
        if (fseek(sink->file, 0, SEEK_SET) == 0) {
            is_good = write_all(sink, header, sizeof header) && is_good;
        }
    }
    int code = errno == 0 ? EIO : errno;
    if (sink->is_stdout) {
        is_good = fflush(sink->file) == 0 && is_good;
    } else {
        is_good = fclose(sink->file) == 0 && is_good;
    }
    sink->file = NULL;
    return is_good ? 0 : -code;
}

static int file_sink_drain(struct sb_node *node)
{
    struct file_sink *sink = sb_node_data(node);
    int result = finish(sink);
    if (result < 0) {
        errno = -result;
        return give_up(node, sink);
    }
    if (sink->kind == MEDIA_FILE_PNG && sink->frames <= sink->snapshot) {
        sb_log(node, SB_LOG_WARNING, "%s: no picture, there were only %" PRIu64 " frames",
               sink->path, sink->frames);
    } else if (!sink->is_stdout) {
        sb_log(node, SB_LOG_INFO, "wrote %s: %" PRIu64 " frames", sink->path,
               sink->kind == MEDIA_FILE_PNG ? 1 : sink->frames);
    }
    return 0;
}

static void file_sink_close(struct sb_node *node)
{
    struct file_sink *sink = sb_node_data(node);
    if (sink != NULL) {
        (void)finish(sink);
        pixels_converter_destroy(sink->converter);
        free(sink->converted);
        free(sink);
    }
}

static int file_sink_open(struct sb_node *node)
{
    return whole_open(node, file_sink_prepare, file_sink_close);
}

static const struct sb_port inputs[] = {
    {.name = "in", .type = SB_PORT_ANY, .help = "Frames of any type."},
};

static const char *const formats[] = {
    "auto",
#define X(name, text, ending) text,
    MEDIA_FILE_KINDS(X)
#undef X
        NULL,
};

static const struct sb_param params[] = {
    {.name = "path",
     .type = SB_PARAM_PATH,
     .help = "The file; /dev/stdout writes to the log. Its folder is made when it is missing.",
     .is_fixed = true},
    {.name = "format",
     .type = SB_PARAM_CHOICE,
     .help = "How it is written: y4m video, wav audio, lines of text, binary records with a length "
             "of 4 bytes (little-endian) before each, raw bytes, one png picture; auto goes by the "
             "name's ending.",
     .initial = "auto",
     .choices = formats,
     .is_fixed = true},
    {.name = "append",
     .type = SB_PARAM_BOOL,
     .help = "Write behind what is in the file already (raw, lines, binary).",
     .initial = "false",
     .is_fixed = true},
    {.name = "frame",
     .type = SB_PARAM_INT,
     .help = "png: which frame is written, counted from 0.",
     .initial = "0",
     .minimum = 0,
     .maximum = 1e15,
     .is_fixed = true},
};

static const struct sb_processor file_sink = {
    .struct_size = sizeof file_sink,
    .name = "file-sink",
    .version = "1.0.0",
    .summary = "Writes the frames that come into a file.",
    .inputs = inputs,
    .input_count = 1,
    .params = params,
    .param_count = sizeof params / sizeof params[0],
    .open = file_sink_open,
    .on_format = file_sink_format,
    .on_frame = file_sink_frame,
    .on_drain = file_sink_drain,
    .close = file_sink_close,
};

int main(int argc, char **argv)
{
    return sb_processor_main(&file_sink, argc, argv);
}

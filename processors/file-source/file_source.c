// SPDX-License-Identifier: Apache-2.0
// file-source: the frames of a file: video, audio, lines of text, records, or raw pieces.
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <streambroker/streambroker.h>

#include "processors/common/media_file.h"
#include "processors/common/wav.h"
#include "processors/common/whole.h"
#include "processors/common/y4m.h"

#define NS_PER_S 1000000000
#define STEP_NS_MAX 1000000000
#define TEXT_BYTES 256
#define PREFIX_BYTES 4

struct file_source {
    struct sb_output *output;
    const char *path;
    FILE *file;
    enum media_file_kind kind;
    struct sb_format format;
    bool is_looping;
    uint64_t unit_bytes;   // of a video frame or audio block, most of a line or record
    uint64_t data_bytes;   // of the samples of a wav file
    uint64_t left_bytes;   // of them, in this round
    uint64_t frame_bytes;  // of one sample frame
    double rate;           // frames per second, 0 = unpaced
    int64_t start_ns;
    int64_t passed_ns;  // media time of the next frame
    uint64_t done;
    uint64_t round_frames;  // in this round, to stop on an empty file
};

static int fail(struct sb_node *node, const struct file_source *source, int code, const char *what)
{
    return sb_node_error(node, code, "%s: %s", source->path, what);
}

static int open_y4m(struct sb_node *node, struct file_source *source)
{
    char text[Y4M_TEXT_BYTES];
    source->format.kind = SB_FORMAT_VIDEO;
    int result = y4m_read_header(source->file, &source->format.video, text);
    if (result < 0) {
        return fail(node, source, result, text);
    }
    source->unit_bytes = sb_format_frame_bytes(&source->format);
    return 0;
}

static int open_wav(struct sb_node *node, struct file_source *source)
{
    char text[WAV_TEXT_BYTES];
    source->format.kind = SB_FORMAT_AUDIO;
    int result = wav_read_header(source->file, &source->format.audio, &source->data_bytes, text);
    if (result < 0) {
        return fail(node, source, result, text);
    }
    source->frame_bytes =
        sb_sample_bytes(source->format.audio.sample) * source->format.audio.channels;
    source->unit_bytes = (uint64_t)sb_param_int(node, "samples") * source->frame_bytes;
    source->left_bytes = source->data_bytes;
    return 0;
}

// Raw bytes are video when a size is given, else pieces of `chunk` bytes.
static int open_raw(struct sb_node *node, struct file_source *source)
{
    uint32_t width = (uint32_t)sb_param_int(node, "width");
    uint32_t height = (uint32_t)sb_param_int(node, "height");
    if (width == 0 && height == 0) {
        source->format.kind = SB_FORMAT_BINARY;
        source->unit_bytes = (uint64_t)sb_param_int(node, "chunk");
        return 0;
    }
    source->format.kind = SB_FORMAT_VIDEO;
    source->format.video = (struct sb_video_format){
        .pixel = (enum sb_pixel)(sb_param_choice(node, "pixel") + 1),
        .width = width,
        .height = height,
    };
    if (source->rate > 0) {
        source->format.video.fps_numerator = (uint32_t)(source->rate * 1000 + 0.5);
        source->format.video.fps_denominator = 1000;
    }
    if (sb_format_check(&source->format) < 0) {
        return sb_node_error(node, -EINVAL, "%s cannot be %ux%u pixels",
                             sb_pixel_name(source->format.video.pixel), width, height);
    }
    source->unit_bytes = sb_format_frame_bytes(&source->format);
    return 0;
}

static int open_media(struct sb_node *node, struct file_source *source)
{
    int choice = sb_param_choice(node, "format");  // 0 = auto
    source->kind =
        choice == 0 ? media_file_kind_of(source->path) : (enum media_file_kind)(choice - 1);
    source->unit_bytes = (uint64_t)sb_param_int(node, "max_record");
    if (source->kind == MEDIA_FILE_Y4M) {
        return open_y4m(node, source);
    }
    if (source->kind == MEDIA_FILE_WAV) {
        return open_wav(node, source);
    }
    if (source->kind == MEDIA_FILE_LINES) {
        source->format.kind = SB_FORMAT_TEXT;
        return 0;
    }
    if (source->kind == MEDIA_FILE_BINARY) {
        source->format.kind = SB_FORMAT_BINARY;
        return 0;
    }
    if (source->kind == MEDIA_FILE_PNG) {
        return fail(node, source, -EINVAL, "PNG files are written only; read them by gst-source");
    }
    return open_raw(node, source);
}

static int file_source_prepare(struct sb_node *node)
{
    struct file_source *source = calloc(1, sizeof *source);
    if (source == NULL) {
        return -ENOMEM;
    }
    sb_node_set_data(node, source);
    source->output = sb_node_output(node, "out");
    source->path = sb_param_string(node, "path");
    source->is_looping = sb_param_bool(node, "loop");
    source->rate = sb_param_real(node, "rate");
    source->file = fopen(source->path, "re");
    if (source->file == NULL) {
        int code = errno;
        return fail(node, source, -code, strerror(code));
    }
    int result = open_media(node, source);
    return result < 0 ? result
                      : sb_output_offer(source->output, &source->format, 1, source->unit_bytes);
}

// The text of a read that gave fewer bytes than a whole.
static int cut_off(struct sb_node *node, const struct file_source *source, const char *what)
{
    char text[2 * TEXT_BYTES];
    snprintf(text, sizeof text, "%s at byte %ld", ferror(source->file) ? "cannot be read" : what,
             ftell(source->file));
    return fail(node, source, ferror(source->file) ? -EIO : -EPROTO, text);
}

// Each reader gives 1 and a size, 0 at the end of the file, or an error.
static int read_video(struct sb_node *node, struct file_source *source, uint8_t *bytes,
                      uint64_t *out_bytes)
{
    if (source->kind == MEDIA_FILE_Y4M) {
        char text[Y4M_TEXT_BYTES];
        int result = y4m_read_frame_line(source->file, text);
        if (result <= 0) {
            return result < 0 ? fail(node, source, result, text) : 0;
        }
    }
    size_t count = fread(bytes, 1, (size_t)source->unit_bytes, source->file);
    *out_bytes = count;
    if (count == source->unit_bytes) {
        return 1;
    }
    if (count == 0 && source->kind != MEDIA_FILE_Y4M && feof(source->file)) {
        return 0;
    }
    char what[TEXT_BYTES];
    snprintf(what, sizeof what, "the last frame has %zu of %" PRIu64 " bytes and ends", count,
             source->unit_bytes);
    return cut_off(node, source, what);
}

static int read_audio(struct sb_node *node, struct file_source *source, uint8_t *bytes,
                      uint64_t *out_bytes)
{
    uint64_t wanted =
        source->unit_bytes < source->left_bytes ? source->unit_bytes : source->left_bytes;
    size_t count = fread(bytes, 1, (size_t)wanted, source->file);
    if (ferror(source->file)) {
        return cut_off(node, source, "");
    }
    if (count < wanted && source->data_bytes != UINT64_MAX) {
        return cut_off(node, source, "the samples are cut off");
    }
    *out_bytes = count / source->frame_bytes * source->frame_bytes;
    source->left_bytes -= source->data_bytes == UINT64_MAX ? 0 : count;
    return *out_bytes > 0;
}

static int read_line(struct sb_node *node, struct file_source *source, uint8_t *bytes,
                     uint64_t *out_bytes)
{
    uint64_t count = 0;
    for (;;) {
        int byte = getc_unlocked(source->file);
        if (byte == EOF && ferror(source->file)) {
            return cut_off(node, source, "");
        }
        if (byte == EOF || byte == '\n') {
            *out_bytes = count;
            return byte == '\n' || count > 0;
        }
        if (count == source->unit_bytes) {
            return cut_off(node, source, "a line longer than max_record");
        }
        bytes[count++] = (uint8_t)byte;
    }
}

static int read_record(struct sb_node *node, struct file_source *source, uint8_t *bytes,
                       uint64_t *out_bytes)
{
    uint8_t prefix[PREFIX_BYTES];
    size_t count = fread(prefix, 1, sizeof prefix, source->file);
    if (count == 0 && feof(source->file)) {
        return 0;
    }
    if (count < sizeof prefix) {
        return cut_off(node, source, "a record's length is cut off");
    }
    uint32_t length = (uint32_t)prefix[0] | (uint32_t)prefix[1] << 8 | (uint32_t)prefix[2] << 16 |
                      (uint32_t)prefix[3] << 24;
    if (length > source->unit_bytes) {
        return cut_off(node, source, "a record longer than max_record");
    }
    if (fread(bytes, 1, length, source->file) < length) {
        return cut_off(node, source, "a record is cut off");
    }
    *out_bytes = length;
    return 1;
}

static int read_piece(struct sb_node *node, struct file_source *source, uint8_t *bytes,
                      uint64_t *out_bytes)
{
    size_t count = fread(bytes, 1, (size_t)source->unit_bytes, source->file);
    if (ferror(source->file)) {
        return cut_off(node, source, "");
    }
    *out_bytes = count;
    return count > 0;
}

static int read_frame(struct sb_node *node, struct file_source *source, uint8_t *bytes,
                      uint64_t *out_bytes)
{
    if (source->format.kind == SB_FORMAT_VIDEO) {
        return read_video(node, source, bytes, out_bytes);
    }
    if (source->kind == MEDIA_FILE_WAV) {
        return read_audio(node, source, bytes, out_bytes);
    }
    if (source->kind == MEDIA_FILE_LINES) {
        return read_line(node, source, bytes, out_bytes);
    }
    if (source->kind == MEDIA_FILE_BINARY) {
        return read_record(node, source, bytes, out_bytes);
    }
    return read_piece(node, source, bytes, out_bytes);
}

// Media time of a frame: from the format, else from the rate, else unknown.
static int64_t duration_of(const struct file_source *source, uint64_t bytes)
{
    if (source->kind == MEDIA_FILE_WAV) {
        return (int64_t)(bytes / source->frame_bytes) * NS_PER_S / source->format.audio.rate;
    }
    if (source->rate > 0) {
        return (int64_t)(NS_PER_S / source->rate);
    }
    const struct sb_video_format *video = &source->format.video;
    if (source->format.kind == SB_FORMAT_VIDEO && video->fps_numerator > 0) {
        return (int64_t)video->fps_denominator * NS_PER_S / video->fps_numerator;
    }
    return 0;
}

// Back to the first frame for the next round.
static int start_again(struct sb_node *node, struct file_source *source)
{
    if (source->round_frames == 0) {
        return fail(node, source, -EINVAL, "cannot loop over a file without a frame");
    }
    source->round_frames = 0;
    if (fseek(source->file, 0, SEEK_SET) < 0) {
        int code = errno;
        return fail(node, source, -code, strerror(code));
    }
    clearerr(source->file);
    struct file_source before = *source;
    int result = open_media(node, source);
    if (result == 0 && (!sb_format_is_equal(&before.format, &source->format) ||
                        before.unit_bytes != source->unit_bytes)) {
        return fail(node, source, -EPROTO, "its format changed");
    }
    return result;
}

// The frame after the last one: a new round or the end.
static int at_end(struct sb_node *node, struct file_source *source)
{
    if (source->is_looping) {
        return start_again(node, source);
    }
    sb_log(node, SB_LOG_INFO, "%s: %" PRIu64 " frames", source->path, source->done);
    sb_node_finish(node);
    return 0;
}

// Waits for the time of the next frame, but a step must not last: 1 when it is due, 0 to come back.
static int pace(struct sb_node *node, struct file_source *source)
{
    int64_t now_ns = sb_now_ns();
    if (source->start_ns == 0) {
        source->start_ns = now_ns;
    }
    int64_t due_ns = source->start_ns + source->passed_ns;
    if (due_ns <= now_ns || (source->rate <= 0 && !sb_param_bool(node, "paced"))) {
        return 1;
    }
    int64_t until_ns = due_ns < now_ns + STEP_NS_MAX ? due_ns : now_ns + STEP_NS_MAX;
    int result = sb_node_wait(node, until_ns);
    return result < 0 ? result : until_ns == due_ns;
}

static int file_source_loop(struct sb_node *node)
{
    struct file_source *source = sb_node_data(node);
    struct sb_buffer buffer;
    uint64_t bytes = 0;
    int result = pace(node, source);
    if (result <= 0) {
        return result;
    }
    result = sb_output_claim(source->output, source->unit_bytes, &buffer);
    if (result < 0) {
        return result;
    }
    result = read_frame(node, source, buffer.data, &bytes);
    if (result <= 0) {
        sb_output_abandon(source->output, &buffer);
        if (result == 0) {
            return at_end(node, source);
        }
        // What follows a broken place cannot be found.
        sb_node_fail_data(node, "%s is broken after %" PRIu64 " frames", source->path,
                          source->done);
        return result;
    }
    buffer.size_bytes = bytes;
    buffer.pts_ns = source->start_ns + source->passed_ns;
    buffer.duration_ns = duration_of(source, bytes);
    if (buffer.duration_ns == 0) {
        buffer.pts_ns = sb_now_ns();
    }
    source->passed_ns += buffer.duration_ns;
    source->done++;
    source->round_frames++;
    return sb_output_publish(source->output, &buffer);
}

static void file_source_close(struct sb_node *node)
{
    struct file_source *source = sb_node_data(node);
    if (source != NULL) {
        if (source->file != NULL) {
            fclose(source->file);
        }
        free(source);
    }
}

static int file_source_open(struct sb_node *node)
{
    return whole_open(node, file_source_prepare, file_source_close);
}

static const struct sb_port outputs[] = {
    {.name = "out",
     .type = SB_PORT_ANY,
     .help = "The frames of the file; their type follows from its format.",
     .is_one_per_step = true,
     .is_timed = true},
};

static const char *const formats[] = {
    "auto",
#define X(name, text, ending) text,
    MEDIA_FILE_KINDS(X)
#undef X
        NULL,
};

static const char *const pixels[] = {
#define X(name, text, planes, bytes) text,
    SB_PIXELS(X)
#undef X
        NULL,
};

static const struct sb_param params[] = {
    {.name = "path", .type = SB_PARAM_PATH, .help = "The file.", .is_fixed = true},
    {.name = "format",
     .type = SB_PARAM_CHOICE,
     .help = "What is in it: y4m video, wav audio, lines of text, binary records with a length of "
             "4 bytes (little-endian) before each, raw bytes; auto goes by the name's ending.",
     .initial = "auto",
     .choices = formats,
     .is_fixed = true},
    {.name = "loop",
     .type = SB_PARAM_BOOL,
     .help = "Begin again at the end.",
     .initial = "false",
     .is_fixed = true},
    {.name = "paced",
     .type = SB_PARAM_BOOL,
     .help = "Give video and audio at their own pace instead of as fast as they are taken.",
     .initial = "false",
     .is_fixed = true},
    {.name = "rate",
     .type = SB_PARAM_REAL,
     .help = "Frames per second, 0 = as fast as they are taken.",
     .initial = "0",
     .minimum = 0,
     .maximum = 1e6,
     .is_fixed = true},
    {.name = "samples",
     .type = SB_PARAM_INT,
     .help = "wav: sample frames per frame.",
     .initial = "1024",
     .minimum = 1,
     .maximum = 1048576,
     .is_fixed = true},
    {.name = "max_record",
     .type = SB_PARAM_SIZE,
     .help = "lines, binary: longest line or record.",
     .initial = "64KiB",
     .minimum = 1,
     .maximum = 1073741824,
     .is_fixed = true},
    {.name = "chunk",
     .type = SB_PARAM_SIZE,
     .help = "raw: bytes per frame.",
     .initial = "64KiB",
     .minimum = 1,
     .maximum = 1073741824,
     .is_fixed = true},
    {.name = "width",
     .type = SB_PARAM_INT,
     .help = "raw: pixels of a video frame, 0 = not video.",
     .initial = "0",
     .minimum = 0,
     .maximum = SB_VIDEO_SIZE_MAX,
     .is_fixed = true},
    {.name = "height",
     .type = SB_PARAM_INT,
     .help = "raw: pixels of a video frame, 0 = not video.",
     .initial = "0",
     .minimum = 0,
     .maximum = SB_VIDEO_SIZE_MAX,
     .is_fixed = true},
    {.name = "pixel",
     .type = SB_PARAM_CHOICE,
     .help = "raw: pixel format of a video frame.",
     .initial = "i420",
     .choices = pixels,
     .is_fixed = true},
};

static const struct sb_processor file_source = {
    .struct_size = sizeof file_source,
    .name = "file-source",
    .version = "1.0.0",
    .summary = "The frames of a file: video, audio, lines of text, records, or raw pieces.",
    .outputs = outputs,
    .output_count = 1,
    .params = params,
    .param_count = sizeof params / sizeof params[0],
    .mode = SB_MODE_CONTINUOUS,
    .open = file_source_open,
    .on_loop = file_source_loop,
    .close = file_source_close,
};

int main(int argc, char **argv)
{
    return sb_processor_main(&file_source, argc, argv);
}

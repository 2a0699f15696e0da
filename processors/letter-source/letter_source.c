// SPDX-License-Identifier: Apache-2.0
// letter-source: the one frame of a dead letter file, as it was.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <streambroker/streambroker.h>

#include "processors/common/letter_file.h"
#include "processors/common/whole.h"

#define PATIENCE_NS INT64_C(5000000000)
#define LOOK_NS INT64_C(10000000)

struct letter_source {
    struct sb_output *output;
    FILE *file;
    struct letter_file letter;
    int64_t patience_end_ns;  // it waits for a link no longer
};

// A file that was cut is refused before the graph is changed for it.
static int check_size(struct sb_node *node, const struct letter_source *source)
{
    struct stat status;
    long begin = ftell(source->file);
    if (begin < 0 || fstat(fileno(source->file), &status) < 0) {
        return -errno;
    }
    uint64_t left = (uint64_t)(status.st_size - begin);
    if (left != source->letter.payload_bytes) {
        return sb_node_error(node, -EPROTO, "%s: the payload has %llu of %llu bytes",
                             sb_param_string(node, "path"), (unsigned long long)left,
                             (unsigned long long)source->letter.payload_bytes);
    }
    return 0;
}

static int letter_source_prepare(struct sb_node *node)
{
    struct letter_source *source = calloc(1, sizeof *source);
    if (source == NULL) {
        return -ENOMEM;
    }
    sb_node_set_data(node, source);
    const char *path = sb_param_string(node, "path");
    source->output = sb_node_output(node, "out");
    source->file = fopen(path, "re");
    if (source->file == NULL) {
        return sb_node_error(node, -errno, "%s: %s", path, strerror(errno));
    }
    char text[LETTER_FILE_TEXT_BYTES];
    int failed = letter_file_read_head(source->file, &source->letter, text);
    if (failed != 0) {
        return sb_node_error(node, failed, "%s: %s", path, text);
    }
    failed = check_size(node, source);
    if (failed != 0) {
        return failed;
    }
    source->patience_end_ns = sb_now_ns() + PATIENCE_NS;
    return sb_output_offer(source->output, &source->letter.format, 1, source->letter.payload_bytes);
}

static int letter_source_loop(struct sb_node *node)
{
    struct letter_source *source = sb_node_data(node);
    const struct letter_file *letter = &source->letter;
    // In a graph that runs a node comes before its links.
    if (!sb_output_is_linked(source->output) && sb_now_ns() < source->patience_end_ns) {
        int waited = sb_node_wait(node, sb_now_ns() + LOOK_NS);
        return waited < 0 ? waited : 0;
    }
    struct sb_buffer buffer;
    int failed = sb_output_claim(source->output, letter->payload_bytes, &buffer);
    if (failed != 0) {
        return failed == -EAGAIN ? 0 : failed;
    }
    size_t got = fread(buffer.data, 1, (size_t)letter->payload_bytes, source->file);
    if (got != letter->payload_bytes) {
        sb_output_abandon(source->output, &buffer);
        sb_node_fail_data(node, "%s: the payload has %zu of %llu bytes",
                          sb_param_string(node, "path"), got,
                          (unsigned long long)letter->payload_bytes);
        return 0;
    }
    buffer.number = letter->number;
    buffer.pts_ns = letter->pts_ns;
    buffer.duration_ns = letter->duration_ns;
    buffer.flags = letter->flags;
    buffer.trace_id = letter->trace_id;
    buffer.job_id = letter->job_id;
    sb_node_finish(node);
    return sb_output_publish(source->output, &buffer);
}

static void letter_source_close(struct sb_node *node)
{
    struct letter_source *source = sb_node_data(node);
    if (source != NULL && source->file != NULL) {
        fclose(source->file);
    }
    free(source);
}

static int letter_source_open(struct sb_node *node)
{
    return whole_open(node, letter_source_prepare, letter_source_close);
}

static const struct sb_port outputs[] = {
    {.name = "out",
     .type = SB_PORT_ANY,
     .help = "The frame, with its number and times.",
     .is_one_per_step = true},
};

static const struct sb_param params[] = {
    {.name = "path", .type = SB_PARAM_PATH, .help = "The dead letter.", .is_fixed = true},
};

static const struct sb_processor letter_source = {
    .struct_size = sizeof letter_source,
    .name = "letter-source",
    .version = "1.0.0",
    .summary = "The frame of a dead letter file, as it was.",
    .mode = SB_MODE_CONTINUOUS,
    .outputs = outputs,
    .output_count = 1,
    .params = params,
    .param_count = sizeof params / sizeof params[0],
    .open = letter_source_open,
    .on_loop = letter_source_loop,
    .close = letter_source_close,
};

int main(int argc, char **argv)
{
    return sb_processor_main(&letter_source, argc, argv);
}

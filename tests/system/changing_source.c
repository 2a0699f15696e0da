// SPDX-License-Identifier: Apache-2.0
// A processor for tests: video whose size changes while it runs, as often as it is told.
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <streambroker/streambroker.h>

struct changing {
    struct sb_output *output;
    int64_t frames;     // per size
    int64_t changes;    // left
    int64_t published;  // of this size
    uint32_t width;
    bool is_offered;
};

static int offer(struct changing *changing)
{
    struct sb_format format = {
        .kind = SB_FORMAT_VIDEO,
        .video = {.pixel = SB_PIXEL_RGBA, .width = changing->width, .height = 16}};
    changing->is_offered = true;
    return sb_output_offer(changing->output, &format, 1, 0);
}

static int on_open(struct sb_node *node)
{
    struct changing *changing = calloc(1, sizeof *changing);
    if (changing == NULL) {
        return -ENOMEM;
    }
    sb_node_set_data(node, changing);
    changing->output = sb_node_output(node, "video");
    changing->frames = sb_param_int(node, "frames");
    changing->changes = sb_param_int(node, "changes");
    changing->width = 16;
    return sb_param_bool(node, "late") ? 0 : offer(changing);
}

static int on_loop(struct sb_node *node)
{
    struct changing *changing = sb_node_data(node);
    if (!changing->is_offered) {
        int failed = offer(changing);
        if (failed != 0) {
            return failed;
        }
    }
    if (changing->published == changing->frames) {
        if (changing->changes == 0) {
            sb_node_finish(node);
            return 0;
        }
        changing->changes--;
        changing->published = 0;
        changing->width = changing->width == 16 ? 64 : 16;
        int failed = offer(changing);
        if (failed != 0) {
            return failed;
        }
    }
    struct sb_buffer buffer;
    uint64_t bytes = (uint64_t)changing->width * 16 * 4;
    int failed = sb_output_claim(changing->output, bytes, &buffer);
    if (failed == -EAGAIN) {
        return 0;
    }
    if (failed != 0) {
        return failed;
    }
    memset(buffer.data, (int)(changing->width & 0xff), bytes);
    changing->published++;
    return sb_output_publish(changing->output, &buffer);
}

static void on_close(struct sb_node *node)
{
    free(sb_node_data(node));
}

static const struct sb_port outputs[] = {
    {.name = "video", .type = SB_PORT_VIDEO, .help = "Video of changing size."},
};

static const struct sb_param params[] = {
    {.name = "frames",
     .type = SB_PARAM_INT,
     .help = "Frames of each size.",
     .initial = "10",
     .minimum = 1,
     .maximum = 1000000},
    {.name = "changes",
     .type = SB_PARAM_INT,
     .help = "Changes of the size.",
     .initial = "1",
     .minimum = 0,
     .maximum = 1000000},
    {.name = "late",
     .type = SB_PARAM_BOOL,
     .help = "Say the first format while the graph runs.",
     .initial = "false"},
};

static const struct sb_processor changing_source = {
    .struct_size = sizeof changing_source,
    .name = "changing-source",
    .version = "1.0.0",
    .summary = "Makes video whose size changes.",
    .outputs = outputs,
    .output_count = 1,
    .params = params,
    .param_count = 3,
    .mode = SB_MODE_CONTINUOUS,
    .open = on_open,
    .on_loop = on_loop,
    .close = on_close,
};

int main(int argc, char **argv)
{
    return sb_processor_main(&changing_source, argc, argv);
}

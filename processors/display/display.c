// SPDX-License-Identifier: Apache-2.0
// display: video in a window.
#include <errno.h>
#include <stdlib.h>

#include <streambroker/streambroker.h>

#include "processors/display/window.h"
#include "processors/gpu/gpu_node.h"

struct display {
    struct window *window;
    uint64_t frames;  // to be shown, 0 = all
    uint64_t shown;
};

static const char *const wants[] = {"gpu", "display", NULL};

static int display_open(struct sb_node *node)
{
    struct display *display = calloc(1, sizeof *display);
    if (display == NULL) {
        return -ENOMEM;
    }
    int failed = window_init(node);
    if (failed != 0) {
        free(display);
        return failed;
    }
    display->frames = (uint64_t)sb_param_int(node, "frames");
    sb_node_set_data(node, display);
    return 0;
}

// The window has the size of the first frames; later ones are shown in a new one.
static int display_format(struct sb_node *node, struct sb_input *input,
                          const struct sb_format *format)
{
    struct display *display = sb_node_data(node);
    (void)input;
    window_close(node, display->window);
    display->window = NULL;
    return window_open(node, sb_param_string(node, "title"), format->video.width,
                       format->video.height, &display->window);
}

static int display_frame(struct sb_node *node, const struct sb_frame *frame)
{
    struct display *display = sb_node_data(node);
    int failed = window_show(display->window, frame);
    if (failed == -EPIPE) {
        sb_node_finish(node);
        return 0;
    }
    if (failed != 0) {
        return sb_node_error(node, failed, "the window did not show it: %s", sb_error_text(failed));
    }
    if (++display->shown == display->frames) {
        sb_node_finish(node);
    }
    return 0;
}

static void display_close(struct sb_node *node)
{
    struct display *display = sb_node_data(node);
    sb_log(node, SB_LOG_INFO, "[%s] %llu frames shown", sb_node_id(node),
           (unsigned long long)display->shown);
    window_close(node, display->window);
    window_fini();
    free(display);
}

static const struct sb_port inputs[] = {
    {.name = "video",
     .type = SB_PORT_VIDEO,
     .help = "Video; the window has its size.",
     .memories = SB_BIT(SB_MEMORY_GPU),
     .pixels = SB_BIT(SB_PIXEL_BGRA)},
};

static const struct sb_param params[] = {
    {.name = "frames",
     .type = SB_PARAM_INT,
     .help = "Frames to show before the node finishes, 0 = all.",
     .initial = "0",
     .maximum = 1e15,
     .is_fixed = true},
    {.name = "title",
     .type = SB_PARAM_STRING,
     .help = "Title of the window.",
     .initial = "streambroker",
     .maximum = 120,
     .is_fixed = true},
    GPU_NODE_PARAMS,
};

static const struct sb_processor display_processor = {
    .struct_size = sizeof display_processor,
    .name = "display",
    .version = "1.0.0",
    .summary = "Video in a window.",
    .inputs = inputs,
    .input_count = 1,
    .params = params,
    .param_count = sizeof params / sizeof params[0],
    .wants = wants,
    .open = display_open,
    .on_format = display_format,
    .on_frame = display_frame,
    .close = display_close,
};

int main(int argc, char **argv)
{
    return sb_processor_main(&display_processor, argc, argv);
}

// SPDX-License-Identifier: Apache-2.0
// grep: gives on the texts in which a pattern is found.
#include <errno.h>
#include <stdlib.h>

#include <streambroker/streambroker.h>

#include "processors/common/expression.h"
#include "processors/common/pattern_param.h"
#include "processors/common/whole.h"

struct grep {
    struct sb_output *output;
    struct expression *expression;
    bool is_inverted;
};

static int grep_config(struct sb_node *node)
{
    struct grep *grep = sb_node_data(node);
    int result = pattern_param_take(node, &grep->expression);
    if (result < 0) {
        return result;
    }
    grep->is_inverted = sb_param_bool(node, "invert");
    return 0;
}

static int grep_prepare(struct sb_node *node)
{
    struct grep *grep = calloc(1, sizeof *grep);
    if (grep == NULL) {
        return -ENOMEM;
    }
    grep->output = sb_node_output(node, "text");
    sb_node_set_data(node, grep);
    return grep_config(node);
}

static int grep_frame(struct sb_node *node, const struct sb_frame *frame)
{
    struct grep *grep = sb_node_data(node);
    int result = expression_matches(grep->expression, frame->data, (size_t)frame->size_bytes);
    if (result < 0) {
        return result;
    }
    return (result == 1) != grep->is_inverted ? sb_output_copy(grep->output, frame) : 0;
}

static void grep_close(struct sb_node *node)
{
    struct grep *grep = sb_node_data(node);
    if (grep != NULL) {
        expression_destroy(grep->expression);
        free(grep);
    }
}

static int grep_open(struct sb_node *node)
{
    return whole_open(node, grep_prepare, grep_close);
}

static const struct sb_port inputs[] = {
    {.name = "text", .type = SB_PORT_TEXT, .help = "Texts, for example lines."},
};

static const struct sb_port outputs[] = {
    {.name = "text",
     .type = SB_PORT_TEXT,
     .help = "Those in which the pattern is found.",
     .is_one_per_step = true},
};

static const struct sb_param params[] = {
    {.name = "pattern",
     .type = SB_PARAM_STRING,
     .help = "POSIX extended regular expression.",
     .maximum = 1024},
    {.name = "ignore_case",
     .type = SB_PARAM_BOOL,
     .help = "Take small and capital letters for the same.",
     .initial = "false"},
    {.name = "invert", .type = SB_PARAM_BOOL, .help = "Give on the others.", .initial = "false"},
};

static const struct sb_processor grep_processor = {
    .struct_size = sizeof grep_processor,
    .name = "grep",
    .version = "1.0.0",
    .summary = "Gives on the texts in which a pattern is found.",
    .inputs = inputs,
    .input_count = 1,
    .outputs = outputs,
    .output_count = 1,
    .params = params,
    .param_count = sizeof params / sizeof params[0],
    .open = grep_open,
    .on_frame = grep_frame,
    .on_config = grep_config,
    .close = grep_close,
};

int main(int argc, char **argv)
{
    return sb_processor_main(&grep_processor, argc, argv);
}

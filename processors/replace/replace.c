// SPDX-License-Identifier: Apache-2.0
// replace: puts another text in the place of what a pattern matches.
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <streambroker/streambroker.h>

#include "processors/common/expression.h"
#include "processors/common/pattern_param.h"
#include "processors/common/whole.h"

struct replace {
    struct sb_output *output;
    struct expression *expression;
    const char *with;
    bool is_for_all;
};

static int replace_config(struct sb_node *node)
{
    struct replace *replace = sb_node_data(node);
    const char *with = sb_param_string(node, "with");
    int result = pattern_param_take(node, &replace->expression);
    if (result < 0) {
        return result;
    }
    replace->with = with;
    replace->is_for_all = sb_param_bool(node, "all");
    return 0;
}

static int replace_prepare(struct sb_node *node)
{
    struct replace *replace = calloc(1, sizeof *replace);
    if (replace == NULL) {
        return -ENOMEM;
    }
    replace->output = sb_node_output(node, "text");
    sb_node_set_data(node, replace);
    return replace_config(node);
}

static int replace_frame(struct sb_node *node, const struct sb_frame *frame)
{
    struct replace *replace = sb_node_data(node);
    const char *bytes = NULL;
    size_t size_bytes = 0;
    int result = expression_replace(replace->expression, frame->data, (size_t)frame->size_bytes,
                                    replace->with, replace->is_for_all, &bytes, &size_bytes);
    if (result < 0) {
        return sb_node_error(node, result, "%s",
                             result == -EINVAL ? "with: a \\ number that the pattern does not have"
                                               : "no memory");
    }
    struct sb_buffer buffer;
    result = sb_output_claim(replace->output, size_bytes, &buffer);
    if (result < 0) {
        return result;
    }
    memcpy(buffer.data, bytes, size_bytes);
    return sb_output_publish(replace->output, &buffer);
}

static void replace_close(struct sb_node *node)
{
    struct replace *replace = sb_node_data(node);
    if (replace != NULL) {
        expression_destroy(replace->expression);
        free(replace);
    }
}

static int replace_open(struct sb_node *node)
{
    return whole_open(node, replace_prepare, replace_close);
}

static const struct sb_port inputs[] = {
    {.name = "text", .type = SB_PORT_TEXT, .help = "Texts, for example lines."},
};

static const struct sb_port outputs[] = {
    {.name = "text",
     .type = SB_PORT_TEXT,
     .help = "The texts with their replacements.",
     .is_one_per_step = true},
};

static const struct sb_param params[] = {
    {.name = "pattern",
     .type = SB_PARAM_STRING,
     .help = "POSIX extended regular expression.",
     .maximum = 1024},
    {.name = "with",
     .type = SB_PARAM_STRING,
     .help = "The new text; \\0 is the whole match, \\1 to \\9 its parts, \\n a new line.",
     .initial = "",
     .maximum = 4096},
    {.name = "all",
     .type = SB_PARAM_BOOL,
     .help = "Replace every match, not only the first one of a text.",
     .initial = "true"},
    {.name = "ignore_case",
     .type = SB_PARAM_BOOL,
     .help = "Take small and capital letters for the same.",
     .initial = "false"},
};

static const struct sb_processor replace_processor = {
    .struct_size = sizeof replace_processor,
    .name = "replace",
    .version = "1.0.0",
    .summary = "Puts another text in the place of what a pattern matches.",
    .inputs = inputs,
    .input_count = 1,
    .outputs = outputs,
    .output_count = 1,
    .params = params,
    .param_count = sizeof params / sizeof params[0],
    .open = replace_open,
    .on_frame = replace_frame,
    .on_config = replace_config,
    .close = replace_close,
};

int main(int argc, char **argv)
{
    return sb_processor_main(&replace_processor, argc, argv);
}

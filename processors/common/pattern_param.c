// SPDX-License-Identifier: Apache-2.0
// Puts an expression in the place of the one before, once it is known to be good.
#include "processors/common/pattern_param.h"

#include <errno.h>
#include <stddef.h>

#include <streambroker/streambroker.h>

int pattern_param_take(struct sb_node *node, struct expression **expression)
{
    struct expression *next = NULL;
    char text[EXPRESSION_TEXT_BYTES];
    int result = expression_create(sb_param_string(node, "pattern"),
                                   sb_param_bool(node, "ignore_case"), &next, text);
    if (result < 0) {
        return sb_node_error(node, result, "pattern: %s", result == -EINVAL ? text : "no memory");
    }
    expression_destroy(*expression);
    *expression = next;
    return 0;
}

// SPDX-License-Identifier: Apache-2.0
// Closes what could not be opened to its end.
#include "processors/common/whole.h"

int whole_open(struct sb_node *node, int (*prepare)(struct sb_node *node),
               void (*close)(struct sb_node *node))
{
    int result = prepare(node);
    if (result < 0) {
        close(node);
    }
    return result;
}

// SPDX-License-Identifier: Apache-2.0
// Notes what becomes of a change.
#include "broker/change/change_state.h"

#include <stdarg.h>
#include <stdio.h>

void change_state_fail(struct change *change, int code, const char *format, ...)
{
    if (change->code != 0) {
        return;
    }
    change->code = code;
    va_list list;
    va_start(list, format);
    vsnprintf(change->text, sizeof change->text, format, list);
    va_end(list);
}

bool change_state_is_about(const struct change *change, const struct actual_node *node)
{
    for (size_t i = 0; i < change->difference.count; i++) {
        if (change->items[i].node == node) {
            return true;
        }
    }
    return false;
}

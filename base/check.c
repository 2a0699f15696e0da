// SPDX-License-Identifier: Apache-2.0
// The end of a program that found a bug in itself.
#include "base/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

_Noreturn void check_failed(const char *condition, const char *file, int line, const char *function)
{
    char text[512];
    int size = snprintf(text, sizeof text, "fatal: %s:%d: %s: assertion '%s' failed\n", file, line,
                        function, condition);
    if (size > 0) {
        size_t count = (size_t)size < sizeof text ? (size_t)size : sizeof text - 1;
        // Nothing is left to do when stderr is gone: the abort says enough.
        ssize_t ignored = write(STDERR_FILENO, text, count);
        (void)ignored;
    }
    abort();
}

// SPDX-License-Identifier: Apache-2.0
// Looks at the limits that this process was started with.
#include "broker/lives/process_limits.h"

#include <errno.h>
#include <sys/resource.h>

#include "base/text.h"

static unsigned long long raise_to(int resource, rlim_t least)
{
    struct rlimit limit;
    if (getrlimit((__rlimit_resource_t)resource, &limit) < 0 || limit.rlim_cur >= least) {
        return least;
    }
    limit.rlim_cur = limit.rlim_max < least ? limit.rlim_max : least;
    (void)setrlimit((__rlimit_resource_t)resource, &limit);
    return limit.rlim_cur;
}

int process_limits_check(char *text, size_t text_bytes)
{
    struct text why = text_over(text, text_bytes);
    unsigned long long files = raise_to(RLIMIT_NOFILE, PROCESS_LIMITS_FILES_MIN);
    if (files < PROCESS_LIMITS_FILES_MIN) {
        text_add_format(
            &why, "too many open files: the limit is %llu (ulimit -n), at least %d are needed",
            files, PROCESS_LIMITS_FILES_MIN);
        return -EMFILE;
    }
    unsigned long long stack = raise_to(RLIMIT_STACK, PROCESS_LIMITS_STACK_BYTES_MIN);
    if (stack < PROCESS_LIMITS_STACK_BYTES_MIN) {
        text_add_format(&why,
                        "the limit on the stack is %llu KiB (ulimit -s), at least %d are needed",
                        stack >> 10, PROCESS_LIMITS_STACK_BYTES_MIN >> 10);
        return -ENOMEM;
    }
    return 0;
}

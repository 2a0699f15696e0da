// SPDX-License-Identifier: Apache-2.0
// Variables that release what they own when they go out of scope, and the way to hand it on.
#pragma once

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

// Every cleanup keeps errno, because it runs between a failure and the one who reports it.
#define auto_fd __attribute__((cleanup(cleanup_fd)))
#define auto_free __attribute__((cleanup(cleanup_free)))
#define auto_file __attribute__((cleanup(cleanup_file)))

static inline void cleanup_fd(int *fd)
{
    if (*fd >= 0) {
        int saved = errno;
        close(*fd);
        errno = saved;
        *fd = -1;
    }
}

static inline void cleanup_free(void *pointer_to_pointer)
{
    int saved = errno;
    void **pointer = pointer_to_pointer;
    free(*pointer);
    *pointer = NULL;
    errno = saved;
}

static inline void cleanup_file(FILE **file)
{
    if (*file != NULL) {
        int saved = errno;
        fclose(*file);
        errno = saved;
        *file = NULL;
    }
}

// Takes the descriptor out of an auto_fd variable: the caller owns it now.
static inline int steal_fd(int *fd)
{
    int taken = *fd;
    *fd = -1;
    return taken;
}

static inline void *steal_pointer(void *pointer_to_pointer)
{
    void **pointer = pointer_to_pointer;
    void *taken = *pointer;
    *pointer = NULL;
    return taken;
}

// SPDX-License-Identifier: Apache-2.0
// Ends a program that RouDi may have taken for dead, or that RouDi would keep from ending.
#include "processors/iceoryx/presence.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include <streambroker/streambroker.h>

#define NS_PER_MS INT64_C(1000000)
#define TICK_NS (100 * NS_PER_MS)
// RouDi drops who was silent for 1.5 s, and is told three times a second that one is there.
#define STILL_NS (1100 * NS_PER_MS)
#define EXIT_NS (1000 * NS_PER_MS)

static _Atomic int64_t seen_ns;    // by the watching thread, 0 = it was not begun
static _Atomic int64_t exit_ns;    // when an exit has to be over, 0 = none has begun
static _Atomic int32_t exit_code;  // of that exit

static int64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

void presence_check(void)
{
    static const char why[] =
        "<4>iceoryx: stood still, and RouDi may have dropped it; starting afresh\n";
    int64_t last_ns = atomic_load(&seen_ns);
    if (last_ns != 0 && now_ns() - last_ns > STILL_NS && atomic_load(&exit_ns) == 0) {
        ssize_t written = write(STDERR_FILENO, why, sizeof why - 1);
        (void)written;
        _exit(SB_EXIT_RESTART);
    }
}

static void *watch(void *context)
{
    (void)context;
    for (;;) {
        nanosleep(&(struct timespec){.tv_nsec = TICK_NS}, NULL);
        presence_check();
        int64_t until_ns = atomic_load(&exit_ns);
        if (until_ns != 0 && now_ns() >= until_ns) {
            _exit(atomic_load(&exit_code));
        }
        atomic_store(&seen_ns, now_ns());
    }
    return NULL;
}

int presence_begin(void)
{
    sigset_t all;
    sigset_t before;
    pthread_t thread;
    atomic_store(&seen_ns, now_ns());
    // Signals are for the thread that runs the processor.
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int failed = pthread_create(&thread, NULL, watch, NULL);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (failed != 0) {
        atomic_store(&seen_ns, 0);
        return -failed;
    }
    pthread_detach(thread);
    return 0;
}

static void on_leaving(int code, void *context)
{
    (void)context;
    atomic_store(&exit_code, code);
    atomic_store(&exit_ns, now_ns() + EXIT_NS);
}

int presence_bound_exit(void)
{
    return on_exit(on_leaving, NULL) == 0 ? 0 : -ENOMEM;
}

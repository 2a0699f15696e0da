// SPDX-License-Identifier: Apache-2.0
// One chunk at a time, from the thread that runs the processor to the one that may be kept.
#include "processors/iceoryx-export/publish_thread.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <time.h>

#define NS_PER_S 1000000000

static void *run(void *context)
{
    struct publish_thread *thread = context;
    pthread_mutex_lock(&thread->mutex);
    for (;;) {
        while (thread->chunk == NULL && !thread->is_over) {
            pthread_cond_wait(&thread->changed, &thread->mutex);
        }
        if (thread->chunk == NULL) {
            break;
        }
        void *chunk = thread->chunk;
        pthread_mutex_unlock(&thread->mutex);
        iox_pub_publish_chunk(thread->publisher, chunk);
        pthread_mutex_lock(&thread->mutex);
        thread->chunk = NULL;
        pthread_cond_broadcast(&thread->changed);
    }
    thread->has_ended = true;
    pthread_cond_broadcast(&thread->changed);
    pthread_mutex_unlock(&thread->mutex);
    return NULL;
}

int publish_thread_start(struct publish_thread *thread, iox_pub_t publisher)
{
    pthread_condattr_t attributes;
    sigset_t all, before;
    *thread = (struct publish_thread){.publisher = publisher};
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_mutex_init(&thread->mutex, NULL);
    pthread_cond_init(&thread->changed, &attributes);
    pthread_condattr_destroy(&attributes);
    // Signals are for the thread that runs the processor; what iceoryx aborts is told to this one.
    sigfillset(&all);
    sigdelset(&all, SIGABRT);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int failed = pthread_create(&thread->thread, NULL, run, thread);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return -failed;
}

void publish_thread_post(struct publish_thread *thread, void *chunk)
{
    pthread_mutex_lock(&thread->mutex);
    thread->chunk = chunk;
    pthread_cond_broadcast(&thread->changed);
    pthread_mutex_unlock(&thread->mutex);
}

// With the mutex held.
static bool wait_for(struct publish_thread *thread, const bool *condition, int64_t deadline_ns)
{
    struct timespec until = {.tv_sec = deadline_ns / NS_PER_S, .tv_nsec = deadline_ns % NS_PER_S};
    int failed = 0;
    while (failed == 0 && (condition != NULL ? !*condition : thread->chunk != NULL)) {
        failed = pthread_cond_timedwait(&thread->changed, &thread->mutex, &until);
    }
    return failed == 0;
}

bool publish_thread_wait(struct publish_thread *thread, int64_t deadline_ns)
{
    pthread_mutex_lock(&thread->mutex);
    bool is_free = wait_for(thread, NULL, deadline_ns);
    pthread_mutex_unlock(&thread->mutex);
    return is_free;
}

bool publish_thread_stop(struct publish_thread *thread, int64_t deadline_ns)
{
    pthread_mutex_lock(&thread->mutex);
    thread->is_over = true;
    pthread_cond_broadcast(&thread->changed);
    bool has_ended = wait_for(thread, &thread->has_ended, deadline_ns);
    pthread_mutex_unlock(&thread->mutex);
    if (!has_ended) {
        pthread_detach(thread->thread);
        return false;
    }
    pthread_join(thread->thread, NULL);
    pthread_cond_destroy(&thread->changed);
    pthread_mutex_destroy(&thread->mutex);
    return true;
}

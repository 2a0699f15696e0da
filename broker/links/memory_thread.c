// SPDX-License-Identifier: Apache-2.0
// Makes segments, writes their start values, and closes large ones, off the broker's loop.
#include "broker/links/memory_thread.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/check.h"
#include "base/cleanup.h"

struct queue {
    struct memory_job *first;
    struct memory_job *last;
};

struct memory_thread {
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t wake;
    int done_fd;
    // Under the mutex:
    struct queue todo;
    struct queue done;
    bool is_ending;
};

static void push(struct queue *queue, struct memory_job *job)
{
    job->next = NULL;
    if (queue->last != NULL) {
        queue->last->next = job;
    } else {
        queue->first = job;
    }
    queue->last = job;
}

static struct memory_job *pop(struct queue *queue)
{
    struct memory_job *job = queue->first;
    if (job != NULL) {
        queue->first = job->next;
        if (queue->first == NULL) {
            queue->last = NULL;
        }
        job->next = NULL;
    }
    return job;
}

static void write_publish(const struct memory_item *order, struct publish_page *page)
{
    page->link_id = order->link_id;
    page->generation = order->generation;
    page->depth = order->depth;
    page->first_seq = order->first_seq;
    uint64_t first = order->first_seq;
    atomic_store_explicit(&page->low, first, memory_order_relaxed);
    atomic_store_explicit(&page->tail, first == 0 ? 0 : first - 1, memory_order_relaxed);
}

void memory_thread_write_consume(const struct memory_item *order, struct consume_page *page)
{
    page->page_number = order->page_number;
    page->link_id = order->link_id;
    page->generation = order->generation;
    page->depth = order->depth;
    page->claims_max = order->claims_max;
    uint64_t first = order->first_seq;
    atomic_store_explicit(&page->next, first, memory_order_relaxed);
    atomic_store_explicit(&page->retired, first == 0 ? 0 : first - 1, memory_order_relaxed);
}

// A fresh memfd is zero, and zero is the start value of pools and status pages.
static int write_start(const struct memory_item *order)
{
    if (order->kind != WIRE_MEMORY_PUBLISH && order->kind != WIRE_MEMORY_CONSUME) {
        return 0;
    }
    void *bytes;
    int failed = segment_map_initial(order->fd, order->real_bytes, &bytes);
    if (failed != 0) {
        return failed;
    }
    if (order->kind == WIRE_MEMORY_PUBLISH) {
        write_publish(order, bytes);
    } else {
        memory_thread_write_consume(order, bytes);
    }
    segment_unmap(bytes, order->real_bytes);
    return 0;
}

static const char *order_name(enum wire_memory_kind kind)
{
    switch (kind) {
    case WIRE_MEMORY_POOL:
        return "sb-pool";
    case WIRE_MEMORY_PUBLISH:
        return "sb-publish";
    case WIRE_MEMORY_CONSUME:
        return "sb-consume";
    case WIRE_MEMORY_STATUS:
        return "sb-status";
    }
    return "sb";
}

static int make(struct memory_item *order)
{
    int fd = segment_create(order_name(order->kind), order->size_bytes, order->pages,
                            &order->real_bytes);
    if (fd < 0) {
        return fd;
    }
    order->fd = fd;
    return write_start(order);
}

static void close_orders(struct memory_job *job)
{
    for (size_t i = 0; i < job->count; i++) {
        cleanup_fd(&job->orders[i].fd);
    }
}

static void work(struct memory_job *job)
{
    for (size_t i = 0; i < job->count && job->error == 0; i++) {
        job->error = make(&job->orders[i]);
    }
    if (job->error != 0) {
        close_orders(job);
    }
}

static void *run(void *argument)
{
    struct memory_thread *thread = argument;
    pthread_mutex_lock(&thread->mutex);
    while (!thread->is_ending) {
        struct memory_job *job = pop(&thread->todo);
        if (job == NULL) {
            pthread_cond_wait(&thread->wake, &thread->mutex);
            continue;
        }
        pthread_mutex_unlock(&thread->mutex);
        if (job->is_closing) {
            memory_thread_free_job(job);
            pthread_mutex_lock(&thread->mutex);
            continue;
        }
        work(job);
        pthread_mutex_lock(&thread->mutex);
        push(&thread->done, job);
        uint64_t one = 1;
        ssize_t written = write(thread->done_fd, &one, sizeof one);
        SB_ASSERT(written == sizeof one);
    }
    pthread_mutex_unlock(&thread->mutex);
    return NULL;
}

int memory_thread_create(struct memory_thread **out_thread)
{
    auto_free struct memory_thread *thread = calloc(1, sizeof *thread);
    if (thread == NULL) {
        return -ENOMEM;
    }
    auto_fd int done_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (done_fd < 0) {
        return -errno;
    }
    thread->done_fd = done_fd;
    pthread_mutex_init(&thread->mutex, NULL);
    pthread_cond_init(&thread->wake, NULL);
    int failed = pthread_create(&thread->thread, NULL, run, thread);
    if (failed != 0) {
        return -failed;
    }
    pthread_setname_np(thread->thread, "memory");
    steal_fd(&done_fd);
    *out_thread = steal_pointer(&thread);
    return 0;
}

void memory_thread_destroy(struct memory_thread *thread)
{
    if (thread == NULL) {
        return;
    }
    pthread_mutex_lock(&thread->mutex);
    thread->is_ending = true;
    pthread_cond_signal(&thread->wake);
    pthread_mutex_unlock(&thread->mutex);
    pthread_join(thread->thread, NULL);
    struct memory_job *job;
    while ((job = pop(&thread->todo)) != NULL || (job = pop(&thread->done)) != NULL) {
        if (job->drop_owner != NULL) {
            job->drop_owner(job->owner);
        }
        memory_thread_free_job(job);
    }
    close(thread->done_fd);
    pthread_mutex_destroy(&thread->mutex);
    pthread_cond_destroy(&thread->wake);
    free(thread);
}

int memory_thread_fd(const struct memory_thread *thread)
{
    return thread->done_fd;
}

struct memory_job *memory_thread_new_job(size_t count)
{
    struct memory_job *job = calloc(1, sizeof *job + count * sizeof job->orders[0]);
    if (job != NULL) {
        job->count = count;
        for (size_t i = 0; i < count; i++) {
            job->orders[i].fd = -1;
        }
    }
    return job;
}

void memory_thread_free_job(struct memory_job *job)
{
    if (job != NULL) {
        close_orders(job);
        free(job);
    }
}

static void hand_over(struct memory_thread *thread, struct memory_job *job)
{
    pthread_mutex_lock(&thread->mutex);
    push(&thread->todo, job);
    pthread_cond_signal(&thread->wake);
    pthread_mutex_unlock(&thread->mutex);
}

void memory_thread_submit(struct memory_thread *thread, struct memory_job *job)
{
    SB_ASSERT(job->count > 0 && !job->is_closing);
    hand_over(thread, job);
}

struct memory_job *memory_thread_take(struct memory_thread *thread)
{
    pthread_mutex_lock(&thread->mutex);
    struct memory_job *job = pop(&thread->done);
    if (job == NULL) {
        // Nothing is left: the count may be taken down, under the mutex so that none is missed.
        uint64_t count;
        ssize_t got = read(thread->done_fd, &count, sizeof count);
        SB_ASSERT(got == sizeof count || errno == EAGAIN);
    }
    pthread_mutex_unlock(&thread->mutex);
    return job;
}

void memory_thread_close_fd(struct memory_thread *thread, int fd)
{
    struct memory_job *job = memory_thread_new_job(1);
    if (job == NULL) {
        close(fd);
        return;
    }
    job->is_closing = true;
    job->orders[0].fd = fd;
    hand_over(thread, job);
}

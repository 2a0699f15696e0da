// SPDX-License-Identifier: Apache-2.0
// Keeps hashes under the identity of their files, and has a thread for what takes long.
#include "broker/graph/content.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <sodium.h>

#include "base/check.h"
#include "base/cleanup.h"
#include "base/clock.h"

enum { BLOCK_BYTES = 64 * 1024, FILES_MAX = 1024 };

// A clock of a file system may be this coarse: two changes within it look like one.
#define TICK_NS (2 * CLOCK_NS_PER_S)
// For this time an answer of the thread is one, also when the file was changed a moment before;
// once also when it goes on changing: else nobody would ever get an answer.
#define ANSWER_NS CLOCK_NS_PER_S

struct identity {
    dev_t device;
    ino_t inode;
    off_t size_bytes;
    struct timespec modified;
    struct timespec changed;
};

struct file {
    struct file *next;  // the one that was asked for before
    struct file *next_job;
    char *path;  // owned
    // While is_asked these are the thread's.
    struct identity identity;
    unsigned char hash[CONTENT_HASH_BYTES];
    int failed;
    bool is_settled;  // the identity stands for the content
    int64_t done_ns;
    // Of the loop:
    bool is_asked;
    bool is_used;  // the answer was given to somebody
};

struct content {
    struct file *newest;
    size_t count;
    int done_fd;
    atomic_bool is_ending;
    bool has_thread;
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t wake;
    // Under the mutex:
    struct file *todo;
    struct file *done;
};

int content_create(struct content **out_content)
{
    struct content *content = calloc(1, sizeof *content);
    if (content == NULL) {
        return -ENOMEM;
    }
    content->done_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (content->done_fd < 0) {
        int failed = -errno;
        free(content);
        return failed;
    }
    pthread_mutex_init(&content->mutex, NULL);
    pthread_cond_init(&content->wake, NULL);
    *out_content = content;
    return 0;
}

static void drop(struct file *file)
{
    free(file->path);
    free(file);
}

void content_destroy(struct content *content)
{
    if (content == NULL) {
        return;
    }
    if (content->has_thread) {
        pthread_mutex_lock(&content->mutex);
        atomic_store(&content->is_ending, true);
        pthread_cond_signal(&content->wake);
        pthread_mutex_unlock(&content->mutex);
        pthread_join(content->thread, NULL);
    }
    while (content->newest != NULL) {
        struct file *file = content->newest;
        content->newest = file->next;
        drop(file);
    }
    close(content->done_fd);
    pthread_mutex_destroy(&content->mutex);
    pthread_cond_destroy(&content->wake);
    free(content);
}

// --- Reading ----------------------------------------------------------------------------------

static struct identity identity_of(const struct stat *status)
{
    return (struct identity){.device = status->st_dev,
                             .inode = status->st_ino,
                             .size_bytes = status->st_size,
                             .modified = status->st_mtim,
                             .changed = status->st_ctim};
}

static bool is_same_time(struct timespec a, struct timespec b)
{
    return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

static bool is_same(const struct identity *a, const struct identity *b)
{
    return a->device == b->device && a->inode == b->inode && a->size_bytes == b->size_bytes &&
           is_same_time(a->modified, b->modified) && is_same_time(a->changed, b->changed);
}

// Whether it was changed so long ago that one more change would show.
static bool is_old(struct timespec changed)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    int64_t age_ns =
        (int64_t)(now.tv_sec - changed.tv_sec) * CLOCK_NS_PER_S + (now.tv_nsec - changed.tv_nsec);
    return age_ns > TICK_NS;
}

static int open_file(const char *path, struct stat *out_status)
{
    auto_fd int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0 || fstat(fd, out_status) != 0 || !S_ISREG(out_status->st_mode)) {
        return -ENOENT;
    }
    return steal_fd(&fd);
}

static int hash_all(const struct content *content, int fd, unsigned char *out_hash)
{
    auto_free unsigned char *block = malloc(BLOCK_BYTES);
    if (block == NULL) {
        return -ENOMEM;
    }
    crypto_generichash_state state;
    crypto_generichash_init(&state, NULL, 0, CONTENT_HASH_BYTES);
    ssize_t count;
    while ((count = read(fd, block, BLOCK_BYTES)) > 0 && !atomic_load(&content->is_ending)) {
        crypto_generichash_update(&state, block, (unsigned long long)count);
    }
    crypto_generichash_final(&state, out_hash, CONTENT_HASH_BYTES);
    return 0;
}

// Fills in what is known of a file afterwards.
static void read_file(const struct content *content, struct file *file)
{
    struct stat before;
    struct stat after;
    auto_fd int fd = open_file(file->path, &before);
    file->is_settled = false;
    file->failed = fd < 0 ? fd : hash_all(content, fd, file->hash);
    if (file->failed == 0 && fstat(fd, &after) == 0) {
        file->identity = identity_of(&before);
        struct identity now = identity_of(&after);
        file->is_settled = is_same(&file->identity, &now) && is_old(after.st_ctim);
    }
    file->done_ns = clock_now_ns();
}

// --- The thread -------------------------------------------------------------------------------

static void *run(void *argument)
{
    struct content *content = argument;
    pthread_mutex_lock(&content->mutex);
    while (!atomic_load(&content->is_ending)) {
        struct file *file = content->todo;
        if (file == NULL) {
            pthread_cond_wait(&content->wake, &content->mutex);
            continue;
        }
        content->todo = file->next_job;
        pthread_mutex_unlock(&content->mutex);
        read_file(content, file);
        pthread_mutex_lock(&content->mutex);
        file->next_job = content->done;
        content->done = file;
        uint64_t one = 1;
        ssize_t written = write(content->done_fd, &one, sizeof one);
        SB_ASSERT(written == sizeof one);
    }
    pthread_mutex_unlock(&content->mutex);
    return NULL;
}

// It gets no signal: those are the loop's.
static int start_thread(struct content *content)
{
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int failed = pthread_create(&content->thread, NULL, run, content);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (failed != 0) {
        return -failed;
    }
    pthread_setname_np(content->thread, "content");
    content->has_thread = true;
    return 0;
}

// Returns -EINPROGRESS, or why there is no thread.
static int ask_thread(struct content *content, struct file *file)
{
    int failed = content->has_thread ? 0 : start_thread(content);
    if (failed != 0) {
        return failed;
    }
    file->is_asked = true;
    file->is_used = false;
    file->next_job = NULL;
    pthread_mutex_lock(&content->mutex);
    struct file **at = &content->todo;
    while (*at != NULL) {
        at = &(*at)->next_job;
    }
    *at = file;
    pthread_cond_signal(&content->wake);
    pthread_mutex_unlock(&content->mutex);
    return -EINPROGRESS;
}

int content_fd(const struct content *content)
{
    return content->done_fd;
}

bool content_take(struct content *content)
{
    uint64_t count;
    pthread_mutex_lock(&content->mutex);
    struct file *done = content->done;
    content->done = NULL;
    ssize_t got = read(content->done_fd, &count, sizeof count);
    SB_ASSERT(got == sizeof count || errno == EAGAIN);
    pthread_mutex_unlock(&content->mutex);
    for (struct file *file = done; file != NULL; file = file->next_job) {
        file->is_asked = false;
    }
    return done != NULL;
}

// --- What is known ----------------------------------------------------------------------------

static void drop_oldest(struct content *content)
{
    struct file **oldest = NULL;
    // The newest one is about to be used.
    for (struct file **at = &content->newest->next; *at != NULL; at = &(*at)->next) {
        oldest = (*at)->is_asked ? oldest : at;
    }
    if (oldest != NULL) {
        struct file *file = *oldest;
        *oldest = file->next;
        content->count--;
        drop(file);
    }
}

// The entry of a path, in front of all others; a new one knows nothing.
static struct file *find(struct content *content, const char *path)
{
    for (struct file **at = &content->newest; *at != NULL; at = &(*at)->next) {
        struct file *file = *at;
        if (strcmp(file->path, path) == 0) {
            *at = file->next;
            file->next = content->newest;
            content->newest = file;
            return file;
        }
    }
    struct file *file = calloc(1, sizeof *file);
    if (file == NULL || (file->path = strdup(path)) == NULL) {
        free(file);
        return NULL;
    }
    file->done_ns = INT64_MIN;
    file->next = content->newest;
    content->newest = file;
    if (++content->count > FILES_MAX) {
        drop_oldest(content);
    }
    return file;
}

static bool is_known(const struct file *file, const struct identity *now)
{
    if (file->done_ns == INT64_MIN) {
        return false;
    }
    bool is_recent =
        now->size_bytes > CONTENT_BESIDE_BYTES && clock_now_ns() - file->done_ns < ANSWER_NS;
    bool is_same_file = file->failed == 0 && is_same(&file->identity, now);
    return is_same_file ? file->is_settled || is_recent : is_recent && !file->is_used;
}

int content_hash(struct content *content, const char *path, bool is_beside,
                 unsigned char out_hash[CONTENT_HASH_BYTES])
{
    struct stat status;
    if (stat(path, &status) != 0 || !S_ISREG(status.st_mode)) {
        return -ENOENT;
    }
    struct file *file = find(content, path);
    if (file == NULL) {
        return -ENOMEM;
    }
    if (file->is_asked) {
        return -EINPROGRESS;
    }
    struct identity now = identity_of(&status);
    if (!is_known(file, &now)) {
        if (is_beside && status.st_size > CONTENT_BESIDE_BYTES) {
            return ask_thread(content, file);
        }
        read_file(content, file);
    }
    file->is_used = true;
    if (file->failed == 0) {
        memcpy(out_hash, file->hash, CONTENT_HASH_BYTES);
    }
    return file->failed;
}

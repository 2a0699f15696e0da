// SPDX-License-Identifier: Apache-2.0
// Sleeping on words, one and many, and being woken.
// test: labels=tsan
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "shm/futex.h"

#ifndef SYS_futex_waitv
#define SYS_futex_waitv 449
#endif

#define FOR_EVER_NS (30 * CLOCK_NS_PER_S)

static void set_of(struct futex_set *set, const _Atomic uint32_t *words, uint32_t count)
{
    futex_set_clear(set);
    for (uint32_t i = 0; i < count; i++) {
        futex_set_add(set, &words[i]);
    }
}

static void a_word_that_changed_before_the_sleep_ends_it_at_once(void **state)
{
    (void)state;
    const uint32_t counts[] = {1, 2, FUTEX_SET_MAX};
    for (size_t i = 0; i < 3; i++) {
        for (uint32_t changed = 0; changed < counts[i]; changed += counts[i] - 1) {
            _Atomic uint32_t words[FUTEX_SET_MAX] = {0};
            struct futex_set set;
            set_of(&set, words, counts[i]);
            atomic_fetch_add(&words[changed], 1);
            assert_int_equal(futex_set_wait(&set, FUTEX_NO_DEADLINE), 0);
            if (counts[i] == 1) {
                break;
            }
        }
    }
}

static void a_deadline_ends_the_sleep_and_is_never_early(void **state)
{
    (void)state;
    _Atomic uint32_t words[3] = {0};
    for (uint32_t count = 1; count <= 3; count++) {
        struct futex_set set;
        set_of(&set, words, count);
        int64_t deadline_ns = clock_now_ns() + 5 * CLOCK_NS_PER_MS;
        assert_int_equal(futex_set_wait(&set, deadline_ns), -ETIMEDOUT);
        assert_true(clock_now_ns() >= deadline_ns);
    }
}

// A deadline before the clock began is one that is over.
static void a_deadline_that_has_passed_does_not_sleep(void **state)
{
    (void)state;
    _Atomic uint32_t words[2] = {0};
    const int64_t deadlines_ns[] = {0, 1, -1, -5 * CLOCK_NS_PER_S, INT64_MIN};
    for (size_t i = 0; i < sizeof deadlines_ns / sizeof deadlines_ns[0]; i++) {
        for (uint32_t count = 1; count <= 2; count++) {
            struct futex_set set;
            set_of(&set, words, count);
            assert_int_equal(futex_set_wait(&set, deadlines_ns[i]), -ETIMEDOUT);
        }
    }
}

struct game {
    _Atomic uint32_t words[FUTEX_SET_MAX];
    uint32_t count;
    uint32_t rounds;
    int failed;
};

// Answers each change of word 0 with one of the last word.
static void *answer(void *context)
{
    struct game *game = context;
    for (uint32_t round = 1; round <= game->rounds; round++) {
        while (atomic_load(&game->words[0]) != round) {
            struct futex_set set;
            futex_set_clear(&set);
            futex_set_add(&set, &game->words[0]);
            if (atomic_load(&game->words[0]) != round &&
                futex_set_wait(&set, clock_now_ns() + FOR_EVER_NS) != 0) {
                game->failed = 1;
                return NULL;
            }
        }
        futex_bump_and_wake(&game->words[game->count - 1]);
    }
    return NULL;
}

// R-DATA-019
static void a_sleeper_on_many_words_is_woken_by_each_of_them(void **state)
{
    (void)state;
    const uint32_t counts[] = {2, 3, FUTEX_SET_MAX};
    for (size_t i = 0; i < 3; i++) {
        struct game game = {.count = counts[i], .rounds = 300};
        pthread_t thread;
        assert_int_equal(pthread_create(&thread, NULL, answer, &game), 0);
        for (uint32_t round = 1; round <= game.rounds; round++) {
            struct futex_set set;
            futex_set_clear(&set);
            // The word that we bump ourselves is not among them.
            for (uint32_t w = 1; w < game.count; w++) {
                futex_set_add(&set, &game.words[w]);
            }
            futex_bump_and_wake(&game.words[0]);
            assert_int_equal(futex_set_wait(&set, clock_now_ns() + FOR_EVER_NS), 0);
        }
        pthread_join(thread, NULL);
        assert_int_equal(game.failed, 0);
    }
}

// A consumer sleeps on the word of a page that it may only read.
static void a_word_in_read_only_memory_of_another_process_can_be_slept_on(void **state)
{
    (void)state;
    int fd = memfd_create("futex", MFD_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(ftruncate(fd, 4096), 0);
    _Atomic uint32_t *word = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    assert_true(word != MAP_FAILED);
    for (uint32_t count = 1; count <= 2; count++) {
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) {
            const _Atomic uint32_t *view = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);
            struct futex_set set;
            futex_set_clear(&set);
            for (uint32_t i = 0; i < count; i++) {
                set.entries[i].word = &view[i];
                set.entries[i].expected = i == 0 ? count - 1 : 0;
            }
            set.count = count;
            _exit(view != MAP_FAILED && futex_set_wait(&set, clock_now_ns() + FOR_EVER_NS) == 0
                      ? 0
                      : 1);
        }
        futex_bump_and_wake(word);
        int status;
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    }
    munmap(word, 4096);
    close(fd);
}

// An old kernel: futex_waitv is answered with an error of the sandbox or of the kernel.
static _Noreturn void wait_without_waitv(unsigned answer)
{
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_futex_waitv, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | answer),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {.len = sizeof code / sizeof code[0], .filter = code};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
        prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0) {
        _exit(77);
    }
    _Atomic uint32_t words[3] = {0};
    struct futex_set set;
    set_of(&set, words, 3);
    bool is_right = futex_set_wait(&set, clock_now_ns() + 3 * CLOCK_NS_PER_MS) == -ETIMEDOUT;
    atomic_fetch_add(&words[2], 1);
    is_right = is_right && futex_set_wait(&set, FUTEX_NO_DEADLINE) == 0;
    set_of(&set, words, 3);
    is_right = is_right && futex_set_wait(&set, -1) == -ETIMEDOUT;
    _exit(is_right ? 0 : 1);
}

static void a_kernel_without_futex_waitv_does_as_well(void **state)
{
    (void)state;
    const unsigned answers[] = {ENOSYS, EPERM};
    for (size_t i = 0; i < 2; i++) {
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) {
            wait_without_waitv(answers[i]);
        }
        int status;
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFEXITED(status));
        if (WEXITSTATUS(status) == 77) {
            skip();
        }
        assert_int_equal(WEXITSTATUS(status), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_word_that_changed_before_the_sleep_ends_it_at_once),
        cmocka_unit_test(a_deadline_ends_the_sleep_and_is_never_early),
        cmocka_unit_test(a_deadline_that_has_passed_does_not_sleep),
        cmocka_unit_test(a_sleeper_on_many_words_is_woken_by_each_of_them),
        cmocka_unit_test(a_word_in_read_only_memory_of_another_process_can_be_slept_on),
        cmocka_unit_test(a_kernel_without_futex_waitv_does_as_well),
    };
    return cmocka_run_group_tests_name("futex", tests, NULL, NULL);
}

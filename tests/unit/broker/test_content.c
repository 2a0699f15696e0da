// SPDX-License-Identifier: Apache-2.0
// Hashes of files: read once, again after a change, and large ones beside the caller.
// test: labels=tsan
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "broker/graph/content.h"

#define LARGE_BYTES (CONTENT_BESIDE_BYTES + 4096)

static char folder[] = "/tmp/content.XXXXXX";
static struct content *content;

static int setup(void **state)
{
    (void)state;
    return mkdtemp(folder) == NULL || chdir(folder) != 0 || content_create(&content) != 0 ? -1 : 0;
}

static int teardown(void **state)
{
    (void)state;
    content_destroy(content);
    static const char *const names[] = {"a", "b", "large"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        unlink(names[i]);
    }
    return rmdir(folder);
}

static void write_file(const char *path, const char *text, off_t size_bytes)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
    if (size_bytes > 0) {
        assert_int_equal(truncate(path, size_bytes), 0);
    }
}

static void wait_for_thread(void)
{
    struct pollfd fd = {.fd = content_fd(content), .events = POLLIN};
    assert_int_equal(poll(&fd, 1, -1), 1);
    assert_true(content_take(content));
}

static void equal_content_has_an_equal_hash(void **state)
{
    (void)state;
    unsigned char hashes[3][CONTENT_HASH_BYTES];
    write_file("a", "one", 0);
    write_file("b", "one", 0);
    assert_int_equal(content_hash(content, "a", true, hashes[0]), 0);
    assert_int_equal(content_hash(content, "b", true, hashes[1]), 0);
    assert_memory_equal(hashes[0], hashes[1], CONTENT_HASH_BYTES);
    // Within the same tick of the clock, with the same size.
    write_file("a", "two", 0);
    assert_int_equal(content_hash(content, "a", true, hashes[2]), 0);
    assert_memory_not_equal(hashes[0], hashes[2], CONTENT_HASH_BYTES);
}

static void what_is_no_file_has_none(void **state)
{
    (void)state;
    unsigned char hash[CONTENT_HASH_BYTES];
    assert_int_equal(content_hash(content, "nothing", false, hash), -ENOENT);
    assert_int_equal(content_hash(content, ".", true, hash), -ENOENT);
    assert_int_equal(content_hash(content, "/dev/zero", true, hash), -ENOENT);
    assert_false(content_take(content));
}

// R-LIVE-022
static void a_large_file_is_read_beside(void **state)
{
    (void)state;
    unsigned char waited[CONTENT_HASH_BYTES];
    unsigned char beside[CONTENT_HASH_BYTES];
    write_file("large", "large", LARGE_BYTES);
    assert_int_equal(content_hash(content, "large", true, beside), -EINPROGRESS);
    assert_int_equal(content_hash(content, "large", true, beside), -EINPROGRESS);
    wait_for_thread();
    assert_int_equal(content_hash(content, "large", true, beside), 0);
    struct content *other;
    assert_int_equal(content_create(&other), 0);
    assert_int_equal(content_hash(other, "large", false, waited), 0);
    content_destroy(other);
    assert_memory_equal(waited, beside, CONTENT_HASH_BYTES);
}

static void a_file_that_goes_on_changing_has_an_answer_each_time(void **state)
{
    (void)state;
    unsigned char hash[CONTENT_HASH_BYTES];
    for (int i = 0; i < 3; i++) {
        write_file("large", "more", LARGE_BYTES + 1 + 2 * i);
        assert_int_equal(content_hash(content, "large", true, hash), -EINPROGRESS);
        wait_for_thread();
        write_file("large", "and more", LARGE_BYTES + 2 + 2 * i);
        assert_int_equal(content_hash(content, "large", true, hash), 0);
    }
}

static void a_file_that_went_away_is_no_question_for_ever(void **state)
{
    (void)state;
    unsigned char hash[CONTENT_HASH_BYTES];
    write_file("large", "x", LARGE_BYTES + 100);
    assert_int_equal(content_hash(content, "large", true, hash), -EINPROGRESS);
    unlink("large");
    wait_for_thread();
    assert_int_equal(content_hash(content, "large", true, hash), -ENOENT);
}

static void more_files_than_are_kept_are_no_harm(void **state)
{
    (void)state;
    unsigned char first[CONTENT_HASH_BYTES];
    unsigned char hash[CONTENT_HASH_BYTES];
    write_file("a", "one", 0);
    assert_int_equal(content_hash(content, "a", true, first), 0);
    for (int i = 1; i < 1100; i++) {
        // One file by many names.
        char path[2300];
        snprintf(path, sizeof path, "%0*d", i, 0);
        for (char *c = path; *c != '\0'; c++) {
            *c = '/';
        }
        snprintf(path + i, sizeof path - (size_t)i, "%s/a", folder);
        assert_int_equal(content_hash(content, path, true, hash), 0);
        assert_memory_equal(first, hash, CONTENT_HASH_BYTES);
    }
}

// The end of the tests is in the middle of this.
static void the_end_does_not_wait_for_a_huge_file(void **state)
{
    (void)state;
    unsigned char hash[CONTENT_HASH_BYTES];
    write_file("large", "huge", (off_t)1 << 40);
    assert_int_equal(content_hash(content, "large", true, hash), -EINPROGRESS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equal_content_has_an_equal_hash),
        cmocka_unit_test(what_is_no_file_has_none),
        cmocka_unit_test(a_large_file_is_read_beside),
        cmocka_unit_test(a_file_that_goes_on_changing_has_an_answer_each_time),
        cmocka_unit_test(a_file_that_went_away_is_no_question_for_ever),
        cmocka_unit_test(more_files_than_are_kept_are_no_harm),
        cmocka_unit_test(the_end_does_not_wait_for_a_huge_file),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}

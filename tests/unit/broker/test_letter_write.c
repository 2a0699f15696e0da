// SPDX-License-Identifier: Apache-2.0
// The helper writes whole files, keeps within its bound, and says what went wrong.
#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "broker/supervision/letter_write.h"
#include "schemas/frame_layout.h"
#include "schemas/link_layout.h"

#define OFFSET 4096
#define PAYLOAD_BYTES 3000

static char folder[64];
static unsigned char payload[PAYLOAD_BYTES];

static int set_up(void **state)
{
    (void)state;
    snprintf(folder, sizeof folder, "/tmp/sb-letters-XXXXXX");
    for (size_t i = 0; i < sizeof payload; i++) {
        payload[i] = (unsigned char)(i * 7);
    }
    return mkdtemp(folder) == NULL ? -1 : 0;
}

static size_t count_files(bool is_removed)
{
    DIR *dir = opendir(folder);
    assert_non_null(dir);
    size_t count = 0;
    for (struct dirent *entry = readdir(dir); entry != NULL; entry = readdir(dir)) {
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0) {
            count++;
            if (is_removed) {
                assert_int_equal(unlinkat(dirfd(dir), entry->d_name, 0), 0);
            }
        }
    }
    closedir(dir);
    return count;
}

static int tear_down(void **state)
{
    (void)state;
    (void)count_files(true);
    return rmdir(folder);
}

// A pool with one frame at OFFSET, as descriptor 3.
static void place_pool(void)
{
    int fd = memfd_create("pool", MFD_CLOEXEC);
    struct frame_header header = {.number = 50, .pts_ns = 12};
    if (fd < 0 || pwrite(fd, &header, sizeof header, OFFSET) < 0 ||
        pwrite(fd, payload, sizeof payload, OFFSET + (off_t)sizeof header) < 0 || dup2(fd, 3) < 0) {
        _exit(99);
    }
}

// A publish page with one frame in its cell at OFFSET, as descriptor 3.
static void place_page(void)
{
    int fd = memfd_create("page", MFD_CLOEXEC);
    struct carry_cell carry = {.number = 50, .pts_ns = 12};
    atomic_store(&carry.cell.flags, CELL_CARRIES | 1);
    memcpy(carry.payload, payload, sizeof carry.payload);
    if (fd < 0 || pwrite(fd, &carry, sizeof carry, OFFSET) < 0 || dup2(fd, 3) < 0) {
        _exit(99);
    }
}

// Runs the helper in a process of its own. Returns its exit status and what it printed.
static int run_at(const char *where, const char *dir, const char *max, const char *bytes,
                  const char *name, char *says, size_t says_bytes)
{
    char *arguments[] = {"x",
                         LETTER_WRITE_OPTION,
                         (char *)(uintptr_t)where,
                         (char *)(uintptr_t)dir,
                         (char *)(uintptr_t)max,
                         "4096",
                         (char *)(uintptr_t)bytes,
                         (char *)(uintptr_t)name,
                         "head: x\n",
                         NULL};
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        dup2(ends[1], STDOUT_FILENO);
        dup2(ends[1], STDERR_FILENO);
        if (strcmp(where, LETTER_WRITE_CELL) == 0) {
            place_page();
        } else {
            place_pool();
        }
        int status = letter_write_main(LETTER_WRITE_ARGUMENTS, arguments);
        fflush(stdout);
        _exit(status);
    }
    close(ends[1]);
    ssize_t got = read(ends[0], says, says_bytes - 1);
    says[got > 0 ? got : 0] = '\0';
    close(ends[0]);
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static int run(const char *dir, const char *max, const char *bytes, const char *name, char *says,
               size_t says_bytes)
{
    return run_at(LETTER_WRITE_SLOT, dir, max, bytes, name, says, says_bytes);
}

// R-SUP-044
static void a_frame_in_its_cell_makes_a_letter_too(void **state)
{
    (void)state;
    char says[256];
    int status =
        run_at(LETTER_WRITE_CELL, folder, "100000", "60", "2-f-1-52.letter", says, sizeof says);
    assert_int_equal(status, 0);
    char path[128];
    snprintf(path, sizeof path, "%s/2-f-1-52.letter", folder);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    char bytes[1024];
    size_t count = fread(bytes, 1, sizeof bytes, file);
    fclose(file);
    const char *head = "head: x\nnumber: 50\npts-ns: 12\nduration-ns: 0\nflags: 1\n";
    assert_memory_equal(bytes, head, strlen(head));
    assert_true(count > 62);
    assert_memory_equal(bytes + count - 62, "\n\n", 2);
    assert_memory_equal(bytes + count - 60, payload, 60);
    (void)count_files(true);
}

// R-SUP-044
static void a_letter_is_head_header_and_payload_and_nobody_elses(void **state)
{
    (void)state;
    char says[256];
    assert_int_equal(run(folder, "100000", "3000", "1-f-1-51.letter", says, sizeof says), 0);
    assert_string_equal(says, "written dropped=0\n");
    assert_int_equal(count_files(false), 1);
    char path[128];
    snprintf(path, sizeof path, "%s/1-f-1-51.letter", folder);
    struct stat status;
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0600);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    char bytes[8192];
    size_t count = fread(bytes, 1, sizeof bytes, file);
    fclose(file);
    const char *head = "head: x\nnumber: 50\npts-ns: 12\n";
    assert_memory_equal(bytes, head, strlen(head));
    assert_true(count > PAYLOAD_BYTES);
    assert_memory_equal(bytes + count - PAYLOAD_BYTES, payload, PAYLOAD_BYTES);
    assert_memory_equal(bytes + count - PAYLOAD_BYTES - 2, "\n\n", 2);
}

// R-SUP-045
static void the_oldest_letters_go_and_other_files_stay(void **state)
{
    (void)state;
    char says[256];
    char path[128];
    snprintf(path, sizeof path, "%s/notes.txt", folder);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fclose(file);
    const char *const names[] = {"1-f-1-1.letter", "2-f-1-2.letter", "3-f-1-3.letter"};
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(run(folder, "7000", "3000", names[i], says, sizeof says), 0);
        assert_string_equal(says, i < 2 ? "written dropped=0\n" : "written dropped=1\n");
    }
    assert_int_equal(count_files(false), 3);
    snprintf(path, sizeof path, "%s/1-f-1-1.letter", folder);
    assert_int_not_equal(access(path, F_OK), 0);
}

// R-SUP-045
static void what_cannot_be_written_leaves_nothing_and_says_why(void **state)
{
    (void)state;
    char says[256];
    assert_int_equal(run(folder, "2000", "3000", "1-f-1-51.letter", says, sizeof says), 1);
    assert_non_null(strstr(says, "more than dead_letters.max"));
    assert_int_equal(run(folder, "900000", "70000", "1-f-1-51.letter", says, sizeof says), 1);
    assert_non_null(strstr(says, "No data available"));
    assert_int_equal(run("/dev/null", "100000", "3000", "1-f-1-51.letter", says, sizeof says), 1);
    assert_non_null(strstr(says, "/dev/null: Not a directory"));
    assert_int_equal(run(folder, "100000", "3000", "../x.letter", says, sizeof says), 1);
    assert_int_equal(count_files(false), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_frame_in_its_cell_makes_a_letter_too, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_letter_is_head_header_and_payload_and_nobody_elses,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_oldest_letters_go_and_other_files_stay, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(what_cannot_be_written_leaves_nothing_and_says_why, set_up,
                                        tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

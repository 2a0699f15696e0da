// SPDX-License-Identifier: Apache-2.0
// Copies one frame out of its slot or cell into a file that is complete or not there.
#include "broker/supervision/letter_write.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/check.h"
#include "base/cleanup.h"
#include "base/fd.h"
#include "base/text.h"
#include "broker/supervision/letter_text.h"
#include "schemas/frame_layout.h"
#include "schemas/link_layout.h"

#define MEMORY_FD 3
#define COPY_BYTES 65536

struct order {
    bool is_in_cell;
    const char *dir;
    uint64_t bytes_max;
    uint64_t offset;
    uint64_t payload_bytes;
    const char *name;
    const char *head;
};

bool letter_write_is_meant(int argc, char *const *argv)
{
    return argc == LETTER_WRITE_ARGUMENTS && strcmp(argv[1], LETTER_WRITE_OPTION) == 0;
}

static int fail(const char *what, int error)
{
    fprintf(stderr, "%s: %s\n", what, strerrordesc_np(-error));
    return 1;
}

static bool take_number(const char *text, uint64_t *out_value)
{
    char *end;
    errno = 0;
    unsigned long long value = strtoull(text, &end, 10);
    *out_value = value;
    return errno == 0 && end != text && *end == '\0';
}

// --- Room -------------------------------------------------------------------------------------

struct letters {
    uint64_t bytes;
    char oldest[NAME_MAX + 1];  // empty when there is none
};

static int look_at_folder(int dir_fd, struct letters *out_letters)
{
    struct letters letters = {0};
    auto_fd int again = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = again < 0 ? NULL : fdopendir(again);
    if (dir == NULL) {
        return -errno;
    }
    (void)steal_fd(&again);
    const struct dirent *entry;
    while ((entry = readdir(dir)) != NULL) {
        struct stat status;
        if (!letter_text_is_name(entry->d_name) ||
            fstatat(dir_fd, entry->d_name, &status, AT_SYMLINK_NOFOLLOW) < 0 ||
            !S_ISREG(status.st_mode)) {
            continue;
        }
        letters.bytes += (uint64_t)status.st_size;
        if (letters.oldest[0] == '\0' || strcmp(entry->d_name, letters.oldest) < 0) {
            text_copy(letters.oldest, sizeof letters.oldest, entry->d_name);
        }
    }
    closedir(dir);
    *out_letters = letters;
    return 0;
}

// Drops the oldest letters until the new one fits.
static int make_room(int dir_fd, uint64_t needed, uint64_t bytes_max, unsigned *out_dropped)
{
    unsigned dropped = 0;
    for (;;) {
        struct letters letters;
        int failed = look_at_folder(dir_fd, &letters);
        if (failed != 0) {
            return failed;
        }
        if (letters.bytes + needed <= bytes_max || letters.oldest[0] == '\0') {
            break;
        }
        if (unlinkat(dir_fd, letters.oldest, 0) < 0) {
            return -errno;
        }
        dropped++;
    }
    *out_dropped = dropped;
    return 0;
}

// --- The file ---------------------------------------------------------------------------------

static int read_exactly(void *bytes, size_t count, uint64_t offset)
{
    ssize_t got = pread(MEMORY_FD, bytes, count, (off_t)offset);
    if (got < 0) {
        return -errno;
    }
    return (size_t)got == count ? 0 : -ENODATA;
}

static int copy_payload(int fd, uint64_t offset, uint64_t count)
{
    static char bytes[COPY_BYTES];
    while (count > 0) {
        size_t part = count < sizeof bytes ? (size_t)count : sizeof bytes;
        int failed = read_exactly(bytes, part, offset);
        failed = failed != 0 ? failed : fd_write_all(fd, bytes, part);
        if (failed != 0) {
            return failed;
        }
        offset += part;
        count -= part;
    }
    return 0;
}

static int write_file(int fd, const struct order *order, const char *rest)
{
    int failed = fd_write_all(fd, order->head, strlen(order->head));
    failed = failed != 0 ? failed : fd_write_all(fd, rest, strlen(rest));
    // Header and payload are a line apart in a slot and in a cell.
    failed = failed != 0 ? failed
                         : copy_payload(fd, order->offset + CACHE_LINE_BYTES, order->payload_bytes);
    return failed != 0 || fsync(fd) == 0 ? failed : -errno;
}

static int write_letter(int dir_fd, const struct order *order, const char *rest)
{
    char fresh[NAME_MAX + 1];
    snprintf(fresh, sizeof fresh, ".%s.new", order->name);
    // What a helper left that was ended in the middle.
    (void)unlinkat(dir_fd, fresh, 0);
    auto_fd int fd =
        openat(dir_fd, fresh, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0) {
        return -errno;
    }
    int failed = write_file(fd, order, rest);
    if (failed == 0 && renameat(dir_fd, fresh, dir_fd, order->name) < 0) {
        failed = -errno;
    }
    if (failed != 0) {
        (void)unlinkat(dir_fd, fresh, 0);
        return failed;
    }
    return fsync(dir_fd) < 0 ? -errno : 0;
}

static int open_folder(const char *path)
{
    if (mkdir(path, 0700) < 0 && errno != EEXIST) {
        return -errno;
    }
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

static int read_header(const struct order *order, struct frame_header *out_header)
{
    if (!order->is_in_cell) {
        return read_exactly(out_header, sizeof *out_header, order->offset);
    }
    struct carry_cell carry;
    int failed = read_exactly(&carry, sizeof carry, order->offset);
    if (failed == 0) {
        *out_header = (struct frame_header){.number = carry.number,
                                            .pts_ns = carry.pts_ns,
                                            .duration_ns = carry.duration_ns,
                                            .flags = carry.cell.flags & ~CELL_CARRIES,
                                            .trace_id = carry.trace_id};
    }
    return failed;
}

static int write_order(const struct order *order)
{
    struct frame_header header;
    int failed = read_header(order, &header);
    if (failed != 0) {
        return fail("cannot read the frame", failed);
    }
    char rest[512];
    letter_text_frame(&header, order->payload_bytes, rest, sizeof rest);
    uint64_t needed = strlen(order->head) + strlen(rest) + order->payload_bytes;
    if (needed > order->bytes_max) {
        fprintf(stderr, "its %llu bytes are more than dead_letters.max allows for all letters\n",
                (unsigned long long)needed);
        return 1;
    }
    auto_fd int dir_fd = open_folder(order->dir);
    if (dir_fd < 0) {
        return fail(order->dir, dir_fd);
    }
    unsigned dropped = 0;
    failed = make_room(dir_fd, needed, order->bytes_max, &dropped);
    failed = failed != 0 ? failed : write_letter(dir_fd, order, rest);
    if (failed != 0) {
        return fail(order->name, failed);
    }
    printf(LETTER_WRITE_DONE "\n", dropped);
    return 0;
}

int letter_write_main(int argc, char *const *argv)
{
    SB_ASSERT(letter_write_is_meant(argc, argv));
    struct order order = {.is_in_cell = strcmp(argv[2], LETTER_WRITE_CELL) == 0,
                          .dir = argv[3],
                          .name = argv[7],
                          .head = argv[8]};
    if (!take_number(argv[4], &order.bytes_max) || !take_number(argv[5], &order.offset) ||
        !take_number(argv[6], &order.payload_bytes) || !letter_text_is_name(order.name)) {
        return fail(LETTER_WRITE_OPTION, -EINVAL);
    }
    return write_order(&order);
}

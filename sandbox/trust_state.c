// SPDX-License-Identifier: Apache-2.0
// Reads and replaces the file of remembered versions.
#include "sandbox/trust_state.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/text.h"
#include "sandbox/trust_owner.h"

#define FILE_NAME "versions"
#define FRESH_NAME "versions.new"
#define FILE_BYTES_MAX (1U << 20)
#define LINE_BYTES (TRUST_NAME_BYTES_MAX + TRUST_VERSION_TEXT_BYTES + 2)

static int join(const char *folder, const char *rest, char out[PATH_MAX])
{
    int length = snprintf(out, PATH_MAX, "%s%s", folder, rest);
    return length < PATH_MAX ? 0 : -ENAMETOOLONG;
}

int trust_state_folder(char out_folder[PATH_MAX])
{
    const char *given = getenv("STATE_DIRECTORY");
    if (given != NULL && given[0] == '/') {
        // Several folders are separated by colons; the first is as good as any.
        int length = snprintf(out_folder, PATH_MAX, "%.*s", (int)strcspn(given, ":"), given);
        return length < PATH_MAX ? 0 : -ENAMETOOLONG;
    }
    if (geteuid() == 0) {
        return join("/var/lib/streambroker", "", out_folder);
    }
    given = getenv("XDG_STATE_HOME");
    if (given != NULL && given[0] == '/') {
        return join(given, "/streambroker", out_folder);
    }
    given = getenv("HOME");
    if (given == NULL || given[0] != '/') {
        return -ENOENT;
    }
    return join(given, "/.local/state/streambroker", out_folder);
}

static int say(const char *folder, int failed, struct diag *out_why)
{
    struct diag inner;
    diag_set(&inner, "%s", failed == -EBADMSG ? "it is damaged" : strerror(-failed));
    const char *why = failed == -EPERM && out_why->text[0] != '\0' ? out_why->text : inner.text;
    struct diag whole = {.text = ""};
    diag_set(&whole, "%s/" FILE_NAME ": %s", folder, why);
    *out_why = whole;
    return failed;
}

// One line: a name, a space, a version.
static bool read_line(const char *line, size_t count, char name[TRUST_NAME_BYTES_MAX],
                      struct trust_version *version)
{
    const char *space = memchr(line, ' ', count);
    size_t length = space != NULL ? (size_t)(space - line) : 0;
    if (length == 0 || length >= TRUST_NAME_BYTES_MAX || memchr(line, '\0', count) != NULL) {
        return false;
    }
    memcpy(name, line, length);
    name[length] = '\0';
    return trust_version_read(space + 1, count - length - 1, version) == 0;
}

// Looks through the whole file, so that damage anywhere is seen. Copies the lines of the others to
// rest where that is wanted. Returns 0, -ENOENT or -EBADMSG.
static int search(const char *bytes, size_t count, const char *wanted, struct text *rest,
                  struct trust_version *out_version)
{
    int result = -ENOENT;
    for (size_t at = 0; at < count;) {
        const char *stop = memchr(bytes + at, '\n', count - at);
        char name[TRUST_NAME_BYTES_MAX];
        struct trust_version version;
        if (stop == NULL || !read_line(bytes + at, (size_t)(stop - bytes) - at, name, &version)) {
            return -EBADMSG;
        }
        size_t length = (size_t)(stop - bytes) + 1 - at;
        if (strcmp(name, wanted) != 0) {
            if (rest != NULL) {
                text_add_bytes(rest, bytes + at, length);
            }
        } else if (result == -ENOENT || trust_version_compare(&version, out_version) > 0) {
            *out_version = version;
            result = 0;
        }
        at += length;
    }
    return result;
}

static int read_all(int folder_fd, char **out_bytes, size_t *out_count, struct diag *out_why)
{
    out_why->text[0] = '\0';
    return trust_owner_read(folder_fd, FILE_NAME, FILE_BYTES_MAX, out_bytes, out_count, out_why);
}

int trust_state_find(const char *folder, const char *name, struct trust_version *out_version,
                     struct diag *out_why)
{
    auto_fd int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        return errno == ENOENT ? -ENOENT : say(folder, -errno, out_why);
    }
    auto_free char *bytes = NULL;
    size_t count = 0;
    int failed = trust_owner_check(fd, out_why);
    if (failed == 0) {
        failed = read_all(fd, &bytes, &count, out_why);
        if (failed == -ENOENT) {
            return failed;
        }
    }
    struct trust_version version;
    if (failed == 0) {
        failed = search(bytes, count, name, NULL, &version);
        if (failed == -ENOENT) {
            return failed;
        }
    }
    if (failed != 0) {
        return say(folder, failed, out_why);
    }
    *out_version = version;
    return 0;
}

// The folder with those above it; what is there stays as it is.
static int make_folder(const char *folder)
{
    char path[PATH_MAX];
    int failed = join(folder, "/", path);
    if (failed != 0) {
        return failed;
    }
    for (char *slash = strchr(path + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        if (mkdir(path, 0700) < 0 && errno != EEXIST) {
            return -errno;
        }
        *slash = '/';
    }
    return 0;
}

// What was written is on the disk before it takes the old one's place.
static int replace(int folder_fd, const struct text *bytes)
{
    if (unlinkat(folder_fd, FRESH_NAME, 0) < 0 && errno != ENOENT) {
        return -errno;
    }
    auto_fd int fd =
        openat(folder_fd, FRESH_NAME, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) {
        return -errno;
    }
    int failed = fd_write_all(fd, bytes->bytes, bytes->length);
    if (failed == 0 &&
        (fsync(fd) < 0 || renameat(folder_fd, FRESH_NAME, folder_fd, FILE_NAME) < 0 ||
         fsync(folder_fd) < 0)) {
        failed = -errno;
    }
    return failed;
}

static int raise_in(int folder_fd, const char *name, const struct trust_version *version,
                    struct diag *out_why)
{
    auto_free char *bytes = NULL;
    size_t count = 0;
    int failed = read_all(folder_fd, &bytes, &count, out_why);
    if (failed != 0 && failed != -ENOENT) {
        return failed;
    }
    auto_free char *fresh = malloc(count + LINE_BYTES);
    if (fresh == NULL) {
        return -ENOMEM;
    }
    struct text text = text_over(fresh, count + LINE_BYTES);
    struct trust_version known;
    failed = search(bytes, count, name, &text, &known);
    if (failed == -EBADMSG || (failed == 0 && trust_version_compare(version, &known) <= 0)) {
        return failed;
    }
    char number[TRUST_VERSION_TEXT_BYTES];
    trust_version_text(version, number);
    text_add_format(&text, "%s %s\n", name, number);
    return text.is_cut || text.length > FILE_BYTES_MAX ? -EFBIG : replace(folder_fd, &text);
}

int trust_state_raise(const char *folder, const char *name, const struct trust_version *version,
                      struct diag *out_why)
{
    int failed = make_folder(folder);
    if (failed != 0) {
        return say(folder, failed, out_why);
    }
    auto_fd int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        return say(folder, -errno, out_why);
    }
    failed = trust_owner_check(fd, out_why);
    // The lock is gone with the descriptor.
    if (failed == 0 && flock(fd, LOCK_EX) < 0) {
        failed = -errno;
    }
    if (failed == 0) {
        failed = raise_in(fd, name, version, out_why);
    }
    return failed == 0 ? 0 : say(folder, failed, out_why);
}

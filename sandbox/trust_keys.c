// SPDX-License-Identifier: Apache-2.0
// Reads folders of public keys and revocation lists.
#include "sandbox/trust_keys.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "sandbox/trust_owner.h"

#define REVOKED_NAME "revoked"
#define KEY_SUFFIX ".pub"
#define REVOKED_BYTES_MAX (1U << 20)

const struct minisign_key *trust_keys_find(const struct trust_keys *keys,
                                           const uint8_t id[MINISIGN_KEY_ID_BYTES])
{
    for (size_t i = 0; i < keys->count; i++) {
        if (memcmp(keys->items[i].id, id, MINISIGN_KEY_ID_BYTES) == 0) {
            return &keys->items[i];
        }
    }
    return NULL;
}

bool trust_keys_is_revoked(const struct trust_keys *keys, const uint8_t id[MINISIGN_KEY_ID_BYTES])
{
    for (size_t i = 0; i < keys->revoked_count; i++) {
        if (memcmp(keys->revoked[i], id, MINISIGN_KEY_ID_BYTES) == 0) {
            return true;
        }
    }
    return false;
}

static bool is_space(char byte)
{
    return byte == ' ' || byte == '\t' || byte == '\r';
}

// One line without its end: an id, a comment, both, or nothing.
static int read_revoked_line(struct trust_keys *keys, const char *line, size_t count)
{
    const char *comment = memchr(line, '#', count);
    if (comment != NULL) {
        count = (size_t)(comment - line);
    }
    while (count > 0 && is_space(line[count - 1])) {
        count--;
    }
    while (count > 0 && is_space(line[0])) {
        line++;
        count--;
    }
    if (count == 0) {
        return 0;
    }
    if (keys->revoked_count == TRUST_REVOKED_MAX ||
        minisign_id_read(line, count, keys->revoked[keys->revoked_count]) != 0) {
        return -EBADMSG;
    }
    keys->revoked_count++;
    return 0;
}

int trust_keys_read_revoked(struct trust_keys *keys, const char *bytes, size_t count,
                            size_t *out_line)
{
    size_t number = 1;
    for (size_t at = 0; at < count; number++) {
        const char *stop = memchr(bytes + at, '\n', count - at);
        size_t length = stop != NULL ? (size_t)(stop - bytes) - at : count - at;
        if (read_revoked_line(keys, bytes + at, length) != 0) {
            *out_line = number;
            return -EBADMSG;
        }
        at += length + 1;
    }
    return 0;
}

static int add_key(struct trust_keys *keys, const char *bytes, size_t count, struct diag *out_why)
{
    struct minisign_key key;
    if (minisign_read_key(bytes, count, &key) != 0) {
        diag_set(out_why, "it is not a public key of minisign");
        return -EBADMSG;
    }
    const struct minisign_key *same = trust_keys_find(keys, key.id);
    if (same != NULL && memcmp(same->key, key.key, sizeof key.key) == 0) {
        return 0;
    }
    if (same != NULL) {
        diag_set(out_why, "another key has the same id");
        return -EEXIST;
    }
    if (keys->count == TRUST_KEYS_MAX) {
        diag_set(out_why, "more than %d keys", TRUST_KEYS_MAX);
        return -E2BIG;
    }
    keys->items[keys->count++] = key;
    return 0;
}

static bool has_key_name(const char *name)
{
    size_t length = strlen(name);
    size_t suffix = strlen(KEY_SUFFIX);
    return length > suffix && name[0] != '.' && strcmp(name + length - suffix, KEY_SUFFIX) == 0;
}

static int add_file(struct trust_keys *keys, int folder_fd, const char *name, struct diag *out_why)
{
    bool is_list = strcmp(name, REVOKED_NAME) == 0;
    auto_free char *bytes = NULL;
    size_t count = 0;
    int failed =
        trust_owner_read(folder_fd, name, is_list ? REVOKED_BYTES_MAX : MINISIGN_KEY_BYTES_MAX,
                         &bytes, &count, out_why);
    if (failed != 0) {
        return failed;
    }
    if (!is_list) {
        return add_key(keys, bytes, count, out_why);
    }
    size_t line = 0;
    failed = trust_keys_read_revoked(keys, bytes, count, &line);
    if (failed != 0) {
        diag_set(out_why, "line %zu is not the id of a key, or one too many", line);
    }
    return failed;
}

// Puts the name in front of what is wrong with it.
static void name_it(const char *folder, const char *name, struct diag *why)
{
    struct diag inner = *why;
    struct text text = TEXT_OVER(why->text);
    text_add_escaped(&text, folder, strlen(folder));
    if (name != NULL) {
        text_add(&text, "/");
        text_add_escaped(&text, name, strlen(name));
    }
    text_add_format(&text, ": %s", inner.text);
}

static int add_folder(struct trust_keys *keys, int folder_fd, const char *path,
                      struct diag *out_why)
{
    int copy = fcntl(folder_fd, F_DUPFD_CLOEXEC, 0);
    DIR *folder = copy >= 0 ? fdopendir(copy) : NULL;
    if (folder == NULL) {
        int error = errno;
        cleanup_fd(&copy);
        diag_set(out_why, "%s", strerror(error));
        name_it(path, NULL, out_why);
        return -error;
    }
    int failed = 0;
    struct dirent *entry;
    while (failed == 0 && (entry = readdir(folder)) != NULL) {
        if (has_key_name(entry->d_name) || strcmp(entry->d_name, REVOKED_NAME) == 0) {
            failed = add_file(keys, folder_fd, entry->d_name, out_why);
            if (failed != 0) {
                name_it(path, entry->d_name, out_why);
            }
        }
    }
    closedir(folder);
    return failed;
}

// The folder of a file and its name in it.
static int split(const char *path, char folder[PATH_MAX], const char **out_name)
{
    const char *slash = strrchr(path, '/');
    size_t length = slash == NULL ? 1 : slash == path ? 1 : (size_t)(slash - path);
    if (length >= PATH_MAX) {
        return -ENAMETOOLONG;
    }
    memcpy(folder, slash == NULL ? "." : path, length);
    folder[length] = '\0';
    *out_name = slash == NULL ? path : slash + 1;
    return 0;
}

static int open_folder(const char *path, struct diag *out_why)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        int error = errno;
        diag_set(out_why, "%s", strerror(error));
        return -error;
    }
    int failed = trust_owner_check(fd, out_why);
    if (failed != 0) {
        close(fd);
        return failed;
    }
    return fd;
}

int trust_keys_add(struct trust_keys *keys, const char *path, struct diag *out_why)
{
    struct stat info;
    char parent[PATH_MAX];
    const char *name = NULL;
    int failed = 0;
    // Which of the two it is may change until it is opened; then opening it fails.
    if (stat(path, &info) == 0 && !S_ISDIR(info.st_mode)) {
        failed = split(path, parent, &name);
    }
    int opened = failed != 0 ? failed : open_folder(name != NULL ? parent : path, out_why);
    if (opened < 0) {
        name_it(name != NULL ? parent : path, NULL, out_why);
        return opened;
    }
    auto_fd int fd = opened;
    if (name == NULL) {
        return add_folder(keys, fd, path, out_why);
    }
    failed = add_file(keys, fd, name, out_why);
    if (failed != 0) {
        name_it(path, NULL, out_why);
    }
    return failed;
}

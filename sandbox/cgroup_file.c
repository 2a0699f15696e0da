// SPDX-License-Identifier: Apache-2.0
// Reads and writes the files of a cgroup.
#include "sandbox/cgroup_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "sandbox/cgroup_find.h"

#define FILE_BYTES_MAX 4096

static int open_file(int folder, const char *group, const char *file, int flags)
{
    char path[NAME_MAX + 128];
    int length = snprintf(path, sizeof path, "%s/%s", group, file);
    if (length < 0 || (size_t)length >= sizeof path) {
        errno = ENAMETOOLONG;
        return -1;
    }
    return openat(folder, path, flags | O_CLOEXEC);
}

int cgroup_file_write(int folder, const char *group, const char *file, const char *value)
{
    auto_fd int fd = open_file(folder, group, file, O_WRONLY);
    if (fd < 0) {
        return -errno;
    }
    size_t count = strlen(value);
    ssize_t written = write(fd, value, count);
    return written < 0 ? -errno : (size_t)written == count ? 0 : -EIO;
}

static bool read_file(int folder, const char *group, const char *file, char out[FILE_BYTES_MAX])
{
    auto_fd int fd = open_file(folder, group, file, O_RDONLY);
    ssize_t got = fd >= 0 ? read(fd, out, FILE_BYTES_MAX - 1) : -1;
    out[got > 0 ? got : 0] = '\0';
    return got > 0;
}

uint64_t cgroup_file_count(int folder, const char *group, const char *file, const char *key)
{
    char text[FILE_BYTES_MAX];
    if (!read_file(folder, group, file, text)) {
        return 0;
    }
    if (key == NULL) {
        return strtoull(text, NULL, 10);
    }
    char *save = NULL;
    for (char *line = strtok_r(text, "\n", &save); line != NULL;
         line = strtok_r(NULL, "\n", &save)) {
        size_t length = strlen(key);
        if (strncmp(line, key, length) == 0 && line[length] == ' ') {
            return strtoull(line + length + 1, NULL, 10);
        }
    }
    return 0;
}

uint32_t cgroup_file_controllers(int folder, const char *file)
{
    char text[FILE_BYTES_MAX];
    uint32_t found = 0;
    char *save = NULL;
    read_file(folder, ".", file, text);
    for (char *word = strtok_r(text, " \n", &save); word != NULL;
         word = strtok_r(NULL, " \n", &save)) {
        for (size_t i = 0; i < CGROUP_CONTROLLERS_COUNT; i++) {
            if (strcmp(word, cgroup_find_controller_name((enum cgroup_controller)i)) == 0) {
                found |= 1U << i;
            }
        }
    }
    return found;
}

int cgroup_file_switch(int folder, uint32_t controllers, bool is_on)
{
    char bytes[128];
    struct text text = TEXT_OVER(bytes);
    for (size_t i = 0; i < CGROUP_CONTROLLERS_COUNT; i++) {
        if ((controllers >> i & 1) != 0) {
            text_add_format(&text, "%s%c%s", text.length > 0 ? " " : "", is_on ? '+' : '-',
                            cgroup_find_controller_name((enum cgroup_controller)i));
        }
    }
    return text.length > 0 ? cgroup_file_write(folder, ".", "cgroup.subtree_control", bytes) : 0;
}

int cgroup_file_attach_thread(int folder, const char *group)
{
    return cgroup_file_write(folder, group, "tasks", "0");
}

int cgroup_file_attach(int folder, const char *group, pid_t pid)
{
    char text[16];
    snprintf(text, sizeof text, "%d", (int)pid);
    return cgroup_file_write(folder, group, "cgroup.procs", text);
}

void cgroup_file_kill_all(int folder, const char *group)
{
    // A process that forks while the list is read is in the next one.
    enum { ROUNDS = 16 };
    if (cgroup_file_write(folder, group, "cgroup.kill", "1") == 0) {
        return;
    }
    char text[FILE_BYTES_MAX];
    for (int i = 0; i < ROUNDS && read_file(folder, group, "cgroup.procs", text); i++) {
        char *save = NULL;
        for (char *word = strtok_r(text, "\n", &save); word != NULL;
             word = strtok_r(NULL, "\n", &save)) {
            long pid = strtol(word, NULL, 10);
            // 0 is a process of a namespace that this one cannot see.
            if (pid > 1) {
                kill((pid_t)pid, SIGKILL);
            }
        }
    }
}

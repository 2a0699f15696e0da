// SPDX-License-Identifier: Apache-2.0
// Says to bwrap what a sandbox is made of.
#include "sandbox/launcher_bwrap.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/check.h"
#include "base/cleanup.h"

// With a user namespace: who the worker really is, is decided before bwrap.
static const char *const user_namespace[] = {
    // Nothing outside has this number inside.
    "--unshare-user", "--uid", "1000", "--gid", "1000", "--disable-userns",
};

// Without one: bwrap is root, and the shim gives these up with that.
static const char *const late_uid[] = {
    "--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID", "--cap-add", "CAP_SETPCAP",
};

static const char *const always[] = {
    "--unshare-ipc",        "--unshare-pid", "--unshare-uts",
    "--unshare-cgroup-try", "--as-pid-1",    "--new-session",
    "--clearenv",           "--cap-drop",    "ALL",
};

static void add(FILE *file, const char *word)
{
    fputs(word, file);
    fputc('\0', file);
}

static void add_number(FILE *file, uint64_t number)
{
    char word[24];
    snprintf(word, sizeof word, "%" PRIu64, number);
    add(file, word);
}

// /bin, /lib and so on are links into /usr, or folders of their own, as on the host or in the root
// of the node, whose folders are among the binds.
static void add_links(FILE *file, int rootfs_fd)
{
    static const char *const names[] = {"/bin", "/sbin", "/lib", "/lib32", "/lib64"};
    for (size_t i = 0; i < ARRAY_COUNT(names); i++) {
        char target[PATH_MAX];
        ssize_t length = rootfs_fd >= 0
                             ? readlinkat(rootfs_fd, names[i] + 1, target, sizeof target - 1)
                             : readlink(names[i], target, sizeof target - 1);
        if (length > 0) {
            target[length] = '\0';
            add(file, "--symlink");
            add(file, target);
            add(file, names[i]);
        } else if (rootfs_fd < 0 && access(names[i], F_OK) == 0) {
            add(file, "--ro-bind");
            add(file, names[i]);
            add(file, names[i]);
        }
    }
}

static void add_bind(FILE *file, const struct sandbox_bind *bind)
{
    if (bind->kind == SANDBOX_BIND_DATA) {
        add(file, "--perms");
        add(file, "0444");
        add(file, "--ro-bind-data");
        add_number(file, (uint64_t)bind->fd);
        add(file, bind->target);
        return;
    }
    bool is_written = bind->kind == SANDBOX_BIND_WRITE || bind->kind == SANDBOX_BIND_DEVICE;
    if (bind->fd >= 0) {
        add(file, is_written ? "--bind-fd" : "--ro-bind-fd");
        add_number(file, (uint64_t)bind->fd);
    } else {
        add(file, bind->kind == SANDBOX_BIND_DEVICE ? "--dev-bind"
                  : is_written                      ? "--bind"
                                                    : "--ro-bind");
        add(file, bind->source);
    }
    add(file, bind->target);
}

// bwrap makes the folders above a bind for its own user only, which is not the worker's here.
static void add_folders_above(FILE *file, const char *target)
{
    char path[PATH_MAX];
    for (const char *slash = strchr(target + 1, '/'); slash != NULL;
         slash = strchr(slash + 1, '/')) {
        snprintf(path, sizeof path, "%.*s", (int)(slash - target), target);
        add(file, "--dir");
        add(file, path);
    }
}

static void add_words(FILE *file, const char *const *words, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        add(file, words[i]);
    }
}

// A worker does not learn where it runs; but the cookie of a screen is found by the machine's name,
// which is in the cookie's file anyway.
static void add_host_name(FILE *file, const struct sandbox_plan *plan)
{
    char name[HOST_NAME_MAX + 1] = "";
    if ((plan->grants & SANDBOX_GRANT_DISPLAY) != 0 && gethostname(name, sizeof name) != 0) {
        name[0] = '\0';
    }
    name[HOST_NAME_MAX] = '\0';
    add(file, "--hostname");
    add(file, name[0] != '\0' ? name : "worker");
}

static void add_all(FILE *file, const struct sandbox_plan *plan, int shim_fd, bool is_late_uid)
{
    add_words(file, always, ARRAY_COUNT(always));
    add_host_name(file, plan);
    if (is_late_uid) {
        add_words(file, late_uid, ARRAY_COUNT(late_uid));
    } else {
        add_words(file, user_namespace, ARRAY_COUNT(user_namespace));
    }
    if ((plan->grants & SANDBOX_GRANT_NETWORK) == 0) {
        add(file, "--unshare-net");
    }
    add_links(file, plan->rootfs_fd);
    if (plan->tmpfs_bytes != SANDBOX_TMPFS_NONE) {
        // The size is of the next mount only; without it half of the memory could be filled.
        add(file, "--size");
        add_number(file, plan->tmpfs_bytes);
        add(file, "--perms");
        add(file, "1777");
        add(file, "--tmpfs");
        add(file, "/tmp");
    }
    for (size_t i = 0; i < plan->bind_count; i++) {
        if (is_late_uid) {
            add_folders_above(file, plan->binds[i].target);
        }
        add_bind(file, &plan->binds[i]);
    }
    add(file, "--ro-bind-fd");
    add_number(file, (uint64_t)shim_fd);
    add(file, LAUNCHER_BWRAP_SHIM);
    add(file, "--chdir");
    add(file, "/");
    add(file, "--remount-ro");
    add(file, "/");
}

int launcher_bwrap_options(const struct sandbox_plan *plan, int shim_fd, bool is_late_uid)
{
    auto_fd int fd = memfd_create("bwrap-options", MFD_CLOEXEC);
    int copy = fd >= 0 ? dup(fd) : -1;
    FILE *file = copy >= 0 ? fdopen(copy, "w") : NULL;
    if (file == NULL) {
        int error = errno;
        cleanup_fd(&copy);
        return -error;
    }
    add_all(file, plan, shim_fd, is_late_uid);
    if (fclose(file) != 0 || lseek(fd, 0, SEEK_SET) < 0) {
        return -errno;
    }
    return steal_fd(&fd);
}

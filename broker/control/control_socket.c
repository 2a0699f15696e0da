// SPDX-License-Identifier: Apache-2.0
// Makes the control socket, so that at no moment two brokers have one name.
#include "broker/control/control_socket.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/text.h"

#define BACKLOG 128
#define DYING_MS 200  // who was killed takes a moment to be gone

static int fail(struct diag *why, int error, const char *what, const char *path)
{
    diag_set(why, "%s %s: %s", what, path, strerrordesc_np(-error));
    return error;
}

static int find_path(const char *path, const char *graph, char *out, size_t size_bytes,
                     struct diag *why)
{
    int failed = 0;
    if (path == NULL) {
        failed = control_path_socket(graph, out, size_bytes);
    } else if (path[0] == '\0' || !text_copy(out, size_bytes, path)) {
        failed = -ENAMETOOLONG;
    }
    if (failed != 0) {
        diag_set(why, "the path of the control socket is empty or longer than %d bytes",
                 CONTROL_PATH_BYTES_MAX - 1);
    }
    return failed;
}

// The folder of a path: what is before the last slash.
static void folder_of(const char *path, char *out, size_t size_bytes)
{
    const char *slash = strrchr(path, '/');
    struct text text = text_over(out, size_bytes);
    if (slash == NULL) {
        text_add(&text, ".");
    } else if (slash == path) {
        text_add(&text, "/");
    } else {
        text_add_bytes(&text, path, (size_t)(slash - path));
    }
}

// Whoever can write the folder can put another socket in place of ours.
static int check_folder(int folder, const char *name, struct diag *why)
{
    struct stat info;
    if (fstat(folder, &info) < 0) {
        return fail(why, -errno, "cannot look at", name);
    }
    if (info.st_uid != geteuid()) {
        diag_set(why, "%s belongs to user %u: a control socket needs a folder of its own user",
                 name, (unsigned)info.st_uid);
        return -EPERM;
    }
    if ((info.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
        diag_set(why, "others can write in %s: make it 0700, or name another place with --socket",
                 name);
        return -EPERM;
    }
    return 0;
}

static int open_folder(const char *path, bool is_default, struct diag *why)
{
    char name[CONTROL_PATH_BYTES_MAX];
    folder_of(path, name, sizeof name);
    if (is_default && mkdir(name, 0700) < 0 && errno != EEXIST) {
        return fail(why, -errno, "cannot make the folder", name);
    }
    // What was given may be a link on purpose; in /tmp anybody could have put one there.
    int flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC | (is_default ? O_NOFOLLOW : 0);
    auto_fd int folder = open(name, flags);
    if (folder < 0) {
        return fail(why, -errno, "cannot open the folder", name);
    }
    int failed = check_folder(folder, name, why);
    return failed != 0 ? failed : steal_fd(&folder);
}

// A broker that was killed a moment ago still has its socket, and nobody will answer there.
static bool is_dying(pid_t pid)
{
    auto_fd int fd = pid > 0 ? pidfd_open(pid, 0) : -1;
    if (fd < 0) {
        return pid > 0 && errno == ESRCH;
    }
    struct pollfd gone = {.fd = fd, .events = POLLIN};
    return poll(&gone, 1, DYING_MS) == 1;
}

// Returns 0 when nobody answers there (any more), -EADDRINUSE when somebody does.
static int check_dead(const struct sockaddr_un *address, struct diag *why)
{
    auto_fd int probe = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (probe < 0) {
        return fail(why, -errno, "cannot make", "a socket");
    }
    if (connect(probe, (const struct sockaddr *)address, sizeof *address) < 0) {
        if (errno == ENOENT || errno == ECONNREFUSED) {
            return 0;
        }
        if (errno != EAGAIN) {
            return fail(why, -errno, "cannot use", address->sun_path);
        }
        // Alive, and too busy to answer.
        diag_set(why, "a broker has the control socket %s already", address->sun_path);
        return -EADDRINUSE;
    }
    struct ucred peer = {.pid = 0};
    socklen_t size = sizeof peer;
    getsockopt(probe, SOL_SOCKET, SO_PEERCRED, &peer, &size);
    if (is_dying(peer.pid)) {
        return 0;
    }
    diag_set(why, "a broker has the control socket %s already: pid %d", address->sun_path,
             (int)peer.pid);
    return -EADDRINUSE;
}

// A dead broker's socket is replaced; anything else that has the name stays.
static int check_name(const char *path, struct diag *why)
{
    struct stat info;
    if (lstat(path, &info) < 0) {
        return errno == ENOENT ? 0 : fail(why, -errno, "cannot look at", path);
    }
    if (!S_ISSOCK(info.st_mode)) {
        diag_set(why, "%s is there and is no socket", path);
        return -EEXIST;
    }
    return 0;
}

// Made under another name and renamed when it listens: who finds the socket can connect.
static int bind_and_listen(int fd, int folder, const struct sockaddr_un *address, struct diag *why)
{
    char name[32];
    snprintf(name, sizeof name, ".%d", (int)getpid());
    // Short, however long the path of the folder is.
    struct sockaddr_un fresh = {.sun_family = AF_UNIX};
    snprintf(fresh.sun_path, sizeof fresh.sun_path, "/proc/self/fd/%d/%s", folder, name);
    unlinkat(folder, name, 0);
    // Nobody else may connect, also not before a chmod would have come.
    mode_t before = umask(0177);
    int failed = bind(fd, (const struct sockaddr *)&fresh, sizeof fresh) < 0 ? -errno : 0;
    umask(before);
    if (failed == 0 &&
        (listen(fd, BACKLOG) < 0 || renameat(folder, name, AT_FDCWD, address->sun_path) < 0)) {
        failed = -errno;
        unlinkat(folder, name, 0);
    }
    return failed != 0 ? fail(why, failed, "cannot make the control socket", address->sun_path) : 0;
}

int control_socket_open(const char *path, const char *graph, struct control_socket *out_socket,
                        struct diag *out_why)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    _Static_assert(sizeof address.sun_path == CONTROL_PATH_BYTES_MAX, "the kernel's limit");
    int failed = find_path(path, graph, address.sun_path, sizeof address.sun_path, out_why);
    if (failed != 0) {
        return failed;
    }
    auto_fd int folder = open_folder(address.sun_path, path == NULL, out_why);
    if (folder < 0) {
        return folder;
    }
    // From the look whether somebody lives there until we do: one broker at a time.
    if (flock(folder, LOCK_EX) < 0) {
        return fail(out_why, -errno, "cannot lock the folder of", address.sun_path);
    }
    failed = check_dead(&address, out_why);
    failed = failed != 0 ? failed : check_name(address.sun_path, out_why);
    if (failed != 0) {
        return failed;
    }
    auto_fd int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) {
        return fail(out_why, -errno, "cannot make", "a socket");
    }
    failed = bind_and_listen(fd, folder, &address, out_why);
    if (failed != 0) {
        return failed;
    }
    text_copy(out_socket->path, sizeof out_socket->path, address.sun_path);
    out_socket->fd = steal_fd(&fd);
    return 0;
}

// SPDX-License-Identifier: Apache-2.0
// RouDi has a datagram socket, which says whether it lives, and a file lock, which says who it is.
#include "processors/iceoryx/roudi_probe.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <unistd.h>

static enum roudi_state look_at_socket(const char *folder)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "%s/roudi", folder);
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return ROUDI_ABSENT;
    }
    int failed = connect(fd, (const struct sockaddr *)&address, sizeof address);
    int code = errno;
    close(fd);
    if (failed == 0) {
        return ROUDI_THERE;
    }
    return code == EACCES || code == EPERM ? ROUDI_DENIED : ROUDI_ABSENT;
}

// The kernel lists locks with the holder's pid as we know it, and leaves out holders that have none
// here. Some file systems show another device there than stat() does: then the inode decides, when
// no other lock has its number.
static pid_t holder_of_lock(const char *folder)
{
    char path[sizeof "/iox-unique-roudi.lock" + 4096];
    char line[256];
    struct stat about;
    pid_t holder = 0;
    unsigned likely = 0;
    snprintf(path, sizeof path, "%s/iox-unique-roudi.lock", folder);
    FILE *locks = stat(path, &about) == 0 ? fopen("/proc/locks", "re") : NULL;
    while (locks != NULL && fgets(line, sizeof line, locks) != NULL) {
        int pid;
        unsigned device_major, device_minor;
        uint64_t inode;
        if (sscanf(line, "%*u: FLOCK ADVISORY WRITE %d %x:%x:%" SCNu64, &pid, &device_major,
                   &device_minor, &inode) != 4 ||
            inode != about.st_ino) {
            continue;
        }
        holder = pid;
        likely++;
        if (makedev(device_major, device_minor) == about.st_dev) {
            likely = 1;
            break;
        }
    }
    if (locks != NULL) {
        fclose(locks);
    }
    return likely == 1 ? holder : 0;
}

enum roudi_state roudi_probe_look(const char *folder, int *out_pidfd)
{
    enum roudi_state state = look_at_socket(folder);
    if (state != ROUDI_THERE) {
        return state;
    }
    pid_t pid = holder_of_lock(folder);
    if (pid == 0) {
        return ROUDI_ELSEWHERE;
    }
    int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
    if (pidfd < 0) {
        return ROUDI_ABSENT;
    }
    *out_pidfd = pidfd;
    return ROUDI_THERE;
}

const char *roudi_probe_text(enum roudi_state state)
{
    static const char *const texts[] = {
#define X(name, text) [ROUDI_##name] = text,
        ROUDI_STATES(X)
#undef X
    };
    return texts[state];
}

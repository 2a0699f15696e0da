// SPDX-License-Identifier: Apache-2.0
// Landlock with definitions of our own: those of the system stop at what it was built with.
#include "sandbox/shim_landlock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "sandbox/plan.h"

enum {
    CALL_CREATE = 444,
    CALL_ADD_RULE = 445,
    CALL_RESTRICT = 446,
    CREATE_VERSION = 1,
    RULE_PATH_BENEATH = 1,
};

#define FS_EXECUTE (1U << 0)
#define FS_WRITE_FILE (1U << 1)
#define FS_READ_FILE (1U << 2)
#define FS_READ_DIR (1U << 3)
#define FS_ABI_1 0x1fffU         // as above, and make and remove of every kind
#define FS_REFER (1U << 13)      // 2
#define FS_TRUNCATE (1U << 14)   // 3
#define FS_IOCTL_DEV (1U << 15)  // 5
#define FS_OF_FILES (FS_EXECUTE | FS_WRITE_FILE | FS_READ_FILE | FS_TRUNCATE | FS_IOCTL_DEV)
#define NET_TCP 3U             // 4: bind and connect
#define SCOPE_ALL 3U           // 6: abstract sockets and signals
#define LOG_SUBDOMAINS_OFF 4U  // 7: a hostile worker must not fill the audit log

struct ruleset {
    uint64_t fs;
    uint64_t net;    // from 4
    uint64_t scope;  // from 6
};

struct path_beneath {
    uint64_t allowed;
    int32_t parent_fd;
} __attribute__((packed));

int shim_landlock_version(void)
{
    long version = syscall(CALL_CREATE, NULL, 0, CREATE_VERSION);
    return version > 0 ? (int)version : 0;
}

static uint64_t handled(int version)
{
    uint64_t rights = FS_ABI_1;
    if (version >= 2) {
        rights |= FS_REFER;
    }
    if (version >= 3) {
        rights |= FS_TRUNCATE;
    }
    if (version >= 5) {
        rights |= FS_IOCTL_DEV;
    }
    return rights;
}

static uint64_t rights_of(int kind)
{
    switch (kind) {
    case SANDBOX_BIND_EXECUTE:
        return FS_EXECUTE | FS_READ_FILE | FS_READ_DIR;
    case SANDBOX_BIND_WRITE:
        return ~(uint64_t)FS_EXECUTE;
    case SANDBOX_BIND_DEVICE:
        return FS_READ_FILE | FS_WRITE_FILE | FS_READ_DIR | FS_IOCTL_DEV;
    default:
        return FS_READ_FILE | FS_READ_DIR;
    }
}

static int add_rule(int ruleset, const struct shim_landlock_rule *rule, uint64_t known)
{
    int fd = open(rule->path, O_PATH | O_CLOEXEC);
    if (fd < 0) {
        return errno == ENOENT || errno == EACCES || errno == ENOTDIR ? 0 : -errno;
    }
    struct stat info;
    int result = 0;
    if (fstat(fd, &info) == 0) {
        struct path_beneath beneath = {.allowed = rights_of(rule->kind) & known, .parent_fd = fd};
        if (!S_ISDIR(info.st_mode)) {
            beneath.allowed &= FS_OF_FILES;
        }
        if (syscall(CALL_ADD_RULE, ruleset, RULE_PATH_BENEATH, &beneath, 0) < 0) {
            result = -errno;
        }
    }
    close(fd);
    return result;
}

int shim_landlock_enter(const struct shim_landlock_rule *rules, size_t rule_count, bool has_network)
{
    int version = shim_landlock_version();
    if (version == 0) {
        return -ENOSYS;
    }
    struct ruleset ruleset = {
        .fs = handled(version), .net = has_network ? 0 : NET_TCP, .scope = SCOPE_ALL};
    size_t size_bytes = version >= 6 ? sizeof ruleset : version >= 4 ? 16 : 8;
    int fd = (int)syscall(CALL_CREATE, &ruleset, size_bytes, 0);
    if (fd < 0) {
        return -errno;
    }
    int result = 0;
    for (size_t i = 0; i < rule_count && result == 0; i++) {
        result = add_rule(fd, &rules[i], ruleset.fs);
    }
    unsigned flags = version >= 7 ? LOG_SUBDOMAINS_OFF : 0;
    if (result == 0 && syscall(CALL_RESTRICT, fd, flags) < 0) {
        result = -errno;
    }
    close(fd);
    return result;
}

// SPDX-License-Identifier: Apache-2.0
// Remembers one file and removes it at the end.
#include "sandbox/launcher_owned.h"

#include <stddef.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

// One launcher per process, one socket per broker.
static struct {
    char path[sizeof(((struct sockaddr_un *)NULL)->sun_path)];
    dev_t device;
    ino_t inode;
} owned;

void launcher_owned_set(const char *path, size_t length, dev_t device, ino_t inode)
{
    if (length < sizeof owned.path) {
        memcpy(owned.path, path, length);
        owned.path[length] = '\0';
        owned.device = device;
        owned.inode = inode;
    }
}

void launcher_owned_unlink(void)
{
    struct stat info;
    if (owned.path[0] != '\0' && lstat(owned.path, &info) == 0 && info.st_dev == owned.device &&
        info.st_ino == owned.inode) {
        unlink(owned.path);
    }
}

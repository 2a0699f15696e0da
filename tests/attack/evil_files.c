// SPDX-License-Identifier: Apache-2.0
// Attacks on files, mounts, terminals and programs of the host.
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "attack/evil.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

extern char **environ;

void evil_nothing(const struct evil_target *target)
{
    (void)target;
}

static void try_open(const char *path, int flags)
{
    int fd = open(path, flags | O_CLOEXEC, 0600);
    evil_tried(path, fd);
    if (fd >= 0) {
        close(fd);
    }
}

void evil_read_secrets(const struct evil_target *target)
{
    static const char *const paths[] = {"/etc/shadow", "/etc/passwd", "/root",   "/home",
                                        "/var/lib",    "/run",        "/etc/ssh"};
    for (size_t i = 0; i < COUNT(paths); i++) {
        try_open(paths[i], O_RDONLY);
    }
    try_open(target->path, O_RDONLY);
}

void evil_write_everywhere(const struct evil_target *target)
{
    static const char *const paths[] = {
        "/evil",     "/usr/evil",     "/usr/bin/evil",  "/usr/lib/evil", "/dev/evil", "/etc/evil",
        "/var/evil", "/dev/shm/evil", "/usr/bin/bwrap", "/shim",         "/run/evil", "/proc/evil"};
    for (size_t i = 0; i < COUNT(paths); i++) {
        try_open(paths[i], O_WRONLY | O_CREAT);
    }
    try_open(target->path, O_WRONLY);
    evil_tried("mkdir /evil", mkdir("/evil", 0700));
    evil_tried("unlink /usr/bin/env", unlink("/usr/bin/env"));
    evil_tried("chmod /usr", chmod("/usr", 0777));
    evil_tried("remount", mount(NULL, "/", NULL, MS_REMOUNT | MS_BIND, NULL));
}

void evil_fill_tmp(const struct evil_target *target)
{
    (void)target;
    static char block[65536];
    int fd = open("/tmp/evil", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    long written = 0;
    while (fd >= 0 && written < (1L << 30)) {
        ssize_t count = write(fd, block, sizeof block);
        if (count <= 0) {
            break;
        }
        written += count;
    }
    evil_note("bytes", written);
    evil_tried("one more byte", fd < 0 ? -1 : write(fd, block, sizeof block));
}

void evil_many_files(const struct evil_target *target)
{
    (void)target;
    char path[32];
    long made = 0;
    for (; made < 1000000; made++) {
        snprintf(path, sizeof path, "/tmp/%ld", made);
        int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
        if (fd < 0) {
            evil_tried("one more file", fd);
            break;
        }
        close(fd);
    }
    evil_note("files", made);
}

void evil_read_proc(const struct evil_target *target)
{
    (void)target;
    static const char *const paths[] = {
        "/proc/1/environ", "/proc/1/cmdline", "/proc/self/mountinfo", "/proc/self/maps",
        "/proc/self/fd",   "/proc/cmdline",   "/sys/kernel",          "/sys/fs/cgroup"};
    for (size_t i = 0; i < COUNT(paths); i++) {
        try_open(paths[i], O_RDONLY);
    }
    evil_note("environment", environ[0] != NULL ? 1 : 0);
}

void evil_list_descriptors(const struct evil_target *target)
{
    (void)target;
    for (int fd = 0; fd < 4096; fd++) {
        if (fcntl(fd, F_GETFD) >= 0) {
            evil_note("descriptor", fd);
        }
    }
}

void evil_mounts(const struct evil_target *target)
{
    (void)target;
    evil_tried("mknod", mknod("/tmp/device", S_IFBLK | 0600, makedev(8, 0)));
    evil_tried("mknodat char", mknod("/tmp/mem", S_IFCHR | 0600, makedev(1, 1)));
    evil_tried("mount", mount("none", "/tmp", "tmpfs", 0, NULL));
    evil_tried("umount", umount2("/usr", MNT_DETACH));
    evil_tried("open_tree", syscall(428, AT_FDCWD, "/", 1));
    evil_tried("move_mount", syscall(429, AT_FDCWD, "/usr", AT_FDCWD, "/tmp", 0));
    evil_tried("fsopen", syscall(430, "tmpfs", 0));
    evil_tried("fspick", syscall(433, AT_FDCWD, "/", 0));
    evil_tried("mount_setattr", syscall(442, AT_FDCWD, "/", 0, NULL, 0));
    evil_tried("pivot_root", syscall(SYS_pivot_root, "/", "/"));
    evil_tried("chroot", chroot("/usr"));
    evil_tried("open_by_handle_at", syscall(SYS_open_by_handle_at, AT_FDCWD, NULL, O_RDONLY));
    evil_tried("swapon", syscall(SYS_swapon, "/tmp/swap", 0));
}

void evil_terminals(const struct evil_target *target)
{
    (void)target;
    try_open("/dev/ptmx", O_RDWR);
    try_open("/dev/pts/0", O_RDWR);
    try_open("/dev/tty", O_RDWR);
    try_open("/dev/console", O_RDWR);
    try_open("/dev/mem", O_RDONLY);
    try_open("/dev/kmsg", O_RDONLY);
    char byte = 'x';
    for (int fd = 0; fd <= 3; fd++) {
        evil_tried("TIOCSTI", ioctl(fd, TIOCSTI, &byte));
        // The kernel looks at the lower half only, and so must a filter.
        evil_tried("TIOCSTI with high bits", syscall(SYS_ioctl, fd, 0x100000000L | TIOCSTI, &byte));
    }
}

void evil_execute_others(const struct evil_target *target)
{
    static const char *const paths[] = {
        "/usr/bin/python3", "/bin/sh",        "/usr/bin/su",  "/usr/bin/bwrap",
        "/usr/bin/newgrp",  "/usr/bin/mount", "/usr/bin/env", "/lib64/ld-linux-x86-64.so.2"};
    char *const arguments[] = {(char[]){"evil"}, NULL};
    char *const environment[] = {NULL};
    for (size_t i = 0; i < COUNT(paths); i++) {
        evil_tried(paths[i], execve(paths[i], arguments, environment));
    }
    evil_tried(target->path, execve(target->path, arguments, environment));
    int fd = open("/usr/bin/env", O_RDONLY | O_CLOEXEC);
    evil_tried("execveat", syscall(SYS_execveat, fd, "", arguments, environment, AT_EMPTY_PATH));
    int made = memfd_create("evil", MFD_CLOEXEC);
    evil_tried("execveat of a memfd",
               syscall(SYS_execveat, made, "", arguments, environment, AT_EMPTY_PATH));
    evil_tried("fexecve 1000",
               syscall(SYS_execveat, 1000, "", arguments, environment, AT_EMPTY_PATH));
    evil_note("uid", (long)geteuid());
}

// So that nobody could execute it again: it would be busy.
void evil_reopen_program(const struct evil_target *target)
{
    try_open("/proc/self/exe", O_RDWR);
    try_open(target->path, O_RDWR);
    for (int fd = 0; fd < 1100; fd++) {
        char path[32];
        snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
        int again = open(path, O_RDWR | O_CLOEXEC);
        if (again >= 0) {
            evil_tried(path, 0);
        }
        snprintf(path, sizeof path, "/dev/fd/%d", fd);
        again = open(path, O_RDWR | O_CLOEXEC);
        if (again >= 0) {
            evil_tried(path, 0);
        }
    }
    _exit(75);
}

void evil_environment(const struct evil_target *target)
{
    for (char **entry = environ; *entry != NULL; entry++) {
        printf("variable %s\n", *entry);
    }
    evil_tried("canary library", open(target->path, O_RDONLY | O_CLOEXEC));
}

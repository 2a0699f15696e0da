// SPDX-License-Identifier: Apache-2.0
// The test program as the worker that a launcher starts, and waiting for the launcher's events.
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "sandbox/launcher.h"

#define FIXTURE_WAIT_MS 10000

extern char **environ;
static char fixture_program[4096];

// --- What the worker does ---------------------------------------------------------------------

static inline void fixture_report_descriptors(void)
{
    DIR *folder = opendir("/proc/self/fd");
    printf("descriptors");
    for (struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        if (entry->d_name[0] != '.' && strtol(entry->d_name, NULL, 10) != dirfd(folder)) {
            printf(" %s", entry->d_name);
        }
    }
    printf("\n");
    closedir(folder);
}

// One line per thing that a process inherits.
static inline int fixture_report(void)
{
    fixture_report_descriptors();
    printf("environment");
    for (char **entry = environ; *entry != NULL; entry++) {
        printf(" %s", *entry);
    }
    int death_signal = 0;
    prctl(PR_GET_PDEATHSIG, &death_signal, 0, 0, 0);
    struct rlimit core;
    getrlimit(RLIMIT_CORE, &core);
    printf("\nno_new_privs %d death_signal %d core %llu\n", prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0),
           death_signal, (unsigned long long)core.rlim_cur);
    printf("leads_group %d terminal %d\n", getpgrp() == getpid(), open("/dev/tty", O_RDWR) >= 0);
    sigset_t mask;
    sigprocmask(SIG_BLOCK, NULL, &mask);
    int blocked = 0;
    int ignored = 0;
    for (int number = 1; number < SIGRTMIN; number++) {
        struct sigaction action;
        blocked += sigismember(&mask, number) == 1;
        ignored += sigaction(number, NULL, &action) == 0 && action.sa_handler == SIG_IGN;
    }
    char folder[4096];
    printf("blocked %d ignored %d folder %s\n", blocked, ignored, getcwd(folder, sizeof folder));
    return 0;
}

// A process that nothing but SIGKILL ends, with a child in its group and one outside of it. All
// hold stdout, so the end of that pipe is the end of all of them.
static inline int fixture_family(void)
{
    sigset_t all;
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, NULL);
    for (int i = 0; i < 2; i++) {
        int made[2];
        if (pipe(made) < 0) {
            return 1;
        }
        pid_t pid = fork();
        if (pid == 0) {
            if (i == 1) {
                setsid();
            }
            (void)!write(made[1], "x", 1);
            for (;;) {
                pause();
            }
        }
        char byte;
        (void)!read(made[0], &byte, 1);
        close(made[0]);
        close(made[1]);
    }
    (void)!write(STDOUT_FILENO, "up\n", 3);
    for (;;) {
        pause();
    }
}

// As fixture_family(), but the first of them leaves.
static inline int fixture_leave_orphan(void)
{
    pid_t pid = fork();
    if (pid == 0) {
        setsid();
        for (;;) {
            pause();
        }
    }
    return pid > 0 ? 0 : 1;
}

static inline int fixture_flood(size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (putchar('x') == EOF) {
            return 1;
        }
    }
    return 0;
}

// Takes so many MiB, and uses them.
static inline int fixture_eat(size_t count)
{
    volatile char *bytes = malloc(count << 20);
    for (size_t i = 0; bytes != NULL && i < count << 20; i += 4096) {
        bytes[i] = 1;
    }
    int status = bytes != NULL && bytes[0] == 1 ? 0 : 1;
    free((void *)bytes);
    return status;
}

static inline int fixture_child(const char *what, const char *argument)
{
    if (strcmp(what, "report") == 0) {
        return fixture_report();
    }
    if (strcmp(what, "family") == 0) {
        return fixture_family();
    }
    if (strcmp(what, "orphan") == 0) {
        return fixture_leave_orphan();
    }
    if (strcmp(what, "signal") == 0) {
        raise((int)strtol(argument, NULL, 10));
    }
    if (strcmp(what, "flood") == 0) {
        return fixture_flood(strtoul(argument, NULL, 10));
    }
    if (strcmp(what, "eat") == 0) {
        return fixture_eat(strtoul(argument, NULL, 10));
    }
    if (strcmp(what, "complain") == 0) {
        fprintf(stderr, "first line\n<3>no camera \x1b[31m\n");
        return 3;
    }
    return (int)strtol(argument, NULL, 10);
}

// For main(): runs the worker when this process was started as one.
static inline bool fixture_is_child(int argc, char **argv, int *out_status)
{
    ssize_t length = readlink("/proc/self/exe", fixture_program, sizeof fixture_program - 1);
    fixture_program[length > 0 ? length : 0] = '\0';
    if (argc < 3) {
        return false;
    }
    *out_status = fixture_child(argv[1], argv[2]);
    fflush(stdout);
    return true;
}

// --- The broker's side ------------------------------------------------------------------------

static inline struct launch_event fixture_event(struct launcher *launcher)
{
    struct launch_event event;
    for (;;) {
        int result = launcher_receive(launcher, &event);
        if (result == 0) {
            return event;
        }
        assert_int_equal(result, -EAGAIN);
        struct pollfd polled = {.fd = launcher_fd(launcher), .events = POLLIN};
        assert_int_equal(poll(&polled, 1, FIXTURE_WAIT_MS), 1);
    }
}

static inline struct launch_event fixture_spawned(struct launcher *launcher)
{
    struct launch_event event = fixture_event(launcher);
    print_error("%s", event.kind == LAUNCH_FAILED ? event.text : "");
    assert_int_equal(event.kind, LAUNCH_SPAWNED);
    assert_true(event.pid > 1);
    assert_true(event.pidfd >= 0);
    return event;
}

static inline struct launch_event fixture_exited(struct launcher *launcher)
{
    struct launch_event event = fixture_event(launcher);
    assert_int_equal(event.kind, LAUNCH_EXITED);
    return event;
}

// Starts this program as a worker; stdout goes to output_fd (-1 = nowhere).
static inline void fixture_spawn(struct launcher *launcher, uint32_t serial, const char *what,
                                 const char *argument, int output_fd)
{
    const char *const arguments[] = {fixture_program, what, argument, NULL};
    const struct launch_plan plan = {.path = fixture_program,
                                     .arguments = arguments,
                                     .control_fd = -1,
                                     .stdout_fd = output_fd,
                                     .stderr_fd = STDERR_FILENO};
    assert_int_equal(launcher_spawn(launcher, &plan, serial), 0);
}

// Reads until the last process that holds the pipe is gone.
static inline size_t fixture_read_all(int fd, char *bytes, size_t size_bytes)
{
    size_t count = 0;
    for (;;) {
        struct pollfd polled = {.fd = fd, .events = POLLIN};
        assert_int_equal(poll(&polled, 1, FIXTURE_WAIT_MS), 1);
        ssize_t got = read(fd, bytes + count, size_bytes - 1 - count);
        assert_true(got >= 0);
        if (got == 0) {
            bytes[count] = '\0';
            return count;
        }
        count += (size_t)got;
    }
}

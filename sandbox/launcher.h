// SPDX-License-Identifier: Apache-2.0
// The broker's end of the launcher: the process that alone forks, executes and reaps.
//
// Life:
//   1. launcher_start(), before the broker opens anything or makes a thread.
//   2. launcher_spawn() asks for a process; the answer comes as events: SPAWNED, then EXITED, or
//      FAILED. Watch launcher_fd() for reading and call launcher_receive() until -EAGAIN.
//   3. Signals go through the pidfd; launcher_kill() reaches the whole process group.
//   4. launcher_stop(), or the broker's death: every process that was started is killed, the
//      control socket is unlinked, and the launcher is gone within two seconds.
//
// One thread only. Everything is bounded; the launcher is a fork of this program and is trusted.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/diag.h"
#include "sandbox/launch_steps.h"
#include "sandbox/plan.h"

#define LAUNCH_STRINGS_BYTES_MAX 32768  // of path, arguments, environment and folder in all
#define LAUNCH_ARGUMENTS_MAX 256        // arguments, and as many entries of the environment
#define LAUNCH_SERIAL_MAX 0x7fffffffU   // greater ones are the launcher's own
#define LAUNCH_TEXT_BYTES_MAX 256
#define LAUNCH_PREPARE_NS (10 * INT64_C(1000000000))  // before a program runs that describes itself
#define LAUNCH_OUTPUT_BYTES_MAX (256 * 1024)          // of what launcher_describe() reads

// One process to start. Everything is borrowed for the call.
struct launch_plan {
    const char *path;                // of the program; absolute when folder is set
    const char *const *arguments;    // argv, NULL-terminated, with argv[0]
    const char *const *environment;  // "NAME=value", NULL-terminated; NULL = empty
    const char *folder;              // working folder; NULL = the launcher's own
    int control_fd;                  // becomes descriptor 3; -1 = none
    int stdout_fd;                   // -1 = /dev/null
    int stderr_fd;                   // -1 = /dev/null
    int domain_fd;  // pidfd of a process whose namespaces a trusted one enters; up to 2 = none
    const struct sandbox_plan *sandbox;  // NULL = SANDBOX_TRUSTED
};

enum launch_event_kind {
    LAUNCH_SPAWNED = 1,  // the program runs, or will if nothing fails: pid and pidfd
    LAUNCH_FAILED = 2,   // it never ran, also after SPAWNED: step, error and text
    LAUNCH_EXITED = 3,   // it ended, and its process group was killed: wait_status and usage
    LAUNCH_METERS = 4,   // the answer of launcher_meters()
};

struct launch_usage {
    int64_t user_ns;
    int64_t system_ns;
    uint64_t resident_bytes_max;
    struct cgroup_counts counts;  // of its cgroup, where it had one
};

// What this machine meters workers with.
struct launch_meters {
    enum cgroup_step step;
    uint32_t has;         // bit per enum cgroup_controller, of the step
    uint32_t is_own_uid;  // the launcher can give a worker a user of its own
    char why[160];        // at the step RLIMITS: why it is not more
};

struct launch_event {
    enum launch_event_kind kind;
    uint32_t serial;
    pid_t pid;                         // SPAWNED: the worker; EXITED: as SPAWNED said
    int pidfd;                         // SPAWNED: the receiver owns it; else -1. SIGKILL through it
                                       // ends the worker and everything in its sandbox
    uid_t uid;                         // SPAWNED: the worker's own user, 0 = as the launcher's
    uint32_t missing_walls;            // SPAWNED: bits 1 << enum wall of a degraded sandbox
    enum launch_step step;             // FAILED
    int error;                         // FAILED: negative errno of the step
    int wait_status;                   // EXITED: as waitpid gives it
    int denied_call;                   // EXITED: system call that it was ended for, -1 = none
    uint32_t denied_arch;              // EXITED: AUDIT_ARCH_* of that call
    struct launch_usage usage;         // EXITED
    struct launch_meters meters;       // METERS
    char text[LAUNCH_TEXT_BYTES_MAX];  // FAILED: the step and its error as a sentence part
};

struct launcher;

// Forks the launcher. Returns 0 or a negative errno. What is open at this moment beyond the three
// standard descriptors is closed in the launcher.
int launcher_start(struct launcher **out_launcher);

// Says that sandboxes and meters will be wanted: the launcher tries out what this machine has of
// them while its caller does something else. There is no answer. Returns 0 or a negative errno.
int launcher_get_ready(struct launcher *launcher, bool is_caged, bool is_metered);

// Ends the launcher and with it every process that it started; frees the handle, NULL is allowed.
// Returns 0 when it is gone, -ETIMEDOUT when it had to be killed itself.
int launcher_stop(struct launcher *launcher);

int launcher_fd(const struct launcher *launcher);
pid_t launcher_pid(const struct launcher *launcher);

// The socket file that the launcher unlinks when this process is gone, as it is now: a file that
// someone else puts there later stays. launcher_stop() removes it for a launcher that died. Returns
// 0, -ENOENT when there is none, -EINVAL when the path is too long, -ENOMEM, -EPIPE when the
// launcher is gone.
int launcher_own_socket(struct launcher *launcher, const char *path);

// Asks for a process. Descriptors of the plan stay the caller's. Returns 0 when the request is on
// its way, -EINVAL or -E2BIG for a plan that is out of bounds, -EPIPE when the launcher is gone.
int launcher_spawn(struct launcher *launcher, const struct launch_plan *plan, uint32_t serial);

// Kills the process group of this serial (SIGKILL). One that is gone is no error.
int launcher_kill(struct launcher *launcher, uint32_t serial);

// Asks which meters there are, and waits for the answer, the first time. Returns 0 or -EPIPE.
// Events that arrive meanwhile are kept: call launcher_receive() afterwards until -EAGAIN.
int launcher_meters(struct launcher *launcher, struct launch_meters *out_meters);

// The next event. Returns 0, -EAGAIN when there is none, -EPIPE when the launcher is gone (after
// all events that it sent).
int launcher_receive(struct launcher *launcher, struct launch_event *out_event);

// Events were put aside meanwhile: launcher_receive() has some, and launcher_fd() does not tell.
bool launcher_has_kept(const struct launcher *launcher);

// For who waits for one process and no other: the next event of this serial; others are put aside
// for launcher_receive(). Returns as it does.
int launcher_receive_of(struct launcher *launcher, uint32_t serial, struct launch_event *out_event);

// A serial above LAUNCH_SERIAL_MAX, for a process that is nobody's but the caller's. What comes for
// it later is dropped by launcher_receive().
uint32_t launcher_own_serial(struct launcher *launcher);

const char *launcher_step_text(enum launch_step step);

// Runs a program that describes itself, for at most timeout_ns from its first instruction on, and
// waits for it. The arguments of
// the plan have --describe in them; its descriptors are not looked at.
// Returns 0 and what it wrote to stdout (malloc, the caller's, with a terminator behind it); or
// -ETIMEDOUT, -EFBIG (more than LAUNCH_OUTPUT_BYTES_MAX), -EPROTO (it ended badly), -EPIPE (the
// launcher is gone), -EOPNOTSUPP (a wall of its sandbox is missing), or what exec returned, with a
// sentence part in out_why->text. Events that arrive meanwhile are kept for launcher_receive():
// call it afterwards until -EAGAIN.
int launcher_describe(struct launcher *launcher, const struct launch_plan *plan, int64_t timeout_ns,
                      char **out_json, size_t *out_count, struct diag *out_why);

// --- The same without waiting -----------------------------------------------------------------

struct launcher_description;

// Begins; serial is one of launcher_spawn()'s. Returns 0, or as launcher_describe() does.
int launcher_describe_begin(struct launcher *launcher, const struct launch_plan *plan,
                            uint32_t serial, int64_t timeout_ns,
                            struct launcher_description **out_run, struct diag *out_why);

// What is to be watched for reading, -1 where nothing more comes.
void launcher_describe_fds(const struct launcher_description *run, int out_fds[2]);

// Reads what there is. Returns 0 or -EFBIG.
int launcher_describe_read(struct launcher_description *run);

// Takes an event of its serial over, with its pidfd.
void launcher_describe_take(struct launcher_description *run, const struct launch_event *event);

bool launcher_describe_is_complete(const struct launcher_description *run);

// Ends it, complete or not, and frees it. result is 0, -ETIMEDOUT, or what reading it returned.
// Returns as launcher_describe() does. What still comes for its serial means nothing.
int launcher_describe_end(struct launcher_description *run, int result, char **out_json,
                          size_t *out_count, struct diag *out_why);

// SPDX-License-Identifier: Apache-2.0
// Why a worker ended, exactly: for log lines, for the restart rules and for the exit status.
#pragma once

#include <stdbool.h>
#include <stddef.h>

#define EXIT_REASON_TEXT_BYTES 512

enum exit_reason_kind {
    EXIT_REASON_NONE,
    EXIT_REASON_CODE,      // code: exit status
    EXIT_REASON_SIGNAL,    // code: signal number
    EXIT_REASON_START,     // never became a worker; code: negative errno
    EXIT_REASON_PROTOCOL,  // ended by us for what it sent
    EXIT_REASON_DEADLINE,  // ended by us because a deadline passed
    EXIT_REASON_STOPPED,   // ended by us because a stop was forced
    EXIT_REASON_REFUSED,   // the graph cannot have it so: no common format, no memory
    EXIT_REASON_OOM,       // the kernel ended it, because its memory was used up
    EXIT_REASON_SECCOMP,   // the kernel ended it for a system call; code: its number, -1 = unknown
};

struct exit_reason {
    enum exit_reason_kind kind;
    int code;
    char text[EXIT_REASON_TEXT_BYTES];  // what was wrong, which deadline, or what it said itself
};

// Takes the wait status of waitpid() apart. What was recorded before (we ended it, and why) stays:
// the signal that we sent says nothing.
void exit_reason_from_wait(struct exit_reason *reason, int wait_status);

// Records why we end a worker. The first reason counts.
void exit_reason_set(struct exit_reason *reason, enum exit_reason_kind kind, int code,
                     const char *format, ...) __attribute__((format(printf, 4, 5)));

// The signal that ended it had a cause that only somebody else knows: its memory limit was used up,
// or it made a system call that it may not. Replaces the signal, and nothing else: what we ended a
// worker for stays.
void exit_reason_explain(struct exit_reason *reason, enum exit_reason_kind kind, int code,
                         const char *format, ...) __attribute__((format(printf, 4, 5)));

// Keeps what the worker said about its end before it ended. The last words count.
void exit_reason_note(struct exit_reason *reason, const char *text);

// One sentence part: "exit code 3", "signal 11 (SIGSEGV)", "start deadline of 10s passed".
void exit_reason_describe(const struct exit_reason *reason, char *out, size_t size_bytes);

// What the end of a worker means for its node.
enum exit_verdict {
    EXIT_VERDICT_FINISHED,   // it did its work
    EXIT_VERDICT_FAILED,     // it failed
    EXIT_VERDICT_RESTART,    // it wants a fresh start
    EXIT_VERDICT_NO_CONFIG,  // it can never work as the graph wants it
    EXIT_VERDICT_BAD_DATA,   // it found its data wrong
    EXIT_VERDICT_REFUSED,    // permission
};

// is_complete: it said that its outputs have ended, or every output page shows it. A worker that
// leaves with 0 before has not done its work. is_stopping: the broker asked it to end.
enum exit_verdict exit_reason_verdict(const struct exit_reason *reason, bool is_complete,
                                      bool is_stopping);

// SPDX-License-Identifier: Apache-2.0
// Wait statuses and our own reasons as one sentence and one verdict.
#include "broker/lives/exit_reason.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include <streambroker/error.h>

#include "base/redact.h"
#include "base/text.h"

#define STATUS_NO_PERMISSION 77
#define CALL_UNKNOWN (-1)

void exit_reason_from_wait(struct exit_reason *reason, int wait_status)
{
    if (reason->kind != EXIT_REASON_NONE) {
        return;
    }
    if (WIFSIGNALED(wait_status) && WTERMSIG(wait_status) == SIGSYS) {
        reason->kind = EXIT_REASON_SECCOMP;
        reason->code = CALL_UNKNOWN;
        text_copy(reason->text, sizeof reason->text, "signal 31 (SIGSYS)");
    } else if (WIFSIGNALED(wait_status)) {
        reason->kind = EXIT_REASON_SIGNAL;
        reason->code = WTERMSIG(wait_status);
    } else {
        reason->kind = EXIT_REASON_CODE;
        reason->code = WEXITSTATUS(wait_status);
    }
}

void exit_reason_set(struct exit_reason *reason, enum exit_reason_kind kind, int code,
                     const char *format, ...)
{
    if (reason->kind != EXIT_REASON_NONE) {
        return;
    }
    reason->kind = kind;
    reason->code = code;
    va_list list;
    va_start(list, format);
    struct text text = TEXT_OVER(reason->text);
    text_add_format_list(&text, format, list);
    va_end(list);
    redact_string(reason->text);
}

static bool is_crash(enum exit_reason_kind kind)
{
    return kind == EXIT_REASON_SIGNAL || kind == EXIT_REASON_OOM || kind == EXIT_REASON_SECCOMP;
}

void exit_reason_explain(struct exit_reason *reason, enum exit_reason_kind kind, int code,
                         const char *format, ...)
{
    if (!is_crash(reason->kind)) {
        return;
    }
    reason->kind = kind;
    reason->code = code;
    va_list list;
    va_start(list, format);
    struct text text = TEXT_OVER(reason->text);
    text_add_format_list(&text, format, list);
    va_end(list);
    redact_string(reason->text);
}

void exit_reason_note(struct exit_reason *reason, const char *text)
{
    if (reason->kind == EXIT_REASON_NONE) {
        text_copy(reason->text, sizeof reason->text, text);
        redact_string(reason->text);
    }
}

static void add_status(struct text *text, const struct exit_reason *reason)
{
    if (reason->kind == EXIT_REASON_CODE) {
        text_add_format(text, "exit code %d", reason->code);
    } else {
        const char *name = sigabbrev_np(reason->code);
        text_add_format(text, "signal %d (SIG%s)", reason->code, name != NULL ? name : "?");
    }
}

void exit_reason_describe(const struct exit_reason *reason, char *out, size_t size_bytes)
{
    struct text text = text_over(out, size_bytes);
    switch (reason->kind) {
    case EXIT_REASON_NONE:
        text_add(&text, "unknown");
        return;
    case EXIT_REASON_CODE:
    case EXIT_REASON_SIGNAL:
        if (reason->text[0] == '\0') {
            add_status(&text, reason);
        } else {
            text_add_format(&text, "%s (", reason->text);
            add_status(&text, reason);
            text_add(&text, ")");
        }
        return;
    case EXIT_REASON_START:
        text_add_format(&text, "cannot start: %s", reason->text);
        return;
    case EXIT_REASON_PROTOCOL:
        text_add_format(&text, "protocol: %s", reason->text);
        return;
    case EXIT_REASON_OOM:
        text_add_format(&text, "out of memory: %s", reason->text);
        return;
    case EXIT_REASON_SECCOMP:
        text_add_format(&text, "forbidden system call: %s", reason->text);
        return;
    case EXIT_REASON_DEADLINE:
    case EXIT_REASON_STOPPED:
    case EXIT_REASON_REFUSED:
        text_add(&text, reason->text);
        return;
    }
}

static enum exit_verdict verdict_of_code(int code, bool is_complete)
{
    switch (code) {
    case SB_EXIT_FINISHED:
        return is_complete ? EXIT_VERDICT_FINISHED : EXIT_VERDICT_FAILED;
    case SB_EXIT_RESTART:
        return EXIT_VERDICT_RESTART;
    case SB_EXIT_BAD_CONFIG:
        return EXIT_VERDICT_NO_CONFIG;
    case SB_EXIT_BAD_DATA:
        return EXIT_VERDICT_BAD_DATA;
    case STATUS_NO_PERMISSION:
        return EXIT_VERDICT_REFUSED;
    default:
        return EXIT_VERDICT_FAILED;
    }
}

enum exit_verdict exit_reason_verdict(const struct exit_reason *reason, bool is_complete,
                                      bool is_stopping)
{
    switch (reason->kind) {
    case EXIT_REASON_CODE:
        return verdict_of_code(reason->code, is_complete || is_stopping);
    case EXIT_REASON_STOPPED:
        return EXIT_VERDICT_FINISHED;
    case EXIT_REASON_REFUSED:
        return EXIT_VERDICT_NO_CONFIG;
    case EXIT_REASON_START:
        // -EOPNOTSUPP: a wall of its sandbox is missing, and will be the next time as well.
        return reason->code == -EOPNOTSUPP ? EXIT_VERDICT_REFUSED : EXIT_VERDICT_FAILED;
    case EXIT_REASON_NONE:
    case EXIT_REASON_SIGNAL:
    case EXIT_REASON_PROTOCOL:
    case EXIT_REASON_DEADLINE:
    case EXIT_REASON_OOM:
    case EXIT_REASON_SECCOMP:
        // A worker that published its last frame and all ends before it crashed has lost nothing.
        return is_complete && is_crash(reason->kind) ? EXIT_VERDICT_FINISHED : EXIT_VERDICT_FAILED;
    }
    return EXIT_VERDICT_FAILED;
}

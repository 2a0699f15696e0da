// SPDX-License-Identifier: Apache-2.0
// A client's end of the control socket.
#include <streambroker/control.h>

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/text.h"
#include "schemas/control_path.h"
#include "schemas/wire_control.h"

_Static_assert(SB_CONTROL_PATH_BYTES_MAX == CONTROL_PATH_BYTES_MAX, "one limit");

#define DOCUMENT_BYTES_MAX (16 * 1024 * 1024)
#define RETRY_MS 10  // for a broker whose queue of connections is full

struct sb_control {
    int fd;  // owned
    struct control_welcome welcome;
    uint32_t call;  // of the last request
    bool is_under_way;
    int code;
    char error[LIMIT_ERROR_TEXT_BYTES_MAX];
    char *document;  // owned
    size_t count;
    size_t room;
    bool is_whole;  // the document was given to the caller: the next part begins a new one
    struct control_field wanted[CONTROL_FIELDS_MAX];  // of the request that is sent
    struct control_message message;
    uint8_t bytes[LIMIT_MESSAGE_BYTES_MAX];
};

const char *sb_control_code_text(int code)
{
    switch (code) {
#define X(name, number, text)                                                                      \
    case number:                                                                                   \
        return text;
        SB_CONTROL_CODES(X)
#undef X
    default:
        return "?";
    }
}

static int64_t deadline_of(int timeout_ms)
{
    return timeout_ms < 0 ? INT64_MAX : clock_now_ns() + timeout_ms * CLOCK_NS_PER_MS;
}

static int left_ms(int64_t deadline_ns)
{
    if (deadline_ns == INT64_MAX) {
        return -1;
    }
    int64_t left_ns = deadline_ns - clock_now_ns();
    return left_ns <= 0 ? 0 : (int)((left_ns + CLOCK_NS_PER_MS - 1) / CLOCK_NS_PER_MS);
}

static int wait_for(int fd, short events, int64_t deadline_ns)
{
    struct pollfd wait = {.fd = fd, .events = events};
    for (;;) {
        int ready = poll(&wait, 1, left_ms(deadline_ns));
        if (ready > 0) {
            return 0;
        }
        if (ready == 0) {
            return -ETIMEDOUT;
        }
        if (errno != EINTR) {
            return -errno;
        }
    }
}

// Reads one message. -ETIMEDOUT when none came; -EPIPE at the end.
static int receive(struct sb_control *control, int64_t deadline_ns)
{
    int got;
    do {
        int failed = wait_for(control->fd, POLLIN, deadline_ns);
        if (failed != 0) {
            return failed;
        }
        got = fd_receive_message(control->fd, control->bytes, sizeof control->bytes, NULL, 0, NULL);
    } while (got == -EAGAIN);
    if (got <= 0) {
        return got == 0 || got == -ECONNRESET ? -EPIPE : got;
    }
    char reason[LIMIT_ERROR_TEXT_BYTES_MAX];
    return wire_control_decode(control->bytes, (size_t)got, 0, CONTROL_TO_CLIENT, &control->message,
                               reason, sizeof reason);
}

static int connect_within(int fd, const char *path, int64_t deadline_ns)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (!text_copy(address.sun_path, sizeof address.sun_path, path)) {
        return -ENAMETOOLONG;
    }
    while (connect(fd, (const struct sockaddr *)&address, sizeof address) < 0) {
        if (errno != EAGAIN && errno != EINTR) {
            return -errno;
        }
        int left = left_ms(deadline_ns);
        if (left == 0) {
            return -ETIMEDOUT;
        }
        // There is nothing to wait for: the kernel does not tell when the queue has room.
        poll(NULL, 0, left < 0 || left > RETRY_MS ? RETRY_MS : left);
    }
    return 0;
}

int sb_control_connect(const char *path, int timeout_ms, struct sb_control **out_control)
{
    int64_t deadline_ns = deadline_of(timeout_ms);
    struct sb_control *control = calloc(1, sizeof *control);
    if (control == NULL) {
        return -ENOMEM;
    }
    control->fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    int failed = control->fd < 0 ? -errno : connect_within(control->fd, path, deadline_ns);
    if (failed == 0) {
        failed = receive(control, deadline_ns);
        // It accepted and closed without a word: not for us.
        failed = failed == -EPIPE ? -EACCES : failed;
    }
    if (failed == 0 && control->message.type != CONTROL_WELCOME) {
        failed = -EPROTO;
    }
    if (failed != 0) {
        sb_control_close(control);
        return failed;
    }
    control->welcome = control->message.welcome;
    *out_control = control;
    return 0;
}

void sb_control_close(struct sb_control *control)
{
    if (control != NULL) {
        cleanup_fd(&control->fd);
        free(control->document);
        free(control);
    }
}

const char *sb_control_graph(const struct sb_control *control)
{
    return control->welcome.graph;
}

const char *sb_control_version(const struct sb_control *control)
{
    return control->welcome.version;
}

pid_t sb_control_pid(const struct sb_control *control)
{
    return (pid_t)control->welcome.pid;
}

int sb_control_fd(const struct sb_control *control)
{
    return control->fd;
}

int sb_control_code(const struct sb_control *control)
{
    return control->code;
}

const char *sb_control_error(const struct sb_control *control)
{
    return control->error;
}

int sb_control_request(struct sb_control *control, const char *verb,
                       const struct sb_control_field *fields, size_t field_count)
{
    if (control->is_under_way) {
        return -EBUSY;
    }
    struct control_field *wanted = control->wanted;
    struct control_request *request = &control->message.request;
    *request = (struct control_request){
        .call = control->call + 1, .field_count = field_count, .fields = wanted};
    if (field_count > CONTROL_FIELDS_MAX || !text_copy(request->verb, sizeof request->verb, verb)) {
        return -EMSGSIZE;
    }
    for (size_t i = 0; i < field_count; i++) {
        wanted[i].value = fields[i].value;
        if (!text_copy(wanted[i].name, sizeof wanted[i].name, fields[i].name) ||
            strlen(fields[i].value) >= SB_STRING_BYTES_MAX) {
            return -EMSGSIZE;
        }
    }
    control->message.type = CONTROL_REQUEST;
    int size_bytes = wire_control_encode(&control->message, control->bytes, sizeof control->bytes);
    if (size_bytes < 0) {
        return size_bytes;
    }
    int failed = fd_send_message(control->fd, control->bytes, (size_t)size_bytes, NULL, 0);
    if (failed != 0) {
        return failed == -ECONNRESET ? -EPIPE : failed;
    }
    control->call = control->call + 1;
    control->is_under_way = true;
    control->code = 0;
    control->error[0] = '\0';
    control->is_whole = true;
    return 0;
}

static int keep_part(struct sb_control *control, const struct control_part *part)
{
    if (control->is_whole) {
        control->count = 0;
        control->is_whole = false;
    }
    size_t needed = control->count + part->text_bytes + 1;
    if (needed > DOCUMENT_BYTES_MAX) {
        return -EPROTO;
    }
    if (needed > control->room) {
        char *document = realloc(control->document, 2 * needed);
        if (document == NULL) {
            return -ENOMEM;
        }
        control->document = document;
        control->room = 2 * needed;
    }
    memcpy(control->document + control->count, part->text, part->text_bytes);
    control->count += part->text_bytes;
    control->document[control->count] = '\0';
    control->is_whole = part->is_end;
    return 0;
}

static void keep_answer(struct sb_control *control)
{
    control->is_under_way = false;
    control->code = (int)control->message.answer.code;
    text_copy(control->error, sizeof control->error, control->message.answer.error);
}

static int next(struct sb_control *control, int64_t deadline_ns, const char **out_document)
{
    if (!control->is_under_way) {
        return -EINVAL;
    }
    for (;;) {
        int failed = receive(control, deadline_ns);
        if (failed != 0) {
            return failed;
        }
        const struct control_message *message = &control->message;
        if (message->type == CONTROL_ANSWER && message->answer.call == control->call) {
            keep_answer(control);
            return 0;
        }
        if (message->type != CONTROL_PART || message->part.call != control->call) {
            return -EPROTO;
        }
        failed = keep_part(control, &message->part);
        if (failed != 0) {
            return failed;
        }
        if (control->is_whole) {
            *out_document = control->document;
            return 1;
        }
    }
}

int sb_control_next(struct sb_control *control, int timeout_ms, const char **out_document)
{
    return next(control, deadline_of(timeout_ms), out_document);
}

int sb_control_call(struct sb_control *control, const char *verb,
                    const struct sb_control_field *fields, size_t field_count, int timeout_ms,
                    const char **out_document)
{
    int64_t deadline_ns = deadline_of(timeout_ms);
    int result = sb_control_request(control, verb, fields, field_count);
    const char *document = NULL;
    while (result == 0 && control->is_under_way) {
        result = next(control, deadline_ns, &document);
        result = result == 1 ? 0 : result;
    }
    if (result != 0) {
        return result;
    }
    *out_document = document;
    return control->code;
}

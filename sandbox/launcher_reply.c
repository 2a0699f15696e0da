// SPDX-License-Identifier: Apache-2.0
// Sends answers until there is nobody to hear them.
#include "sandbox/launcher_reply.h"

#include <errno.h>
#include <poll.h>

#include "base/fd.h"
#include "sandbox/launcher.h"

// One launcher per process.
static int broker;  // borrowed
static bool is_ended;

void launcher_reply_open(int socket)
{
    broker = socket;
}

void launcher_reply(const struct launcher_answer *what, int fd)
{
    if (is_ended) {
        return;
    }
    for (;;) {
        int result = fd_send_message(broker, what, sizeof *what, &fd, fd >= 0 ? 1 : 0);
        if (result != -EAGAIN) {
            is_ended = result < 0;
            return;
        }
        struct pollfd writable = {.fd = broker, .events = POLLOUT};
        poll(&writable, 1, -1);
    }
}

void launcher_reply_failure(uint32_t serial, enum launch_step step, int error)
{
    launcher_reply(
        &(struct launcher_answer){
            .kind = LAUNCH_FAILED, .serial = serial, .step = (int32_t)step, .error = error},
        -1);
}

void launcher_reply_end(void)
{
    is_ended = true;
}

bool launcher_reply_is_ended(void)
{
    return is_ended;
}

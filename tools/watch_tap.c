// SPDX-License-Identifier: Apache-2.0
// Asks the broker for a tap, and takes what its worker sends over a socket of our own.
#include "tools/watch_tap.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/check.h"
#include "base/cleanup.h"
#include "base/units.h"
#include "tools/reach.h"
#include "tools/tap_feed.h"
#include "tools/tap_save.h"
#include "tools/tap_view.h"

#define CONNECT_MS 5000
#define NAME_BYTES 64
#define VIEW_BYTES "256"
#define SAVE_BYTES "1GiB"

struct tap {
    const struct verb_call *call;
    struct sb_control *control;
    int listener;  // owned
    int feed_fd;   // owned, -1 before the worker has connected
    int signals;   // owned
    struct tap_feed feed;
    struct tap_view view;
    enum tap_save_kind save;
    struct tap_wav wav;
    int64_t left;  // frames until the end, -1 = no end
    uint64_t missed;
    uint64_t last_number;
};

static int complain(const struct tap *tap, int status, const char *text)
{
    fprintf(stderr, "streamctl %s: %s\n", tap->call->verb->word, text);
    return status;
}

// A name that no file stands for: nothing is left of it however we end, and whatever folders the
// worker sees, it finds us. out_name begins with '@'.
static int listen_on(struct tap *tap, char out_name[NAME_BYTES])
{
    uint64_t random[2];
    if (getrandom(random, sizeof random, 0) != sizeof random) {
        return -EIO;
    }
    int length = snprintf(out_name, NAME_BYTES, "@streamctl-tap-%016llx%016llx",
                          (unsigned long long)random[0], (unsigned long long)random[1]);
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    memcpy(address.sun_path + 1, out_name + 1, (size_t)length - 1);
    socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + (size_t)length);
    tap->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    bool is_bad = tap->listener < 0 ||
                  bind(tap->listener, (const struct sockaddr *)&address, size) < 0 ||
                  listen(tap->listener, 1) < 0;
    return is_bad ? -errno : 0;
}

static bool is_user(int fd, uid_t uid)
{
    struct ucred peer;
    socklen_t size = sizeof peer;
    return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 && peer.uid == uid;
}

// The worker is of the broker's user. Whoever else found the name is sent away.
static void accept_feed(struct tap *tap)
{
    struct ucred broker;
    socklen_t size = sizeof broker;
    int control = sb_control_fd(tap->control);
    auto_fd int fd = accept4(tap->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd >= 0 && getsockopt(control, SOL_SOCKET, SO_PEERCRED, &broker, &size) == 0 &&
        is_user(fd, broker.uid)) {
        tap->feed_fd = steal_fd(&fd);
        cleanup_fd(&tap->listener);
    }
}

static int ask(struct tap *tap, const char *socket)
{
    const char *interval = verb_value(tap->call, "--interval");
    bool is_bytes =
        verb_value(tap->call, "--hex") != NULL || verb_value(tap->call, "--text") != NULL;
    bool is_saved = tap->save != TAP_SAVE_NONE;
    const struct sb_control_field fields[] = {
        {"output", tap->call->arguments[0]},
        {"socket", socket},
        {"interval", interval != NULL            ? interval
                     : tap->save == TAP_SAVE_WAV ? "0"
                                                 : "100ms"},
        {"bytes", is_saved   ? SAVE_BYTES
                  : is_bytes ? VIEW_BYTES
                             : "0"},
        {"rgb", "true"},
    };
    size_t count = ARRAY_COUNT(fields) - (tap->save == TAP_SAVE_PNG ? 0 : 1);
    return sb_control_request(tap->control, "tap", fields, count);
}

// Returns 0, or an exit status: then it is over.
static int save_frame(struct tap *tap, const struct tap_frame *frame)
{
    const char *path = verb_value(tap->call, "--save");
    char why[256] = "";
    int failed = tap->save == TAP_SAVE_PNG ? tap_save_png(path, frame, why, sizeof why)
                                           : tap_save_wav(&tap->wav, path, frame, why, sizeof why);
    return failed == 0 ? 0 : complain(tap, failed == -EINVAL ? VERB_USAGE : VERB_FAILED, why);
}

static int show_frame(struct tap *tap, const struct tap_frame *frame)
{
    if (tap->last_number != 0 && frame->number > tap->last_number + 1) {
        tap->missed += frame->number - tap->last_number - 1;
    }
    tap->last_number = frame->number;
    if (verb_value(tap->call, "--json") != NULL) {
        tap_view_json(&tap->view, frame, stdout);
    } else if (tap->save == TAP_SAVE_NONE) {
        tap_view_line(&tap->view, frame, stdout);
    }
    if (verb_value(tap->call, "--hex") != NULL) {
        tap_view_hex(frame, stdout);
    }
    if (verb_value(tap->call, "--text") != NULL) {
        tap_view_text(frame, stdout);
    }
    if (fflush(stdout) != 0) {
        return VERB_FAILED;
    }
    return tap->save == TAP_SAVE_NONE ? 0 : save_frame(tap, frame);
}

// Returns 1 to go on, 0 when enough frames came, or a negative exit status.
static int read_feed(struct tap *tap)
{
    ssize_t got = tap_feed_read(&tap->feed, tap->feed_fd);
    if (got == 0) {
        cleanup_fd(&tap->feed_fd);
        return 1;  // the broker's answer says why
    }
    if (got < 0) {
        return got == -EAGAIN || got == -EINTR
                   ? 1
                   : -complain(tap, VERB_INTERNAL, strerrordesc_np((int)-got));
    }
    struct tap_frame frame;
    int next;
    while ((next = tap_feed_next(&tap->feed, &frame)) == 1) {
        int status = show_frame(tap, &frame);
        if (status != 0) {
            return -status;
        }
        if (tap->left > 0 && --tap->left == 0) {
            return 0;
        }
    }
    return next == 0 ? 1 : -complain(tap, VERB_INTERNAL, "the tap sent nonsense");
}

// The same, for what the broker says.
static int read_control(struct tap *tap)
{
    const char *document;
    int got = sb_control_next(tap->control, 0, &document);
    if (got == 1 || got == -ETIMEDOUT) {
        return 1;
    }
    if (got < 0) {
        return -complain(tap, VERB_UNREACHABLE, "the broker is gone");
    }
    int code = sb_control_code(tap->control);
    return code == 0 ? 0 : -complain(tap, code, sb_control_error(tap->control));
}

static int follow(struct tap *tap)
{
    for (int going = 1; going == 1;) {
        struct pollfd waits[] = {
            {.fd = sb_control_fd(tap->control), .events = POLLIN},
            {.fd = tap->feed_fd >= 0 ? tap->feed_fd : tap->listener, .events = POLLIN},
            {.fd = tap->signals, .events = POLLIN},
        };
        if (poll(waits, ARRAY_COUNT(waits), -1) < 0 && errno != EINTR) {
            return complain(tap, VERB_INTERNAL, strerrordesc_np(errno));
        }
        // What was sent comes before the news that no more will come.
        if ((waits[1].revents & (POLLIN | POLLHUP)) != 0) {
            if (tap->feed_fd < 0) {
                accept_feed(tap);
            } else {
                going = read_feed(tap);
            }
        } else if ((waits[2].revents & POLLIN) != 0) {
            return VERB_OK;
        } else if (waits[0].revents != 0) {
            going = read_control(tap);
        }
        if (going <= 0) {
            return -going;
        }
    }
    return VERB_OK;
}

// Before there is anything that would be left behind. Who reads us may go: that ends a write.
static void take_signals(struct tap *tap)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGHUP);
    sigprocmask(SIG_BLOCK, &set, NULL);
    signal(SIGPIPE, SIG_IGN);
    tap->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

static int run(struct tap *tap)
{
    char name[NAME_BYTES];
    take_signals(tap);
    int status = reach_broker(tap->call, CONNECT_MS, false, &tap->control);
    if (status != 0) {
        return status;
    }
    int failed = listen_on(tap, name);
    failed = failed == 0 ? ask(tap, name) : failed;
    if (failed != 0) {
        return complain(tap, VERB_INTERNAL, strerrordesc_np(-failed));
    }
    status = follow(tap);
    if (tap_save_wav_end(&tap->wav) != 0 && status == VERB_OK) {
        return complain(tap, VERB_FAILED, "the file cannot be written");
    }
    if (tap->save == TAP_SAVE_WAV && tap->missed > 0) {
        fprintf(
            stderr,
            "streamctl tap: %llu frames are not in the file: they were replaced by newer ones\n",
            (unsigned long long)tap->missed);
    }
    return status;
}

static void fini(struct tap *tap)
{
    sb_control_close(tap->control);
    cleanup_fd(&tap->listener);
    cleanup_fd(&tap->feed_fd);
    cleanup_fd(&tap->signals);
    tap_feed_fini(&tap->feed);
}

int watch_tap(const struct verb_call *call)
{
    struct tap state = {.call = call, .listener = -1, .feed_fd = -1, .signals = -1, .left = -1};
    const char *save = verb_value(call, "--save");
    const char *count = verb_value(call, "--count");
    state.save = save != NULL ? tap_save_kind(save) : TAP_SAVE_NONE;
    state.left = state.save == TAP_SAVE_PNG ? 1 : -1;
    if (save != NULL && state.save == TAP_SAVE_NONE) {
        return complain(&state, VERB_USAGE,
                        "--save takes a file that ends in .png (a picture) or .wav (sound)");
    }
    if (count != NULL && (units_parse_integer(count, &state.left) != 0 || state.left <= 0)) {
        return complain(&state, VERB_USAGE, "--count takes a whole number above 0");
    }
    int status = run(&state);
    fini(&state);
    return status;
}

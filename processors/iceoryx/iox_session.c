// SPDX-License-Identifier: Apache-2.0
// Joins iceoryx, watches RouDi, and turns every way in which iceoryx ends a program into a restart.
#include "processors/iceoryx/iox_session.h"

#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#include <iceoryx_binding_c/log.h>
#include <iceoryx_binding_c/runtime.h>

#include "processors/iceoryx/presence.h"

#define NS_PER_US 1000
#define US_PER_S 1000000
#define FIRST_WAIT_NS 100000000
#define LAST_WAIT_NS 2000000000
#define LOOK_NS 10000000
#define LEAVE_NS 1000000000
#define NAME_PREFIX "streambroker-"

// The names that iceoryx makes for a program in its folder, and does not remove when it is aborted.
static char runtime_name[IOX_NAME_BYTES_MAX];
static char socket_path[sizeof ROUDI_FOLDER + sizeof runtime_name];
static char lock_path[sizeof ROUDI_FOLDER + sizeof runtime_name + sizeof ".lock"];

static volatile sig_atomic_t is_asked_to_leave;
static volatile sig_atomic_t guard_status = SB_EXIT_RESTART;
static volatile sig_atomic_t is_error_expected;
static volatile sig_atomic_t has_error;

// Async-signal-safe.
static _Noreturn void end_now(const char *why, size_t why_bytes, int status)
{
    ssize_t written = write(STDERR_FILENO, why, why_bytes);
    (void)written;
    unlink(socket_path);
    unlink(lock_path);
    _exit(status);
}

static void on_abort(int number)
{
    static const char why[] = "<4>iceoryx aborted the program; starting afresh\n";
    (void)number;
    end_now(why, sizeof why - 1, SB_EXIT_RESTART);
}

static void on_alarm(int number)
{
    static const char why[] = "<4>RouDi does not answer; starting afresh\n";
    (void)number;
    end_now(why, guard_status == SB_EXIT_RESTART ? sizeof why - 1 : 0, guard_status);
}

// RouDi tells its programs so that it ends.
static void on_terminate(int number)
{
    (void)number;
    is_asked_to_leave = 1;
}

// Stands in front of iceoryx's own function of this name, which asserts on everything but the
// mildest level. Its second parameter is a C++ function object, which is not called.
void iox_session_on_error(uint32_t error, const void *callback, uint32_t level) __asm__(
    "_ZN3iox12errorHandlerENS_5ErrorERKSt8functionIFvvEENS_10ErrorLevelE");

__attribute__((visibility("default"))) void
iox_session_on_error(uint32_t error, const void *callback, uint32_t level)
{
    enum { LEVEL_FATAL, LEVEL_SEVERE, LEVEL_MODERATE };
    char why[96];
    (void)callback;
    if (level == LEVEL_SEVERE && is_error_expected) {
        has_error = 1;
        return;
    }
    if (level == LEVEL_FATAL || level == LEVEL_SEVERE) {
        int length = snprintf(why, sizeof why,
                              "<4>iceoryx gave up with its error %u; starting afresh\n", error);
        end_now(why, length > 0 ? (size_t)length : 0, SB_EXIT_RESTART);
    }
}

static int check_name(struct sb_node *node, const char *param)
{
    const char *value = sb_param_string(node, param);
    if (value[0] == '\0' || strlen(value) > IOX_NAME_BYTES_MAX) {
        return sb_node_error(node, -EINVAL, "%s has %zu bytes; write 1 to %d", param, strlen(value),
                             IOX_NAME_BYTES_MAX);
    }
    return 0;
}

static int take_signal(int number, void (*handler)(int number))
{
    struct sigaction action = {.sa_handler = handler};
    sigset_t set;
    sigemptyset(&action.sa_mask);
    sigemptyset(&set);
    sigaddset(&set, number);
    return sigaction(number, &action, NULL) == 0 && sigprocmask(SIG_UNBLOCK, &set, NULL) == 0
               ? 0
               : -errno;
}

int iox_session_open(struct iox_session *session, struct sb_node *node)
{
    static const char *const names[] = {"service", "instance", "event"};
    *session = (struct iox_session){.node = node, .pidfd = -1, .wait_ns = FIRST_WAIT_NS};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        int result = check_name(node, names[i]);
        if (result < 0) {
            return result;
        }
    }
    // Its own view of processes, /tmp and /dev/shm would show an untrusted node no RouDi, ever.
    if (access("/proc/locks", R_OK) != 0) {
        return sb_node_error(node, -EPERM,
                             "iceoryx needs what all programs of the host share; "
                             "write sandbox: trusted");
    }
    // The same for each life of a node, so that RouDi clears away what a life before left, and
    // another one for each broker.
    snprintf(runtime_name, sizeof runtime_name, NAME_PREFIX "%d-%s", (int)getppid(),
             sb_node_id(node));
    snprintf(socket_path, sizeof socket_path, "%s/%s", ROUDI_FOLDER, runtime_name);
    snprintf(lock_path, sizeof lock_path, "%s/%s.lock", ROUDI_FOLDER, runtime_name);
    // What a life that was killed left behind.
    unlink(socket_path);
    unlink(lock_path);
    int result = take_signal(SIGABRT, on_abort);
    result = result == 0 ? take_signal(SIGALRM, on_alarm) : result;
    result = result == 0 ? take_signal(SIGTERM, on_terminate) : result;
    return result < 0 ? sb_node_error(node, result, "cannot handle signals") : 0;
}

void iox_session_guard(int64_t limit_ns, int status)
{
    int64_t limit_us = limit_ns / NS_PER_US;
    struct itimerval timer = {
        .it_value = {.tv_sec = limit_us / US_PER_S, .tv_usec = limit_us % US_PER_S}};
    guard_status = status;
    setitimer(ITIMER_REAL, &timer, NULL);
}

void iox_session_unguard(void)
{
    struct itimerval timer = {.it_value = {.tv_sec = 0}};
    setitimer(ITIMER_REAL, &timer, NULL);
}

void iox_session_expect_error(void)
{
    has_error = 0;
    is_error_expected = 1;
}

bool iox_session_had_error(void)
{
    is_error_expected = 0;
    return has_error != 0;
}

// Programs that were killed left their names behind. All that register with this RouDi are in this
// pid namespace, so a broker whose pid is gone is gone.
static void clear_away_the_dead(void)
{
    DIR *folder = opendir(ROUDI_FOLDER);
    struct dirent *entry;
    while (folder != NULL && (entry = readdir(folder)) != NULL) {
        int broker;
        if (sscanf(entry->d_name, NAME_PREFIX "%d-", &broker) == 1 && broker > 0 &&
            kill(broker, 0) != 0 && errno == ESRCH) {
            unlinkat(dirfd(folder), entry->d_name, 0);
        }
    }
    if (folder != NULL) {
        closedir(folder);
    }
}

// A state is said once, however often it is looked at.
static void tell(struct iox_session *session, enum roudi_state state)
{
    if (state != ROUDI_THERE && (!session->has_told || session->told != state)) {
        sb_log(session->node, SB_LOG_WARNING, "iceoryx: waiting: %s", roudi_probe_text(state));
    }
    session->told = state;
    session->has_told = true;
}

bool iox_session_join(struct iox_session *session)
{
    int64_t now_ns = sb_now_ns();
    if (session->pidfd >= 0) {
        return true;
    }
    if (now_ns < session->next_ns) {
        return false;
    }
    enum roudi_state state = roudi_probe_look(ROUDI_FOLDER, &session->pidfd);
    tell(session, state);
    if (state != ROUDI_THERE) {
        session->next_ns = now_ns + session->wait_ns;
        session->wait_ns =
            session->wait_ns < LAST_WAIT_NS / 2 ? 2 * session->wait_ns : LAST_WAIT_NS;
        return false;
    }
    clear_away_the_dead();
    iox_set_loglevel(Iceoryx_LogLevel_Off);
    iox_session_guard(IOX_CALL_NS, SB_EXIT_RESTART);
    iox_runtime_init(runtime_name);
    iox_session_unguard();
    if (presence_begin() != 0) {
        static const char why[] = "<4>iceoryx: no thread can be started; starting afresh\n";
        end_now(why, sizeof why - 1, SB_EXIT_RESTART);
    }
    return true;
}

bool iox_session_is_lost(struct iox_session *session)
{
    int64_t now_ns = sb_now_ns();
    if (is_asked_to_leave) {
        return true;
    }
    if (session->pidfd < 0 || now_ns < session->looked_ns + LOOK_NS) {
        return false;
    }
    session->looked_ns = now_ns;
    struct pollfd end = {.fd = session->pidfd, .events = POLLIN};
    return poll(&end, 1, 0) != 0;
}

static bool is_roudi_there(const struct iox_session *session)
{
    struct pollfd end = {.fd = session->pidfd, .events = POLLIN};
    return session->pidfd >= 0 && poll(&end, 1, 0) == 0;
}

void iox_session_leave(struct iox_session *session, void (*take_down)(void *context), void *context)
{
    static const char why[] = "<4>iceoryx: RouDi has ended; starting afresh\n";
    if (!is_roudi_there(session)) {
        end_now(why, session->pidfd >= 0 ? sizeof why - 1 : 0, SB_EXIT_RESTART);
    }
    sb_log(session->node, SB_LOG_WARNING,
           "iceoryx: RouDi wants its programs to end; starting afresh");
    iox_session_guard(LEAVE_NS, SB_EXIT_RESTART);
    take_down(context);
    // The library's own end tells RouDi; the guard stays for that.
    exit(SB_EXIT_RESTART);
}

void iox_session_close(struct iox_session *session, void (*take_down)(void *context), void *context)
{
    if (session->pidfd < 0) {
        return;
    }
    if (!is_roudi_there(session)) {
        end_now("", 0, SB_EXIT_FINISHED);
    }
    iox_session_guard(LEAVE_NS, SB_EXIT_FINISHED);
    take_down(context);
    close(session->pidfd);
    session->pidfd = -1;
}

// SPDX-License-Identifier: Apache-2.0
// A service manager hears when the graph runs and ends, and that the loop turns.
#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "broker/service.h"

static char folder[] = "/tmp/service.XXXXXX";
static char path[64];
static int manager;

static int setup(void **state)
{
    (void)state;
    if (mkdtemp(folder) == NULL) {
        return -1;
    }
    snprintf(path, sizeof path, "%s/notify", folder);
    manager = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    memcpy(address.sun_path, path, strlen(path) + 1);
    return bind(manager, (const struct sockaddr *)&address, sizeof address) != 0 ||
                   setenv("NOTIFY_SOCKET", path, 1) != 0
               ? -1
               : 0;
}

static int teardown(void **state)
{
    (void)state;
    close(manager);
    unlink(path);
    return rmdir(folder);
}

static const char *hear(void)
{
    static char text[512];
    ssize_t count = recv(manager, text, sizeof text - 1, 0);
    assert_true(count > 0);
    text[count] = '\0';
    return text;
}

// R-CLI-022
static void ready_and_stopping_are_told_with_a_text(void **state)
{
    (void)state;
    service_ready("the graph runs");
    assert_string_equal(hear(), "READY=1\nSTATUS=the graph runs");
    service_stopping("the graph was asked to end");
    assert_string_equal(hear(), "STOPPING=1\nSTATUS=the graph was asked to end");
}

// R-CLI-022
static void the_loop_says_that_it_turns(void **state)
{
    (void)state;
    char pid[32];
    snprintf(pid, sizeof pid, "%d", (int)getpid());
    assert_int_equal(setenv("WATCHDOG_PID", pid, 1), 0);
    assert_int_equal(setenv("WATCHDOG_USEC", "200000", 1), 0);
    sd_event *event = NULL;
    assert_true(sd_event_new(&event) >= 0);
    assert_int_equal(service_watch(event), 0);
    struct pollfd heard = {.fd = manager, .events = POLLIN};
    for (int turn = 0; turn < 1000 && poll(&heard, 1, 0) == 0; turn++) {
        assert_true(sd_event_run(event, 10000) >= 0);
    }
    assert_non_null(strstr(hear(), "WATCHDOG=1"));
    sd_event_unref(event);
}

static void without_a_manager_nothing_is_done(void **state)
{
    (void)state;
    assert_int_equal(unsetenv("NOTIFY_SOCKET"), 0);
    assert_int_equal(unsetenv("WATCHDOG_USEC"), 0);
    service_ready("unheard");
    sd_event *event = NULL;
    assert_true(sd_event_new(&event) >= 0);
    assert_int_equal(service_watch(event), 0);
    sd_event_unref(event);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ready_and_stopping_are_told_with_a_text),
        cmocka_unit_test(the_loop_says_that_it_turns),
        cmocka_unit_test(without_a_manager_nothing_is_done),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}

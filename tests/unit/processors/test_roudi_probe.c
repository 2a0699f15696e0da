// SPDX-License-Identifier: Apache-2.0
// Whether RouDi can be joined, told by a socket and a lock like RouDi's in a folder of the test.
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "processors/iceoryx/roudi_probe.h"

#define NOBODY 65534

struct place {
    char folder[64];
    char socket_path[96];
    char lock_path[96];
    int socket;
    int lock;
};

static int set_up(void **state)
{
    struct place *place = calloc(1, sizeof *place);
    assert_non_null(place);
    snprintf(place->folder, sizeof place->folder, "/tmp/sb-roudi-XXXXXX");
    assert_non_null(mkdtemp(place->folder));
    assert_int_equal(chmod(place->folder, 0755), 0);
    snprintf(place->socket_path, sizeof place->socket_path, "%s/roudi", place->folder);
    snprintf(place->lock_path, sizeof place->lock_path, "%s/iox-unique-roudi.lock", place->folder);
    place->socket = -1;
    place->lock = -1;
    *state = place;
    return 0;
}

static int tear_down(void **state)
{
    struct place *place = *state;
    close(place->socket);
    close(place->lock);
    unlink(place->socket_path);
    unlink(place->lock_path);
    rmdir(place->folder);
    free(place);
    return 0;
}

static void open_socket(struct place *place)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    memcpy(address.sun_path, place->socket_path, strlen(place->socket_path) + 1);
    place->socket = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(place->socket, (const struct sockaddr *)&address, sizeof address), 0);
}

static void take_lock(struct place *place)
{
    place->lock = open(place->lock_path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    assert_true(place->lock >= 0);
    assert_int_equal(flock(place->lock, LOCK_EX | LOCK_NB), 0);
}

static void nothing_there_is_absent(void **state)
{
    struct place *place = *state;
    int pidfd = -1;
    assert_int_equal(roudi_probe_look(place->folder, &pidfd), ROUDI_ABSENT);
    take_lock(place);
    assert_int_equal(roudi_probe_look(place->folder, &pidfd), ROUDI_ABSENT);
    assert_int_equal(pidfd, -1);
}

static void a_socket_that_a_dead_one_left_behind_is_absent(void **state)
{
    struct place *place = *state;
    int pidfd = -1;
    open_socket(place);
    close(place->socket);
    place->socket = -1;
    take_lock(place);
    assert_int_equal(access(place->socket_path, F_OK), 0);
    assert_int_equal(roudi_probe_look(place->folder, &pidfd), ROUDI_ABSENT);
}

static void one_that_has_no_pid_here_is_elsewhere(void **state)
{
    struct place *place = *state;
    int pidfd = -1;
    open_socket(place);
    assert_int_equal(roudi_probe_look(place->folder, &pidfd), ROUDI_ELSEWHERE);
    take_lock(place);
    assert_int_equal(flock(place->lock, LOCK_UN), 0);
    assert_int_equal(roudi_probe_look(place->folder, &pidfd), ROUDI_ELSEWHERE);
    assert_int_equal(pidfd, -1);
}

static void one_that_lives_is_there_and_can_be_watched(void **state)
{
    struct place *place = *state;
    int pidfd = -1;
    open_socket(place);
    take_lock(place);
    assert_int_equal(roudi_probe_look(place->folder, &pidfd), ROUDI_THERE);
    assert_true(pidfd >= 0);
    struct pollfd end = {.fd = pidfd, .events = POLLIN};
    assert_int_equal(poll(&end, 1, 0), 0);
    close(pidfd);
}

static void one_that_may_not_be_talked_to_is_denied(void **state)
{
    struct place *place = *state;
    int pidfd = -1;
    open_socket(place);
    take_lock(place);
    assert_int_equal(chmod(place->socket_path, 0), 0);
    // Root may talk to everybody.
    bool is_root = geteuid() == 0;
    assert_int_equal(is_root ? seteuid(NOBODY) : 0, 0);
    enum roudi_state found = roudi_probe_look(place->folder, &pidfd);
    assert_int_equal(is_root ? seteuid(0) : 0, 0);
    assert_int_equal(found, ROUDI_DENIED);
}

static void every_state_has_its_text(void **state)
{
    (void)state;
    assert_string_equal(roudi_probe_text(ROUDI_ABSENT), "no RouDi is running");
    assert_string_equal(roudi_probe_text(ROUDI_THERE), "RouDi is running");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(nothing_there_is_absent, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_socket_that_a_dead_one_left_behind_is_absent, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(one_that_has_no_pid_here_is_elsewhere, set_up, tear_down),
        cmocka_unit_test_setup_teardown(one_that_lives_is_there_and_can_be_watched, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(one_that_may_not_be_talked_to_is_denied, set_up, tear_down),
        cmocka_unit_test(every_state_has_its_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

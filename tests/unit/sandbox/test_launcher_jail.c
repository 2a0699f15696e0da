// SPDX-License-Identifier: Apache-2.0
// test: timeout=120
// Processes in a real sandbox, started by a real launcher: what they can do, and how their ends are
// told. R-SAND-001 R-SAND-002 R-SAND-004 R-SAND-005 R-SAND-009 R-SAND-010 R-SAND-011 R-SAND-013
#include "unit/sandbox/launcher_fixture.h"

#include <limits.h>
#include <linux/audit.h>
#include <sys/pidfd.h>

#include "base/search.h"
#include "sandbox/filter.h"
#include "sandbox/launcher_jail.h"
#include "sandbox/launcher_uid.h"
#include "sandbox/sealed_copy.h"

enum { KILL_ROUNDS = 40, GONE_MS = 2000, LOOK_ROUNDS = 1000, FAMILY_MAX = 16 };

static struct launcher *launcher;
static uint8_t *filter;
static size_t filter_bytes;
static uint32_t next_serial;
static enum sandbox_again again;
static uint64_t tmpfs_bytes = 1 << 20;

// What a worker did, and what it wrote.
struct life {
    struct launch_event spawned;
    struct launch_event end;  // EXITED or FAILED
    char output[4096];
};

static int seal(const char *path)
{
    int file = open(path, O_RDONLY | O_CLOEXEC);
    assert_true(file >= 0);
    int fd = -1;
    uint64_t size_bytes;
    assert_int_equal(sealed_copy(file, 1U << 30, &fd, &size_bytes), 0);
    close(file);
    return fd;
}

static void fill_plan(struct sandbox_plan *plan, int program_fd)
{
    static const struct sandbox_bind binds[] = {
        {SANDBOX_BIND_EXECUTE, -1, "/usr", "/usr"},
        {SANDBOX_BIND_READ, -1, "/etc/ld.so.cache", "/etc/ld.so.cache"},
        {SANDBOX_BIND_DEVICE, -1, "/dev/null", "/dev/null"},
    };
    *plan = (struct sandbox_plan){.tier = SANDBOX_UNTRUSTED,
                                  .again = again,
                                  .tmpfs_bytes = tmpfs_bytes,
                                  .rootfs_fd = -1,
                                  .program_fd = program_fd,
                                  .filter = filter,
                                  .filter_bytes = filter_bytes};
    memcpy(plan->binds, binds, sizeof binds);
    plan->bind_count = 3;
    plan->rlimits[0] = (struct sandbox_rlimit){RLIMIT_NOFILE, 64};
    plan->rlimit_count = 1;
}

// Starts the program; its output comes from the returned pipe.
static int spawn(const char *program, const char *const *arguments, uint32_t serial)
{
    int program_fd = seal(program);
    struct sandbox_plan sandbox;
    fill_plan(&sandbox, program_fd);
    int output[2];
    assert_int_equal(pipe2(output, O_CLOEXEC), 0);
    const struct launch_plan plan = {.path = program,
                                     .arguments = arguments,
                                     .control_fd = -1,
                                     .stdout_fd = output[1],
                                     .stderr_fd = output[1],
                                     .sandbox = &sandbox};
    assert_int_equal(launcher_spawn(launcher, &plan, serial), 0);
    close(output[1]);
    close(program_fd);
    return output[0];
}

static int spawn_shell(const char *command, uint32_t serial)
{
    return spawn("/bin/sh", (const char *const[]){"sh", "-c", command, NULL}, serial);
}

static void run_program(const char *program, const char *const *arguments, struct life *life)
{
    int output = spawn(program, arguments, ++next_serial);
    life->spawned = fixture_spawned(launcher);
    fixture_read_all(output, life->output, sizeof life->output);
    life->end = fixture_exited(launcher);
    close(output);
    close(life->spawned.pidfd);
}

static void run(const char *command, struct life *life)
{
    run_program("/bin/sh", (const char *const[]){"sh", "-c", command, NULL}, life);
}

static int start(void **state)
{
    (void)state;
#ifdef SB_SANITIZE_NAME
    print_message("skipped: the sanitizers need /proc, which no sandbox has\n");
    exit(77);
#endif
    char folder[PATH_MAX];
    char shim[PATH_MAX + 32];
    struct diag why = {.text = ""};
    if (search_beside_program("../../../libexec", folder) != 0 ||
        filter_compile("c", 0, &filter, &filter_bytes, &why) != 0) {
        print_error("%s\n", why.text);
        return -1;
    }
    snprintf(shim, sizeof shim, "%s/streambroker-shim", folder);
    launcher_jail_set_shim(shim);
    if (launcher_jail_missing_walls() != 0) {
        print_message("skipped: walls are missing on this machine: %x\n",
                      (unsigned)launcher_jail_missing_walls());
        exit(77);
    }
    return launcher_start(&launcher);
}

static int stop(void **state)
{
    (void)state;
    free(filter);
    return launcher_stop(launcher);
}

static void exit_codes_and_signals_come_through_exactly(void **state)
{
    (void)state;
    static const int codes[] = {0, 1, 75, 78, 125, 137};
    struct life life;
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        char command[32];
        snprintf(command, sizeof command, "exit %d", codes[i]);
        run(command, &life);
        assert_true(WIFEXITED(life.end.wait_status));
        assert_int_equal(WEXITSTATUS(life.end.wait_status), codes[i]);
        assert_int_equal(life.end.pid, life.spawned.pid);
        assert_int_equal(life.end.denied_call, -1);
    }
}

static void a_crash_is_not_an_exit_code(void **state)
{
    (void)state;
    static const char *const numbers[] = {"6", "11", "15"};
    for (size_t i = 0; i < 3; i++) {
        const char *const arguments[] = {fixture_program, "signal", numbers[i], NULL};
        struct life life;
        run_program(fixture_program, arguments, &life);
        assert_true(WIFSIGNALED(life.end.wait_status));
        assert_int_equal(WTERMSIG(life.end.wait_status), strtol(numbers[i], NULL, 10));
    }
}

static void it_sees_nothing_of_the_machine(void **state)
{
    (void)state;
    struct life life;
    run("for f in /etc/passwd /proc/1/environ /root /home /work /dev/tty /sys; do"
        " test -e $f && echo seen $f; done; set; echo done",
        &life);
    assert_null(strstr(life.output, "seen"));
    assert_non_null(strstr(life.output, "done\n"));
    assert_null(strstr(life.output, "HOME="));
    assert_null(strstr(life.output, "SB_BUILD_DIR"));
}

static void it_can_write_nowhere_but_in_its_own_tmp(void **state)
{
    (void)state;
    struct life life;
    run("for d in / /usr /dev /etc /shim; do { echo x > $d/x; } 2>/dev/null && echo wrote $d; done;"
        "echo x > /tmp/x && echo tmp",
        &life);
    assert_string_equal(life.output, "tmp\n");
    // And there no more than it was given.
    run("while echo 0123456789012345678901234567890123456789012345678901234567890123456789;"
        "do :; done 2>/dev/null > /tmp/x; echo full",
        &life);
    assert_string_equal(life.output, "full\n");
}

static void it_can_start_no_other_program(void **state)
{
    (void)state;
    struct life life;
    run("exec /usr/bin/id", &life);
    assert_null(strstr(life.output, "uid="));
    assert_true(WIFEXITED(life.end.wait_status) && WEXITSTATUS(life.end.wait_status) != 0);
}

static void it_has_a_user_of_its_own_where_the_launcher_may_give_one(void **state)
{
    (void)state;
    uid_t uid = 0;
    int claim = -1;
    int output = spawn_shell("read x < /dev/null; while :; do :; done", ++next_serial);
    struct launch_event spawned = fixture_spawned(launcher);
    char path[64];
    snprintf(path, sizeof path, "/proc/%d", (int)spawned.pid);
    struct stat info;
    assert_int_equal(stat(path, &info), 0);
    if (launcher_uid_claim(&uid, &claim) == 0) {
        close(claim);
        assert_true(spawned.uid >= LAUNCHER_UID_FIRST && spawned.uid <= LAUNCHER_UID_LAST);
        assert_int_equal(info.st_uid, spawned.uid);
    } else {
        assert_int_equal(spawned.uid, 0);
    }
    assert_int_equal(pidfd_send_signal(spawned.pidfd, SIGKILL, NULL, 0), 0);
    struct launch_event end = fixture_exited(launcher);
    assert_true(WIFSIGNALED(end.wait_status) && WTERMSIG(end.wait_status) == SIGKILL);
    close(output);
    close(spawned.pidfd);
}

static void a_program_that_is_none_is_a_failure_with_its_step(void **state)
{
    (void)state;
    int output = spawn("/etc/hostname", (const char *const[]){"hostname", NULL}, ++next_serial);
    struct launch_event spawned = fixture_spawned(launcher);
    close(spawned.pidfd);
    struct launch_event event = fixture_event(launcher);
    assert_int_equal(event.kind, LAUNCH_FAILED);
    assert_int_equal(event.step, LAUNCH_STEP_EXECUTE);
    assert_int_equal(event.error, -ENOEXEC);
    close(output);
}

#if defined(__x86_64__)
// As a program for i386 would do it.
static int call_as_i386(const char *number)
{
    long result = strtol(number, NULL, 10);
    __asm__ volatile("int $0x80" : "+a"(result) : : "memory");
    return result > 0 ? 0 : 1;
}

static void a_call_of_another_architecture_is_the_end_and_is_named(void **state)
{
    (void)state;
    const char *const arguments[] = {fixture_program, "int80", "20", NULL};
    struct life life;
    run_program(fixture_program, arguments, &life);
    assert_int_equal(life.end.denied_call, 20);
    assert_int_equal(life.end.denied_arch, AUDIT_ARCH_I386);
    assert_true(WIFSIGNALED(life.end.wait_status));
}
#endif

// The pipe ends when the last process that holds it is gone.
static void assert_gone(int output)
{
    struct pollfd polled = {.fd = output, .events = POLLIN};
    char bytes[256];
    do {
        assert_int_equal(poll(&polled, 1, GONE_MS), 1);
    } while (read(output, bytes, sizeof bytes) > 0);
}

static void one_that_is_killed_at_any_moment_of_its_start_leaves_nothing(void **state)
{
    (void)state;
    for (unsigned round = 0; round < KILL_ROUNDS; round++) {
        uint32_t serial = ++next_serial;
        int output = spawn_shell("while :; do :; done", serial);
        // Up to 8 ms of its start, by waiting on something that does not come.
        struct pollfd polled = {.fd = output, .events = POLLIN};
        poll(&polled, 1, (int)(round % 9));
        again = round % 2 == 0 ? SANDBOX_AGAIN_SOON : SANDBOX_ONCE;
        assert_int_equal(launcher_kill(launcher, serial), 0);
        struct launch_event event = fixture_event(launcher);
        if (event.kind == LAUNCH_SPAWNED) {
            close(event.pidfd);
            event = fixture_event(launcher);
        }
        assert_true(event.kind == LAUNCH_EXITED || event.kind == LAUNCH_FAILED);
        assert_gone(output);
        close(output);
    }
}

// --- Sandboxes that are made before they are wanted -------------------------------------------

// The children of a process.
static size_t list_children(pid_t parent, pid_t out_pids[FAMILY_MAX])
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/task/%d/children", (int)parent, (int)parent);
    FILE *file = fopen(path, "re");
    size_t count = 0;
    int pid;
    while (file != NULL && count < FAMILY_MAX && fscanf(file, "%d", &pid) == 1) {
        out_pids[count++] = pid;
    }
    if (file != NULL) {
        fclose(file);
    }
    return count;
}

static pid_t parent_of(pid_t pid)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    FILE *file = fopen(path, "re");
    int parent = 0;
    assert_non_null(file);
    assert_int_equal(fscanf(file, "%*d (%*[^)]) %*c %d", &parent), 1);
    fclose(file);
    return parent;
}

// The first process of the one sandbox that there is, as soon as the shim is in it.
static pid_t wait_for_spare(void)
{
    pid_t firsts[FAMILY_MAX];
    pid_t inside[FAMILY_MAX];
    for (int i = 0; i < LOOK_ROUNDS; i++) {
        if (list_children(launcher_pid(launcher), firsts) == 1 &&
            list_children(firsts[0], inside) == 1) {
            return firsts[0];
        }
        poll(NULL, 0, 10);
    }
    fail_msg("no sandbox waits");
    return 0;
}

// Runs a worker until it is killed. Returns the first process of its sandbox: bwrap, before the
// shim and the worker.
static pid_t run_and_kill(uid_t *out_uid)
{
    int output = spawn_shell("while :; do :; done", ++next_serial);
    struct launch_event spawned = fixture_spawned(launcher);
    pid_t first = parent_of(parent_of(spawned.pid));
    *out_uid = spawned.uid;
    assert_int_equal(pidfd_send_signal(spawned.pidfd, SIGKILL, NULL, 0), 0);
    assert_int_equal(fixture_exited(launcher).pid, spawned.pid);
    close(output);
    close(spawned.pidfd);
    return first;
}

static void one_that_was_made_before_is_used_by_the_next_of_its_shape_and_once(void **state)
{
    (void)state;
    uid_t uids[3];
    again = SANDBOX_AGAIN_SOON;
    run_and_kill(&uids[0]);
    pid_t spare = wait_for_spare();
    assert_int_equal(run_and_kill(&uids[1]), spare);
    assert_int_not_equal(wait_for_spare(), spare);
    // Another shape: it gets a sandbox of its own, and the one that waits goes on waiting.
    spare = wait_for_spare();
    again = SANDBOX_ONCE;
    tmpfs_bytes *= 2;
    assert_int_not_equal(run_and_kill(&uids[2]), spare);
    assert_int_equal(wait_for_spare(), spare);
    tmpfs_bytes /= 2;
    assert_int_equal(run_and_kill(&uids[2]), spare);
    assert_true(uids[0] == 0 || (uids[0] != uids[1] && uids[1] != uids[2] && uids[0] != uids[2]));
}

static void one_that_dies_while_it_waits_is_nobodys_failure(void **state)
{
    (void)state;
    uid_t uid;
    again = SANDBOX_AGAIN_SOON;
    run_and_kill(&uid);
    for (int i = 0; i < 10; i++) {
        pid_t spare = wait_for_spare();
        assert_int_equal(kill(spare, SIGKILL), 0);
        for (int j = 0; j < LOOK_ROUNDS && kill(spare, 0) == 0; j++) {
            poll(NULL, 0, 10);
        }
        assert_int_not_equal(run_and_kill(&uid), spare);
    }
    again = SANDBOX_ONCE;
}

static void one_that_waits_is_made_later_when_that_is_enough(void **state)
{
    (void)state;
    uid_t uid;
    again = SANDBOX_AGAIN_LATER;
    tmpfs_bytes *= 4;
    run_and_kill(&uid);
    pid_t pids[FAMILY_MAX];
    size_t before = list_children(launcher_pid(launcher), pids);
    for (int i = 0; i < LOOK_ROUNDS && list_children(launcher_pid(launcher), pids) == before; i++) {
        poll(NULL, 0, 10);
    }
    assert_int_equal(list_children(launcher_pid(launcher), pids), before + 1);
    pid_t first = run_and_kill(&uid);
    bool is_known = false;
    for (size_t i = 0; i <= before; i++) {
        is_known = is_known || pids[i] == first;
    }
    assert_true(is_known);
    again = SANDBOX_ONCE;
    tmpfs_bytes /= 4;
}

static void those_that_wait_go_with_the_launcher(void **state)
{
    (void)state;
    uid_t uid;
    again = SANDBOX_AGAIN_SOON;
    run_and_kill(&uid);
    again = SANDBOX_ONCE;
    pid_t pids[FAMILY_MAX];
    pid_t inside[FAMILY_MAX];
    size_t count = list_children(launcher_pid(launcher), pids);
    assert_true(count >= 1);
    assert_int_equal(launcher_stop(launcher), 0);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(list_children(pids[i], inside), 0);
        assert_int_equal(kill(pids[i], 0), -1);
    }
    assert_int_equal(launcher_start(&launcher), 0);
}

int main(int argc, char **argv)
{
    int status;
#if defined(__x86_64__)
    if (argc == 3 && strcmp(argv[1], "int80") == 0) {
        return call_as_i386(argv[2]);
    }
#endif
    if (fixture_is_child(argc, argv, &status)) {
        return status;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(exit_codes_and_signals_come_through_exactly),
        cmocka_unit_test(a_crash_is_not_an_exit_code),
        cmocka_unit_test(it_sees_nothing_of_the_machine),
        cmocka_unit_test(it_can_write_nowhere_but_in_its_own_tmp),
        cmocka_unit_test(it_can_start_no_other_program),
        cmocka_unit_test(it_has_a_user_of_its_own_where_the_launcher_may_give_one),
        cmocka_unit_test(a_program_that_is_none_is_a_failure_with_its_step),
#if defined(__x86_64__)
        cmocka_unit_test(a_call_of_another_architecture_is_the_end_and_is_named),
#endif
        cmocka_unit_test(one_that_is_killed_at_any_moment_of_its_start_leaves_nothing),
        cmocka_unit_test(one_that_was_made_before_is_used_by_the_next_of_its_shape_and_once),
        cmocka_unit_test(one_that_dies_while_it_waits_is_nobodys_failure),
        cmocka_unit_test(those_that_wait_go_with_the_launcher),
        cmocka_unit_test(one_that_waits_is_made_later_when_that_is_enough),
    };
    return cmocka_run_group_tests(tests, start, stop);
}

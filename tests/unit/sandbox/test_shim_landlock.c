// SPDX-License-Identifier: Apache-2.0
// Landlock, tried in a process of its own. R-SAND-008
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sandbox/plan.h"
#include "sandbox/shim_landlock.h"

#define CASE(name) cmocka_unit_test(name)

static char folder[64];

static int open_below(const char *name, int flags)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return open(path, flags, 0600) >= 0 ? 0 : errno;
}

// What the child finds, as the number of the first thing that is not as it should be.
static int try_all(void)
{
    char read[128];
    char written[128];
    snprintf(read, sizeof read, "%s/read", folder);
    snprintf(written, sizeof written, "%s/written", folder);
    const struct shim_landlock_rule rules[] = {{SANDBOX_BIND_READ, read},
                                               {SANDBOX_BIND_WRITE, written},
                                               {SANDBOX_BIND_EXECUTE, "/usr"},
                                               {SANDBOX_BIND_DEVICE, "/dev/null"},
                                               {SANDBOX_BIND_READ, "/no/such/path"}};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || shim_landlock_enter(rules, 5, false) != 0) {
        return 1;
    }
    if (open_below("read/file", O_RDONLY) != 0 || open_below("read/file", O_WRONLY) != EACCES ||
        open_below("read/new", O_WRONLY | O_CREAT) != EACCES) {
        return 2;
    }
    if (open_below("written/file", O_RDWR) != 0 ||
        open_below("written/new", O_WRONLY | O_CREAT) != 0) {
        return 3;
    }
    if (open_below("other/file", O_RDONLY) != EACCES || open("/etc/passwd", O_RDONLY) >= 0) {
        return 4;
    }
    if (open("/usr/bin/true", O_RDONLY) < 0 || open("/dev/null", O_RDWR) < 0) {
        return 5;
    }
    // Once more narrows it further.
    return shim_landlock_enter(NULL, 0, false) == 0 && open("/usr/bin/true", O_RDONLY) < 0 ? 0 : 6;
}

static void only_what_the_rules_name_is_reached(void **state)
{
    (void)state;
    if (shim_landlock_version() == 0) {
        print_message("skipped: this kernel has no Landlock\n");
        skip();
    }
    pid_t pid = fork();
    if (pid == 0) {
        _exit(try_all());
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

static int make_folder(void **state)
{
    (void)state;
    snprintf(folder, sizeof folder, "/tmp/landlock.XXXXXX");
    if (mkdtemp(folder) == NULL) {
        return -1;
    }
    static const char *const names[] = {"read", "written", "other"};
    for (size_t i = 0; i < 3; i++) {
        char path[128];
        snprintf(path, sizeof path, "%s/%s", folder, names[i]);
        mkdir(path, 0700);
        snprintf(path, sizeof path, "%s/%s/file", folder, names[i]);
        close(open(path, O_WRONLY | O_CREAT, 0600));
    }
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    static const char *const names[] = {"read/file", "written/file", "written/new", "other/file",
                                        "read",      "written",      "other",       "."};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char path[128];
        snprintf(path, sizeof path, "%s/%s", folder, names[i]);
        if (unlink(path) < 0) {
            rmdir(path);
        }
    }
    rmdir(folder);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {CASE(only_what_the_rules_name_is_reached)};
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}

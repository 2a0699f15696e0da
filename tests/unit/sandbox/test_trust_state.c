// SPDX-License-Identifier: Apache-2.0
// Versions are remembered, never lowered, and replaced as a whole.
#include <sys/wait.h>

#include "unit/sandbox/signing.h"

#include "sandbox/trust_state.h"

static char folder[64];
static char inner[96];
static struct diag why;

static int setup(void **state)
{
    (void)state;
    snprintf(folder, sizeof folder, "/tmp/trust-state.XXXXXX");
    if (mkdtemp(folder) == NULL) {
        return -1;
    }
    snprintf(inner, sizeof inner, "%s/a/b", folder);
    why.text[0] = '\0';
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    remove_folder(folder);
    return 0;
}

static struct trust_version version_of(const char *text)
{
    struct trust_version version;
    assert_int_equal(trust_version_read(text, strlen(text), &version), 0);
    return version;
}

static int raise_to(const char *name, const char *text)
{
    struct trust_version version = version_of(text);
    return trust_state_raise(inner, name, &version, &why);
}

static void assert_newest(const char *name, const char *text)
{
    struct trust_version found;
    char bytes[TRUST_VERSION_TEXT_BYTES];
    assert_int_equal(trust_state_find(inner, name, &found, &why), 0);
    trust_version_text(&found, bytes);
    assert_string_equal(bytes, text);
}

static void the_newest_version_of_each_name_is_remembered(void **state)
{
    (void)state;
    struct trust_version found;
    assert_int_equal(trust_state_find(inner, "blur", &found, &why), -ENOENT);
    assert_int_equal(raise_to("blur", "1.2"), 0);
    assert_int_equal(raise_to("gain", "3.0"), 0);
    assert_int_equal(raise_to("blur", "1.10"), 0);
    assert_int_equal(raise_to("blur", "1.9"), 0);
    assert_newest("blur", "1.10");
    assert_newest("gain", "3.0");
    assert_int_equal(trust_state_find(inner, "blu", &found, &why), -ENOENT);
}

static void a_damaged_or_foreign_file_is_an_error(void **state)
{
    (void)state;
    struct trust_version found;
    char path[128];
    assert_int_equal(raise_to("blur", "1.2"), 0);
    snprintf(path, sizeof path, "%s/versions", inner);
    static const char *const wrong[] = {"blur 1.2", "blur\n", "blur 1.2\nx\n", "blur  1.2\n"};
    for (size_t i = 0; i < 4; i++) {
        put_file(path, wrong[i], strlen(wrong[i]), 0600);
        assert_int_equal(trust_state_find(inner, "blur", &found, &why), -EBADMSG);
        assert_non_null(strstr(why.text, path));
        assert_int_equal(raise_to("blur", "2"), -EBADMSG);
    }
    put_file(path, "blur 1.2\n", 9, 0666);
    assert_int_equal(trust_state_find(inner, "blur", &found, &why), -EPERM);
    assert_int_equal(raise_to("blur", "2"), -EPERM);
}

static void what_a_crash_left_half_written_is_replaced(void **state)
{
    (void)state;
    char path[128];
    assert_int_equal(raise_to("blur", "1.2"), 0);
    snprintf(path, sizeof path, "%s/versions.new", inner);
    put_file(path, "blur 9", 6, 0600);
    assert_newest("blur", "1.2");
    assert_int_equal(raise_to("blur", "1.3"), 0);
    assert_newest("blur", "1.3");
    assert_int_equal(access(path, F_OK), -1);
}

static void many_at_once_lose_nothing(void **state)
{
    (void)state;
    enum { WRITERS = 8, ROUNDS = 20 };
    for (int i = 0; i < WRITERS; i++) {
        pid_t pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
            int failed = 0;
            for (int round = 1; round <= ROUNDS && failed == 0; round++) {
                char name[16];
                char text[16];
                snprintf(name, sizeof name, "n%d", i);
                snprintf(text, sizeof text, "1.%d", round);
                struct trust_version version;
                trust_version_read(text, strlen(text), &version);
                failed = trust_state_raise(inner, name, &version, &why);
            }
            _exit(failed == 0 ? 0 : 1);
        }
    }
    for (int i = 0; i < WRITERS; i++) {
        int status = 1;
        assert_true(wait(&status) > 0);
        assert_int_equal(status, 0);
    }
    for (int i = 0; i < WRITERS; i++) {
        char name[16];
        snprintf(name, sizeof name, "n%d", i);
        assert_newest(name, "1.20");
    }
}

static void the_folder_comes_from_the_environment(void **state)
{
    (void)state;
    char path[PATH_MAX];
    setenv("STATE_DIRECTORY", "/one:/two", 1);
    assert_int_equal(trust_state_folder(path), 0);
    assert_string_equal(path, "/one");
    unsetenv("STATE_DIRECTORY");
    if (geteuid() == 0) {
        assert_int_equal(trust_state_folder(path), 0);
        assert_string_equal(path, "/var/lib/streambroker");
        return;
    }
    setenv("XDG_STATE_HOME", "/state", 1);
    assert_int_equal(trust_state_folder(path), 0);
    assert_string_equal(path, "/state/streambroker");
    unsetenv("XDG_STATE_HOME");
    setenv("HOME", "/home/x", 1);
    assert_int_equal(trust_state_folder(path), 0);
    assert_string_equal(path, "/home/x/.local/state/streambroker");
    unsetenv("HOME");
    assert_int_equal(trust_state_folder(path), -ENOENT);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        CASE(the_newest_version_of_each_name_is_remembered),
        CASE(a_damaged_or_foreign_file_is_an_error),
        CASE(what_a_crash_left_half_written_is_replaced),
        CASE(many_at_once_lose_nothing),
        CASE(the_folder_comes_from_the_environment),
    };
#undef CASE
    return cmocka_run_group_tests(tests, NULL, NULL);
}

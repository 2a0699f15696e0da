// SPDX-License-Identifier: Apache-2.0
// test: timeout=120
// Programs are judged on sealed bytes: every way to be wrong has a verdict of its own, and a file
// that is swapped all the time never runs unsigned.
#include <pthread.h>
#include <stdatomic.h>
#include <sys/utsname.h>
#include <sys/wait.h>

#include "unit/sandbox/signing.h"

#include "base/cleanup.h"
#include "sandbox/trust.h"

#define GOOD "#!/bin/sh\nexit 7\n"
#define BAD "#!/bin/sh\nexit 8\n"
#define COMMENT "streambroker1 name=blur version=1.2.0 arch=any"
#define RACES 1000

static char folder[64];
static char install[96];
static char program[96];
static char signature[112];
static char state_folder[96];
static struct signer signer;
static struct trust *trust;

static void put_key(const struct signer *whose, const char *name)
{
    char text[256];
    char path[160];
    snprintf(path, sizeof path, "%s/keys/%s", folder, name);
    signer_key_file(whose, text, sizeof text);
    put_file(path, text, strlen(text), 0644);
}

static void add_keys(void)
{
    struct diag why = {.text = ""};
    char path[128];
    snprintf(path, sizeof path, "%s/keys", folder);
    assert_int_equal(trust_add_keys(trust, path, &why), 0);
}

static int setup(void **state)
{
    (void)state;
    snprintf(folder, sizeof folder, "/tmp/trust.XXXXXX");
    if (sodium_init() < 0 || mkdtemp(folder) == NULL) {
        return -1;
    }
    char keys[96];
    snprintf(keys, sizeof keys, "%s/keys", folder);
    snprintf(install, sizeof install, "%s/libexec", folder);
    snprintf(program, sizeof program, "%s/blur", folder);
    snprintf(signature, sizeof signature, "%s/blur.minisig", folder);
    snprintf(state_folder, sizeof state_folder, "%s/state", folder);
    if (mkdir(keys, 0700) < 0 || mkdir(install, 0755) < 0 ||
        trust_create(install, state_folder, &trust) != 0) {
        return -1;
    }
    signer = signer_make(1);
    put_key(&signer, "one.pub");
    add_keys();
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    trust_destroy(trust);
    remove_folder(folder);
    return 0;
}

static void put_program(const char *content)
{
    put_file(program, content, strlen(content), 0755);
}

static void put_signature(const struct signer *whose, const char *content, const char *comment)
{
    char text[16384];
    signer_sign(whose, "ED", content, strlen(content), comment, text, sizeof text);
    put_file(signature, text, strlen(text), 0644);
}

static enum trust_verdict look(char text[DIAG_TEXT_BYTES_MAX])
{
    struct trust_program found;
    trust_look(trust, program, "blur", &found);
    if (found.memfd >= 0) {
        close(found.memfd);
    }
    memcpy(text, found.text, DIAG_TEXT_BYTES_MAX);
    assert_true(text[0] != '\0');
    return found.verdict;
}

static void assert_verdict(enum trust_verdict verdict, const char *detail)
{
    char text[DIAG_TEXT_BYTES_MAX];
    assert_int_equal(look(text), verdict);
    assert_non_null(strstr(text, detail));
}

static void a_signed_program_is_good_and_says_by_whom(void **state)
{
    (void)state;
    put_program(GOOD);
    put_signature(&signer, GOOD, COMMENT);
    assert_verdict(TRUST_GOOD, "key 101010101010101, name blur, version 1.2,");
}

// R-SIGN-004
static void each_thing_that_is_wrong_has_a_verdict_of_its_own(void **state)
{
    (void)state;
    assert_verdict(TRUST_UNREADABLE, "No such file");
    put_program(GOOD);
    assert_verdict(TRUST_UNSIGNED, "there is no blur.minisig");
    put_signature(&signer, GOOD, COMMENT);
    put_program(BAD);
    assert_verdict(TRUST_CHANGED, "");
    put_program("");
    assert_verdict(TRUST_EMPTY, "");
    put_program(GOOD);
    struct signer stranger = signer_make(2);
    put_signature(&stranger, GOOD, COMMENT);
    assert_verdict(TRUST_UNKNOWN_KEY, "202020202020202");
    // The id of a trusted key, and the signature of somebody else.
    struct signer forger = signer_make(1);
    put_signature(&forger, GOOD, COMMENT);
    assert_verdict(TRUST_SIGNATURE_CHANGED, "");
    put_signature(&signer, GOOD, "timestamp:1\tfile:blur");
    assert_verdict(TRUST_COMMENT_GRAMMAR, "");
    put_signature(&signer, GOOD, "streambroker1 name=gain version=1.2.0 arch=any");
    assert_verdict(TRUST_OTHER_NAME, "signed as 'gain', and used as 'blur'");
    put_signature(&signer, GOOD, "streambroker1 name=blur version=1.2.0 arch=vax");
    assert_verdict(TRUST_OTHER_ARCH, "vax, and this is ");
}

static void files_that_are_no_programs_or_no_signatures_are_refused(void **state)
{
    (void)state;
    assert_int_equal(mkfifo(program, 0755), 0);
    assert_verdict(TRUST_NOT_A_FILE, "");
    put_program(GOOD);
    assert_int_equal(mkfifo(signature, 0644), 0);
    assert_verdict(TRUST_SIGNATURE_UNREADABLE, "");
    put_file(signature, "", 0, 0644);
    assert_verdict(TRUST_SIGNATURE_EMPTY, "");
    char *text = calloc(1, 20000);
    memset(text, 'x', 19999);
    put_file(signature, text, 19999, 0644);
    free(text);
    assert_verdict(TRUST_SIGNATURE_LONG, "");
    // Two gigabytes, none of them on the disk.
    assert_int_equal(truncate(program, (off_t)2 << 30), 0);
    assert_verdict(TRUST_TOO_LARGE, "more than 512 MiB");
}

static void the_architecture_of_this_machine_is_good(void **state)
{
    (void)state;
    struct utsname system_name;
    uname(&system_name);
    char comment[128];
    snprintf(comment, sizeof comment, "streambroker1 name=blur version=1 arch=%s",
             system_name.machine);
    put_program(GOOD);
    put_signature(&signer, GOOD, comment);
    assert_verdict(TRUST_GOOD, system_name.machine);
}

static void a_revoked_key_is_refused_although_it_is_there(void **state)
{
    (void)state;
    put_program(GOOD);
    put_signature(&signer, GOOD, COMMENT);
    char path[128];
    snprintf(path, sizeof path, "%s/keys/revoked", folder);
    put_file(path, "0101010101010101\n", 17, 0644);
    add_keys();
    assert_verdict(TRUST_REVOKED, "101010101010101");
}

// R-SIGN-006
static void an_older_version_than_one_that_ran_is_refused(void **state)
{
    (void)state;
    struct diag why = {.text = ""};
    struct trust_program found;
    put_program(GOOD);
    put_signature(&signer, GOOD, COMMENT);
    trust_look(trust, program, "blur", &found);
    assert_int_equal(found.verdict, TRUST_GOOD);
    close(found.memfd);
    assert_int_equal(trust_remember(trust, &found, &why), 0);
    assert_verdict(TRUST_GOOD, "");
    put_signature(&signer, GOOD, "streambroker1 name=blur version=1.1.9 arch=any");
    assert_verdict(TRUST_OLDER, "1.1.9, and 1.2 did");
    put_signature(&signer, GOOD, "streambroker1 name=blur version=1.10 arch=any");
    assert_verdict(TRUST_GOOD, "");
    char path[128];
    snprintf(path, sizeof path, "%s/versions", state_folder);
    put_file(path, "damage", 6, 0600);
    assert_verdict(TRUST_STATE, "damaged");
}

// R-SIGN-007
static void the_install_counts_as_signed_while_nobody_else_can_write_it(void **state)
{
    (void)state;
    struct trust_program found;
    char path[128];
    snprintf(path, sizeof path, "%s/blur", install);
    put_file(path, GOOD, strlen(GOOD), 0755);
    trust_look(trust, path, "blur", &found);
    assert_int_equal(found.verdict, TRUST_INSTALLED);
    assert_true(found.memfd >= 0);
    close(found.memfd);
    put_file(path, GOOD, strlen(GOOD), 0775);
    trust_look(trust, path, "blur", &found);
    assert_int_equal(found.verdict, TRUST_INSTALL_WRITABLE);
    close(found.memfd);
    put_file(path, GOOD, strlen(GOOD), 0755);
    assert_int_equal(chmod(install, 0777), 0);
    trust_look(trust, path, "blur", &found);
    assert_int_equal(found.verdict, TRUST_INSTALL_WRITABLE);
    close(found.memfd);
    // A link in the install is no part of it.
    assert_int_equal(chmod(install, 0755), 0);
    put_program(BAD);
    unlink(path);
    assert_int_equal(symlink("../blur", path), 0);
    trust_look(trust, path, "blur", &found);
    assert_int_equal(found.verdict, TRUST_UNSIGNED);
    close(found.memfd);
}

// --- The race ---------------------------------------------------------------------------------

static atomic_bool is_racing;

// The file is replaced by another and put back, and then rewritten in place and put right again, as
// fast as it goes. The signature stays that of the good one.
static void *race(void *unused)
{
    (void)unused;
    char other[112];
    snprintf(other, sizeof other, "%s/other", folder);
    int fd = open(program, O_WRONLY | O_CLOEXEC);
    while (fd >= 0 && atomic_load(&is_racing)) {
        renameat2(AT_FDCWD, program, AT_FDCWD, other, RENAME_EXCHANGE);
        renameat2(AT_FDCWD, program, AT_FDCWD, other, RENAME_EXCHANGE);
        if (pwrite(fd, BAD, strlen(BAD), 0) < 0 || pwrite(fd, GOOD, strlen(GOOD), 0) < 0) {
            break;
        }
    }
    cleanup_fd(&fd);
    return NULL;
}

// The interpreter of a script in a memfd needs the descriptor, so it stays open over exec.
static int run_memfd(int memfd)
{
    pid_t pid = fork();
    if (pid == 0) {
        char *const arguments[] = {(char[]){"blur"}, NULL};
        char *const environment[] = {NULL};
        fcntl(memfd, F_SETFD, 0);
        execveat(memfd, "", arguments, environment, AT_EMPTY_PATH);
        _exit(99);
    }
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

// R-SIGN-005
static void a_file_that_is_swapped_all_the_time_never_runs_unsigned(void **state)
{
    (void)state;
    char other[112];
    snprintf(other, sizeof other, "%s/other", folder);
    put_program(GOOD);
    put_signature(&signer, GOOD, COMMENT);
    put_file(other, BAD, strlen(BAD), 0755);
    atomic_store(&is_racing, true);
    pthread_t racer;
    assert_int_equal(pthread_create(&racer, NULL, race, NULL), 0);
    int good = 0;
    int refused = 0;
    for (int i = 0; i < RACES; i++) {
        struct trust_program found;
        trust_look(trust, program, "blur", &found);
        if (found.verdict == TRUST_GOOD) {
            assert_int_equal(run_memfd(found.memfd), 7);
            good++;
        } else {
            assert_int_equal(found.verdict, TRUST_CHANGED);
            refused++;
        }
        close(found.memfd);
    }
    atomic_store(&is_racing, false);
    pthread_join(racer, NULL);
    print_message("of %d rounds %d ran what was signed, %d were refused\n", RACES, good, refused);
    assert_true(good > 0);
    assert_true(refused > 0);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        CASE(a_signed_program_is_good_and_says_by_whom),
        CASE(each_thing_that_is_wrong_has_a_verdict_of_its_own),
        CASE(files_that_are_no_programs_or_no_signatures_are_refused),
        CASE(the_architecture_of_this_machine_is_good),
        CASE(a_revoked_key_is_refused_although_it_is_there),
        CASE(an_older_version_than_one_that_ran_is_refused),
        CASE(the_install_counts_as_signed_while_nobody_else_can_write_it),
        CASE(a_file_that_is_swapped_all_the_time_never_runs_unsigned),
    };
#undef CASE
    return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: Apache-2.0
// Judges a program: its install, its signature, its key, its name, its architecture, its version.
#include "sandbox/trust.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <sodium.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/text.h"
#include "sandbox/sealed_copy.h"
#include "sandbox/trust_keys.h"
#include "sandbox/trust_owner.h"
#include "sandbox/trust_state.h"

enum { BLOCK_BYTES = 64 * 1024 };

struct trust {
    char *install;         // owned, may be NULL
    char state[PATH_MAX];  // "" = nowhere to remember
    char arch[sizeof(((struct utsname *)0)->machine)];
    struct trust_keys keys;
};

int trust_create(const char *install, const char *state, struct trust **out_trust)
{
    if (sodium_init() < 0) {
        return -ENOSYS;
    }
    struct trust *trust = calloc(1, sizeof *trust);
    if (trust == NULL) {
        return -ENOMEM;
    }
    struct utsname system;
    uname(&system);
    text_copy(trust->arch, sizeof trust->arch, system.machine);
    trust->install = install != NULL ? strdup(install) : NULL;
    if (install != NULL && trust->install == NULL) {
        free(trust);
        return -ENOMEM;
    }
    if (state != NULL) {
        text_copy(trust->state, sizeof trust->state, state);
    } else if (trust_state_folder(trust->state) != 0) {
        trust->state[0] = '\0';
    }
    *out_trust = trust;
    return 0;
}

void trust_destroy(struct trust *trust)
{
    if (trust != NULL) {
        free(trust->install);
        free(trust);
    }
}

int trust_add_keys(struct trust *trust, const char *path, struct diag *out_why)
{
    return trust_keys_add(&trust->keys, path, out_why);
}

static enum trust_verdict judge(struct trust_program *program, enum trust_verdict verdict)
{
    struct text text = TEXT_OVER(program->text);
    text_add(&text, trust_verdict_text(verdict));
    program->verdict = verdict;
    return verdict;
}

static enum trust_verdict judge_more(struct trust_program *program, enum trust_verdict verdict,
                                     const char *format, ...) __attribute__((format(printf, 3, 4)));

// With details behind a colon.
static enum trust_verdict judge_more(struct trust_program *program, enum trust_verdict verdict,
                                     const char *format, ...)
{
    struct text text = TEXT_OVER(program->text);
    text_add_format(&text, "%s: ", trust_verdict_text(verdict));
    va_list list;
    va_start(list, format);
    text_add_format_list(&text, format, list);
    va_end(list);
    program->verdict = verdict;
    return verdict;
}

// --- The bytes --------------------------------------------------------------------------------

static int hash_memfd(int fd, uint8_t out_hash[MINISIGN_HASH_BYTES])
{
    auto_free uint8_t *block = malloc(BLOCK_BYTES);
    if (block == NULL) {
        return -ENOMEM;
    }
    crypto_generichash_state state;
    crypto_generichash_init(&state, NULL, 0, MINISIGN_HASH_BYTES);
    off_t at = 0;
    ssize_t count;
    while ((count = pread(fd, block, BLOCK_BYTES, at)) > 0) {
        crypto_generichash_update(&state, block, (unsigned long long)count);
        at += count;
    }
    if (count < 0) {
        return -errno;
    }
    crypto_generichash_final(&state, out_hash, MINISIGN_HASH_BYTES);
    return 0;
}

// Copies, then looks at the copy only. Returns TRUST_GOOD when the bytes are there.
static enum trust_verdict take_bytes(int fd, struct trust_program *program)
{
    struct stat info;
    if (fstat(fd, &info) < 0) {
        return judge_more(program, TRUST_UNREADABLE, "%s", strerror(errno));
    }
    if (!S_ISREG(info.st_mode)) {
        return judge(program, TRUST_NOT_A_FILE);
    }
    auto_fd int memfd = -1;
    uint64_t size_bytes = 0;
    // A file that is too long already is not copied at all.
    int failed = (uint64_t)info.st_size > TRUST_PROGRAM_BYTES_MAX
                     ? -EFBIG
                     : sealed_copy(fd, TRUST_PROGRAM_BYTES_MAX, &memfd, &size_bytes);
    if (failed == -EFBIG) {
        return judge_more(program, TRUST_TOO_LARGE, "more than %llu MiB",
                          (unsigned long long)(TRUST_PROGRAM_BYTES_MAX >> 20));
    }
    if (failed == 0) {
        failed = hash_memfd(memfd, program->hash);
    }
    if (failed != 0) {
        return judge_more(program, TRUST_UNREADABLE, "%s", strerror(-failed));
    }
    if (size_bytes == 0) {
        return judge(program, TRUST_EMPTY);
    }
    program->memfd = steal_fd(&memfd);
    return TRUST_GOOD;
}

// --- The install ------------------------------------------------------------------------------

// Below the folder of the install, directly.
static bool is_of_install(const struct trust *trust, const char *path)
{
    size_t length = trust->install != NULL ? strlen(trust->install) : 0;
    return length > 0 && strncmp(path, trust->install, length) == 0 && path[length] == '/' &&
           strchr(path + length + 1, '/') == NULL;
}

// Opens it below the folder that was looked at. Returns GOOD with the file, or why not.
static enum trust_verdict open_installed(const struct trust *trust, const char *path,
                                         struct trust_program *program, int *out_fd)
{
    struct diag why = {.text = ""};
    auto_fd int folder = open(trust->install, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0) {
        return judge_more(program, TRUST_UNREADABLE, "%s", strerror(errno));
    }
    int failed = trust_owner_check(folder, &why);
    auto_fd int fd = -1;
    if (failed == 0) {
        fd = openat(folder, strrchr(path, '/') + 1,
                    O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
        failed = fd < 0 ? -errno : trust_owner_check(fd, &why);
    }
    if (failed == -EPERM) {
        return judge_more(program, TRUST_INSTALL_WRITABLE, "%s", why.text);
    }
    if (failed != 0) {
        return judge_more(program, TRUST_UNREADABLE, "%s", strerror(-failed));
    }
    *out_fd = steal_fd(&fd);
    return TRUST_GOOD;
}

// --- The signature ----------------------------------------------------------------------------

static enum trust_verdict read_signature(const char *path, struct trust_program *program,
                                         struct minisign_signature *out_signature)
{
    char name[PATH_MAX + sizeof TRUST_SIGNATURE_SUFFIX];
    snprintf(name, sizeof name, "%s%s", path, TRUST_SIGNATURE_SUFFIX);
    auto_free char *bytes = NULL;
    size_t count = 0;
    struct stat info;
    if (stat(name, &info) < 0 && errno == ENOENT) {
        return judge_more(program, TRUST_UNSIGNED, "there is no %s%s", strrchr(path, '/') + 1,
                          TRUST_SIGNATURE_SUFFIX);
    }
    // One byte more than allowed is read, so that too long is told from unreadable. A pipe in its
    // place would be waited for: only ordinary files are opened.
    int failed = S_ISREG(info.st_mode)
                     ? fd_read_file(name, MINISIGN_SIGNATURE_BYTES_MAX, &bytes, &count)
                     : -EINVAL;
    if (failed == -EFBIG) {
        return judge(program, TRUST_SIGNATURE_LONG);
    }
    if (failed != 0) {
        return judge_more(program, TRUST_SIGNATURE_UNREADABLE, "%s", strerror(-failed));
    }
    enum trust_verdict verdict = minisign_read(bytes, count, out_signature);
    return verdict == TRUST_GOOD ? verdict : judge(program, verdict);
}

static enum trust_verdict verify(const struct trust *trust,
                                 const struct minisign_signature *signature,
                                 struct trust_program *program)
{
    char id[MINISIGN_ID_TEXT_BYTES];
    minisign_id_text(signature->key_id, id);
    if (trust_keys_is_revoked(&trust->keys, signature->key_id)) {
        return judge_more(program, TRUST_REVOKED, "%s", id);
    }
    const struct minisign_key *key = trust_keys_find(&trust->keys, signature->key_id);
    if (key == NULL) {
        return judge_more(program, TRUST_UNKNOWN_KEY, "%s", id);
    }
    enum trust_verdict verdict = minisign_verify(signature, key, program->hash);
    if (verdict != TRUST_GOOD) {
        return judge(program, verdict);
    }
    memcpy(program->key_id, key->id, sizeof program->key_id);
    return TRUST_GOOD;
}

// What the signer said it is, against what it is used for.
static enum trust_verdict check_comment(const struct trust *trust, const char *name,
                                        const struct minisign_signature *signature,
                                        struct trust_program *program)
{
    struct trust_comment *comment = &program->comment;
    if (trust_comment_read(signature->comment, signature->comment_bytes, comment) != 0) {
        return judge(program, TRUST_COMMENT_GRAMMAR);
    }
    if (strcmp(comment->name, name) != 0) {
        return judge_more(program, TRUST_OTHER_NAME, "it is signed as '%s', and used as '%s'",
                          comment->name, name);
    }
    if (strcmp(comment->arch, "any") != 0 && strcmp(comment->arch, trust->arch) != 0) {
        return judge_more(program, TRUST_OTHER_ARCH, "%s, and this is %s", comment->arch,
                          trust->arch);
    }
    return TRUST_GOOD;
}

static enum trust_verdict check_version(const struct trust *trust, struct trust_program *program)
{
    struct diag why = {.text = "there is no home folder; set STATE_DIRECTORY"};
    struct trust_version newest;
    int failed = trust->state[0] == '\0'
                     ? -ENODEV
                     : trust_state_find(trust->state, program->comment.name, &newest, &why);
    if (failed == -ENOENT) {
        return TRUST_GOOD;
    }
    if (failed != 0) {
        return judge_more(program, TRUST_STATE, "%s", why.text);
    }
    if (trust_version_compare(&program->comment.version, &newest) >= 0) {
        return TRUST_GOOD;
    }
    char here[TRUST_VERSION_TEXT_BYTES];
    char before[TRUST_VERSION_TEXT_BYTES];
    trust_version_text(&program->comment.version, here);
    trust_version_text(&newest, before);
    return judge_more(program, TRUST_OLDER, "%s, and %s did", here, before);
}

static void say_good(struct trust_program *program)
{
    char id[MINISIGN_ID_TEXT_BYTES];
    char version[TRUST_VERSION_TEXT_BYTES];
    minisign_id_text(program->key_id, id);
    trust_version_text(&program->comment.version, version);
    judge_more(program, TRUST_GOOD, "key %s, name %s, version %s, architecture %s", id,
               program->comment.name, version, program->comment.arch);
}

static void judge_signature(struct trust *trust, const char *path, const char *name,
                            struct trust_program *program)
{
    struct minisign_signature signature;
    enum trust_verdict verdict = read_signature(path, program, &signature);
    if (verdict == TRUST_GOOD) {
        verdict = verify(trust, &signature, program);
    }
    if (verdict == TRUST_GOOD) {
        verdict = check_comment(trust, name, &signature, program);
    }
    if (verdict == TRUST_GOOD) {
        verdict = check_version(trust, program);
    }
    if (verdict == TRUST_GOOD) {
        say_good(program);
    }
}

void trust_look(struct trust *trust, const char *path, const char *name,
                struct trust_program *out_program)
{
    *out_program = (struct trust_program){.memfd = -1};
    auto_fd int fd = -1;
    bool is_installed =
        is_of_install(trust, path) && open_installed(trust, path, out_program, &fd) == TRUST_GOOD;
    if (fd < 0) {
        fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    }
    if (fd < 0) {
        judge_more(out_program, TRUST_UNREADABLE, "%s", strerror(errno));
        return;
    }
    struct trust_program refused = *out_program;
    if (take_bytes(fd, out_program) != TRUST_GOOD) {
        return;
    }
    if (is_installed) {
        judge(out_program, TRUST_INSTALLED);
        return;
    }
    judge_signature(trust, path, name, out_program);
    if (out_program->verdict == TRUST_UNSIGNED && refused.verdict == TRUST_INSTALL_WRITABLE) {
        // More helpful than that it has no signature.
        out_program->verdict = refused.verdict;
        memcpy(out_program->text, refused.text, sizeof refused.text);
    }
}

int trust_remember(struct trust *trust, const struct trust_program *program, struct diag *out_why)
{
    return trust_state_raise(trust->state, program->comment.name, &program->comment.version,
                             out_why);
}

// SPDX-License-Identifier: Apache-2.0
// Asks each program once for its description and keeps the answer under the hash of its content.
#include "broker/graph/catalog.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sodium.h>

#include "base/cleanup.h"
#include "base/nearest.h"
#include "base/search.h"
#include "base/text.h"
#include "broker/graph/content.h"
#include "broker/graph/diags.h"
#include "broker/lives/cage.h"

enum { KEY_BYTES = 32, ARGUMENTS_MAX = 256 };

// One program with its arguments, as content.
struct known {
    struct known *next;
    unsigned char key[KEY_BYTES];
    char *program;                  // owned
    struct descriptor *descriptor;  // owned, NULL when failed
    int failed;                     // what went wrong, 0; -EINPROGRESS = no answer yet
    struct diag why;
    int memfd;                       // owned: the bytes that were asked, -1 = those at the path
    struct trust_comment signed_as;  // at the newest look at its signature
};

struct catalog {
    char *path;     // owned, may be NULL
    char *install;  // owned, may be NULL
    catalog_describe_fn describe;
    void *context;
    catalog_begin_fn begin;  // NULL = answers are waited for
    void *begin_context;
    uint64_t answers;
    struct known *newest;
    struct content *content;  // owned
    struct trust *trust;      // borrowed, NULL = signatures do not matter
    bool is_required;
};

static int create(struct catalog *catalog, const char *path, const char *libexec)
{
    char beside[PATH_MAX];
    if (libexec == NULL && search_beside_program("../libexec/streambroker", beside) == 0) {
        libexec = beside;
    }
    catalog->path = path != NULL ? strdup(path) : NULL;
    catalog->install = libexec != NULL ? strdup(libexec) : NULL;
    bool is_full =
        (path == NULL || catalog->path != NULL) && (libexec == NULL || catalog->install != NULL);
    return is_full ? content_create(&catalog->content) : -ENOMEM;
}

int catalog_create(const char *path, const char *libexec, catalog_describe_fn describe,
                   void *context, struct catalog **out_catalog)
{
    if (sodium_init() < 0) {
        return -ENOSYS;
    }
    struct catalog *catalog = calloc(1, sizeof(*catalog));
    if (catalog == NULL) {
        return -ENOMEM;
    }
    catalog->describe = describe;
    catalog->context = context;
    int failed = create(catalog, path, libexec);
    if (failed != 0) {
        catalog_destroy(catalog);
        return failed;
    }
    *out_catalog = catalog;
    return 0;
}

static void drop(struct known *known)
{
    descriptor_destroy(known->descriptor);
    free(known->program);
    cleanup_fd(&known->memfd);
    free(known);
}

void catalog_destroy(struct catalog *catalog)
{
    if (catalog == NULL) {
        return;
    }
    while (catalog->newest != NULL) {
        struct known *known = catalog->newest;
        catalog->newest = known->next;
        drop(known);
    }
    content_destroy(catalog->content);
    free(catalog->path);
    free(catalog->install);
    free(catalog);
}

void catalog_set_trust(struct catalog *catalog, struct trust *trust, bool is_required)
{
    catalog->trust = trust;
    catalog->is_required = is_required;
}

void catalog_set_begin(struct catalog *catalog, catalog_begin_fn begin, void *context)
{
    catalog->begin = begin;
    catalog->begin_context = context;
}

void catalog_forget(struct catalog *catalog, void *question)
{
    struct known **at = &catalog->newest;
    while (*at != question) {
        at = &(*at)->next;
    }
    struct known *known = *at;
    *at = known->next;
    catalog->answers++;
    drop(known);
}

void catalog_answer(struct catalog *catalog, void *question, int failed, const char *json,
                    size_t count, const struct diag *why)
{
    struct known *known = question;
    known->why = *why;
    known->failed =
        failed != 0 ? failed : descriptor_parse(json, count, &known->descriptor, &known->why);
    catalog->answers++;
    if (known->failed == -ENOMEM) {
        catalog_forget(catalog, known);
    }
}

uint64_t catalog_answers(const struct catalog *catalog)
{
    return catalog->answers;
}

const char *catalog_install(const struct catalog *catalog)
{
    return catalog->install;
}

int catalog_content_fd(const struct catalog *catalog)
{
    return content_fd(catalog->content);
}

void catalog_take_content(struct catalog *catalog)
{
    if (content_take(catalog->content)) {
        catalog->answers++;
    }
}

// Adds a file's content. What cannot be read adds nothing: the program itself may be executable
// and not readable, and then its name has to do. Returns 0, -EINPROGRESS or -ENOMEM.
static int add_file(struct catalog *catalog, crypto_generichash_state *state, const char *path)
{
    unsigned char hash[CONTENT_HASH_BYTES];
    int failed = content_hash(catalog->content, path, catalog->begin != NULL, hash);
    if (failed == 0) {
        crypto_generichash_update(state, hash, sizeof hash);
    }
    return failed == -ENOENT ? 0 : failed;
}

// What is asked, and how.
struct subject {
    const char *folder;  // the graph's
    const char *const *exec;
    const char *program;
    const struct graph_node *node;  // NULL = as trusted
    struct trust_program judged;    // memfd -1 = nobody looked: what the path leads to
    bool is_untrusted_only;
};

// The program's path and content, its arguments, and the content of arguments that are files: a
// script that an interpreter runs is what describes itself. Bytes that were judged are never mixed
// up with what a path leads to, nor what one says with all rights with what it says in a sandbox.
static int make_key(struct catalog *catalog, const struct subject *subject,
                    unsigned char out_key[KEY_BYTES])
{
    const char *program = subject->program;
    const char *const *exec = subject->exec;
    crypto_generichash_state state;
    crypto_generichash_init(&state, NULL, 0, KEY_BYTES);
    crypto_generichash_update(&state, (const unsigned char *)program, strlen(program) + 1);
    bool is_judged = subject->judged.memfd >= 0;
    bool is_caged =
        subject->is_untrusted_only || (subject->node != NULL && cage_is_wanted(subject->node));
    const unsigned char how[] = {is_judged ? 1 : 0, is_caged ? 1 : 0};
    crypto_generichash_update(&state, how, sizeof how);
    int failed = 0;
    if (is_judged) {
        crypto_generichash_update(&state, subject->judged.hash, sizeof subject->judged.hash);
    } else {
        failed = add_file(catalog, &state, program);
    }
    // All of them are asked for before any is waited for.
    for (size_t i = 1; exec[i] != NULL && failed != -ENOMEM; i++) {
        crypto_generichash_update(&state, (const unsigned char *)exec[i], strlen(exec[i]) + 1);
        auto_free char *path = NULL;
        if (asprintf(&path, "%s/%s", exec[i][0] == '/' ? "" : subject->folder, exec[i]) < 0) {
            path = NULL;
            return -ENOMEM;
        }
        int result = add_file(catalog, &state, path);
        failed = result != 0 ? result : failed;
    }
    crypto_generichash_final(&state, out_key, KEY_BYTES);
    return failed;
}

// Runs it and parses what it says, or only begins to.
static int run(struct catalog *catalog, const struct subject *subject, char *const *argv,
               struct known *known)
{
    const struct graph_program program = {.path = known->program,
                                          .fd = known->memfd,
                                          .is_untrusted_only = subject->is_untrusted_only};
    if (catalog->begin != NULL) {
        int begun = catalog->begin(catalog->begin_context, subject->node, &program, subject->folder,
                                   argv, known, &known->why);
        return begun == 0 ? -EINPROGRESS : begun;
    }
    auto_free char *json = NULL;
    size_t json_count = 0;
    int failed = catalog->describe(catalog->context, subject->node, &program, subject->folder, argv,
                                   &json, &json_count, &known->why);
    return failed != 0 ? failed
                       : descriptor_parse(json, json_count, &known->descriptor, &known->why);
}

static int ask(struct catalog *catalog, const struct subject *subject, struct known *known)
{
    const char *const *exec = subject->exec;
    char *argv[ARGUMENTS_MAX + 2] = {known->program};
    char describe[] = "--describe";
    size_t count = 1;
    int failed = 0;
    for (; exec[count] != NULL && failed == 0; count++) {
        argv[count] = strdup(exec[count]);
        failed = argv[count] == NULL ? -ENOMEM : 0;
    }
    argv[count] = describe;
    if (failed == 0) {
        failed = run(catalog, subject, argv, known);
    }
    for (size_t i = 1; i < count; i++) {
        free(argv[i]);
    }
    return failed;
}

// The entry of this content, asked for when it is new. Refusals are remembered as well, so that a
// program that hangs costs its deadline once.
static int find_known(struct catalog *catalog, struct subject *subject, struct known **out_known)
{
    unsigned char key[KEY_BYTES];
    int failed = make_key(catalog, subject, key);
    if (failed != 0) {
        return failed;
    }
    for (struct known *known = catalog->newest; known != NULL; known = known->next) {
        if (memcmp(known->key, key, KEY_BYTES) == 0) {
            *out_known = known;
            return 0;
        }
    }
    struct known *known = calloc(1, sizeof(*known));
    if (known == NULL) {
        return -ENOMEM;
    }
    memcpy(known->key, key, KEY_BYTES);
    known->memfd = steal_fd(&subject->judged.memfd);
    known->program = strdup(subject->program);
    known->failed = known->program == NULL ? -ENOMEM : ask(catalog, subject, known);
    if (known->failed == -ENOMEM || known->failed == -EBUSY) {
        failed = known->failed == -EBUSY ? -EINPROGRESS : known->failed;
        drop(known);
        return failed;
    }
    known->next = catalog->newest;
    catalog->newest = known;
    *out_known = known;
    return 0;
}

static void say_places(const struct catalog *catalog, const char *folder, const char *name,
                       struct diag *out_why)
{
    struct stat status;
    char path[PATH_MAX];
    struct text whole = TEXT_OVER(path);
    text_add_format(&whole, "%s%s%s", name[0] == '/' ? "" : folder, name[0] == '/' ? "" : "/",
                    name);
    bool is_path = strchr(name, '/') != NULL;
    bool is_there = is_path && !whole.is_cut && stat(path, &status) == 0;
    if (is_there || name[0] == '/') {
        diag_set(out_why, "%s",
                 !is_there                 ? "there is no such file"
                 : S_ISDIR(status.st_mode) ? "it is a folder"
                 : S_ISREG(status.st_mode) ? "it is no program"
                                           : "it is a special file");
        return;
    }
    if (is_path) {
        diag_set(out_why, "looked in %s", folder);
        return;
    }
    diag_set(out_why, "looked in %s, $STREAMBROKER_PROCESSOR_PATH (%s) and %s", folder,
             catalog->path != NULL && catalog->path[0] != '\0' ? catalog->path : "not set",
             catalog->install != NULL ? catalog->install : "no install");
}

static int describe_subject(struct catalog *catalog, struct subject *subject,
                            struct catalog_entry *out_entry, struct diag *out_why)
{
    struct known *known = NULL;
    int failed = find_known(catalog, subject, &known);
    if (failed != 0) {
        return failed;
    }
    if (known->failed != 0) {
        *out_why = known->why;
        return known->failed;
    }
    bool is_signed = catalog->trust != NULL && subject->judged.verdict == TRUST_GOOD;
    if (is_signed) {
        known->signed_as = subject->judged.comment;
    }
    out_entry->program = (struct graph_program){.path = known->program,
                                                .fd = known->memfd,
                                                .is_untrusted_only = subject->is_untrusted_only,
                                                .signed_as = is_signed ? &known->signed_as : NULL};
    out_entry->descriptor = known->descriptor;
    return 0;
}

// Nothing of a program is executed before it was judged.
static int judge(struct catalog *catalog, struct subject *subject, struct diag *out_why)
{
    subject->judged = (struct trust_program){.memfd = -1};
    if (catalog->trust == NULL) {
        return 0;
    }
    trust_look(catalog->trust, subject->program, strrchr(subject->program, '/') + 1,
               &subject->judged);
    if (trust_verdict_is_good(subject->judged.verdict)) {
        return 0;
    }
    diag_set(out_why, "%s", subject->judged.text);
    subject->is_untrusted_only = true;
    return catalog->is_required ? -EKEYREJECTED : 0;
}

static int describe_program(struct catalog *catalog, struct subject *subject,
                            struct catalog_entry *out_entry, struct diag *out_why)
{
    int failed = judge(catalog, subject, out_why);
    if (failed == 0) {
        failed = describe_subject(catalog, subject, out_entry, out_why);
    }
    cleanup_fd(&subject->judged.memfd);
    return failed;
}

int catalog_find(struct catalog *catalog, const char *folder, const char *const *exec,
                 const struct graph_node *node, struct catalog_entry *out_entry,
                 struct diag *out_why)
{
    size_t count = 0;
    while (exec[count] != NULL) {
        count++;
    }
    if (count > ARGUMENTS_MAX) {
        diag_set(out_why, "it has %zu arguments, at most %d are allowed", count, ARGUMENTS_MAX);
        return -E2BIG;
    }
    struct search_places places = {folder, catalog->path, catalog->install};
    char program[PATH_MAX];
    int failed = search_program(&places, exec[0], program);
    if (failed == -EACCES) {
        diag_set(out_why, "it may not be executed, chmod +x makes it so");
        return failed;
    }
    if (failed != 0) {
        say_places(catalog, folder, exec[0], out_why);
        return failed;
    }
    struct subject subject = {.folder = folder, .exec = exec, .program = program, .node = node};
    return describe_program(catalog, &subject, out_entry, out_why);
}

int catalog_find_stock(struct catalog *catalog, const char *name, struct catalog_entry *out_entry,
                       struct diag *out_why)
{
    const char *const exec[] = {name, NULL};
    struct search_places places = {NULL, NULL, catalog->install};
    char program[PATH_MAX];
    int failed = search_program(&places, name, program);
    if (failed != 0) {
        diag_set(out_why, "looked in %s",
                 catalog->install != NULL ? catalog->install : "no install");
        return failed;
    }
    struct subject subject = {.folder = "/", .exec = exec, .program = program};
    return describe_program(catalog, &subject, out_entry, out_why);
}

static int offer(void *context, const char *folder, const char *name)
{
    (void)folder;
    nearest_offer(context, name);
    return 0;
}

bool catalog_nearest(struct catalog *catalog, const char *name, char *out, size_t size_bytes)
{
    struct nearest nearest = nearest_to(name);
    struct search_places places = {NULL, catalog->path, catalog->install};
    search_each(&places, offer, &nearest);
    snprintf(out, size_bytes, "%s", nearest.best);
    return nearest.best[0] != '\0';
}

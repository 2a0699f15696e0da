// SPDX-License-Identifier: Apache-2.0
// Writes the files of new_c.def or new_python.def with the processor's name in them.
#include "tools/new_folder.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/check.h"
#include "base/cleanup.h"
#include "base/text.h"
#include "tools/verb.h"

struct template
{
    const char *name;  // of the file; NAME stands for the processor's
    mode_t mode;
    const char *text;  // likewise
};

#define FILE_OF(name, mode, text) {name, mode, text},
static const struct template of_c[] = {
#include "tools/new_c.def"
};
static const struct template of_python[] = {
#include "tools/new_python.def"
};
#undef FILE_OF

static const struct language {
    const char *word;
    const char *next;  // what to type in the new folder
    const struct template *templates;
    size_t count;
} languages[] = {
    {"c", "make test", of_c, ARRAY_COUNT(of_c)},
    {"python", "./test.sh", of_python, ARRAY_COUNT(of_python)},
};

#define TARGET "make or CMake has a target of this name"
#define NODE "graph.yaml has a stock processor of this name, and would find yours"
#define MODULE "Python would import it in place of the module of this name"
#define RESERVED(language, name, why) {language, name, why},
static const struct reserved {
    const char *language;
    const char *name;
    const char *why;
} reserved[] = {
#include "tools/new_reserved.def"
};
#undef RESERVED

// Prints text with every NAME replaced.
static void print_template(FILE *out, const char *text, const char *name)
{
    for (const char *c = text; *c != '\0';) {
        if (strncmp(c, "NAME", 4) == 0) {
            fputs(name, out);
            c += 4;
        } else {
            fputc(*c++, out);
        }
    }
}

static int write_file(int folder, const struct template *template, const char *name)
{
    char file_name[128];
    struct text text = TEXT_OVER(file_name);
    const char *found = strstr(template->name, "NAME");
    size_t before = found != NULL ? (size_t)(found - template->name) : strlen(template->name);
    text_add_bytes(&text, template->name, before);
    text_add(&text, found != NULL ? name : "");
    text_add(&text, found != NULL ? found + 4 : "");
    auto_fd int fd =
        openat(folder, file_name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, template->mode);
    if (fd < 0) {
        return -errno;
    }
    auto_file FILE *out = fdopen(fd, "w");
    if (out == NULL) {
        return -errno;
    }
    steal_fd(&fd);
    print_template(out, template->text, name);
    return fflush(out) == 0 ? 0 : -errno;
}

static int write_all(const struct language *language, const char *path, const char *name)
{
    auto_fd int folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0) {
        return -errno;
    }
    for (size_t i = 0; i < language->count; i++) {
        int failed = write_file(folder, &language->templates[i], name);
        if (failed != 0) {
            return failed;
        }
    }
    return 0;
}

static const struct language *find_language(const char *word)
{
    for (size_t i = 0; i < ARRAY_COUNT(languages); i++) {
        if (strcmp(languages[i].word, word) == 0) {
            return &languages[i];
        }
    }
    fprintf(stderr, "streamctl new: no language '%s'; write", word);
    for (size_t i = 0; i < ARRAY_COUNT(languages); i++) {
        fprintf(stderr, "%s %s", i == 0 ? "" : " or", languages[i].word);
    }
    fprintf(stderr, "\n");
    return NULL;
}

static bool is_usable(const struct language *language, const char *id)
{
    if (!text_is_id(id)) {
        char shown[256];
        struct text text = TEXT_OVER(shown);
        text_add_escaped(&text, id, strlen(id));
        fprintf(stderr,
                "streamctl new: '%s' is no name; write 1 to 63 of a-z, 0-9, _ and -, a "
                "letter first\n",
                shown);
        return false;
    }
    for (size_t i = 0; i < ARRAY_COUNT(reserved); i++) {
        if (strcmp(reserved[i].language, language->word) == 0 &&
            strcmp(reserved[i].name, id) == 0) {
            fprintf(stderr, "streamctl new: '%s' would not work: %s; choose another name\n", id,
                    reserved[i].why);
            return false;
        }
    }
    return true;
}

int new_folder(const char *word, const char *name)
{
    const char *slash = strrchr(name, '/');
    const char *id = slash != NULL ? slash + 1 : name;
    const struct language *language = find_language(word);
    if (language == NULL || !is_usable(language, id)) {
        return VERB_USAGE;
    }
    if (mkdir(name, 0777) != 0) {
        bool is_taken = errno == EEXIST;
        fprintf(stderr, "streamctl new: cannot make %s: %s; %s\n", name, strerrordesc_np(errno),
                is_taken ? "choose another name" : "choose a folder in which you may make one");
        return is_taken ? VERB_EXISTS : VERB_FAILED;
    }
    int failed = write_all(language, name, id);
    if (failed != 0) {
        fprintf(stderr, "streamctl new: %s: %s\n", name, strerror(-failed));
        return VERB_INTERNAL;
    }
    printf("%s is made. Next:\n  cd %s && %s\n", name, name, language->next);
    return VERB_OK;
}

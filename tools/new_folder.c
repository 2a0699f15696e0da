// SPDX-License-Identifier: Apache-2.0
// Writes the files of new_c.def with the processor's name in them.
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

static const struct template templates[] = {
#define FILE_OF(name, mode, text) {name, mode, text},
#include "tools/new_c.def"
#undef FILE_OF
};

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

static int write_all(const char *path, const char *name)
{
    auto_fd int folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0) {
        return -errno;
    }
    for (size_t i = 0; i < ARRAY_COUNT(templates); i++) {
        int failed = write_file(folder, &templates[i], name);
        if (failed != 0) {
            return failed;
        }
    }
    return 0;
}

int new_folder(const char *language, const char *name)
{
    const char *slash = strrchr(name, '/');
    const char *id = slash != NULL ? slash + 1 : name;
    if (strcmp(language, "c") != 0) {
        fprintf(stderr, "streamctl new: no language '%s'; write c\n", language);
        return VERB_USAGE;
    }
    if (!text_is_id(id)) {
        fprintf(stderr,
                "streamctl new: '%s' is no name; write 1 to 63 of a-z, 0-9, _ and -, a "
                "letter first\n",
                id);
        return VERB_USAGE;
    }
    if (mkdir(name, 0777) != 0) {
        bool is_taken = errno == EEXIST;
        fprintf(stderr, "streamctl new: cannot make %s: %s; %s\n", name, strerrordesc_np(errno),
                is_taken ? "choose another name" : "choose a folder in which you may make one");
        return is_taken ? VERB_EXISTS : VERB_FAILED;
    }
    int failed = write_all(name, id);
    if (failed != 0) {
        fprintf(stderr, "streamctl new: %s: %s\n", name, strerror(-failed));
        return VERB_INTERNAL;
    }
    printf("%s is made. Next:\n  cd %s && make test\n", name, name);
    return VERB_OK;
}

// SPDX-License-Identifier: Apache-2.0
// A folder of small processors (scripts that describe themselves), a launcher and a catalog.
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "broker/graph/catalog.h"
#include "broker/graph/graph_check.h"
#include "broker/graph/graph_file.h"
#include "sandbox/launcher.h"

#define FIXTURE_NS INT64_C(2000000000)

struct fixture {
    char folder[64];
    struct launcher *launcher;
    struct catalog *catalog;
    unsigned described;  // times that a processor was asked
};

static inline int fixture_describe(void *context, const struct graph_node *node,
                                   const struct graph_program *program, const char *folder,
                                   char *const *argv, char **out_json, size_t *out_count,
                                   struct diag *out_why)
{
    (void)node;
    const struct sandbox_plan sandbox = {.rootfs_fd = -1, .program_fd = program->fd};
    struct fixture *fixture = context;
    fixture->described++;
    const struct launch_plan plan = {.path = argv[0],
                                     .arguments = (const char *const *)argv,
                                     .folder = folder,
                                     .sandbox = &sandbox};
    return launcher_describe(fixture->launcher, &plan, FIXTURE_NS, out_json, out_count, out_why);
}

static inline void fixture_write(const struct fixture *fixture, const char *name,
                                 const char *content, mode_t mode)
{
    char path[256];
    snprintf(path, sizeof(path), "%s/%s", fixture->folder, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(content, file);
    fclose(file);
    assert_int_equal(chmod(path, mode), 0);
}

#define FIXTURE_FORMATS(more)                                                                      \
    "\"formats\":{\"kinds\":[],\"pixels\":[],\"samples\":[],\"rate\":[0,0],\"channels\":[0,0],"    \
    "\"message\":null}" more
#define FIXTURE_INPUT(name, type, more)                                                            \
    "{\"name\":\"" name "\",\"type\":\"" type "\",\"help\":\"\",\"count\":0,\"optional\":false,"   \
    "\"delivery\":\"lossless\",\"holds\":1,\"memory\":false," FIXTURE_FORMATS("") more "}"
#define FIXTURE_OUTPUT(name, type, more)                                                           \
    "{\"name\":\"" name "\",\"type\":\"" type "\",\"help\":\"\",\"count\":0,\"claims\":1,"         \
    "\"one_per_step\":true,\"max_payload\":0,\"follows\":null," FIXTURE_FORMATS("") more "}"
#define FIXTURE_DESCRIPTION(name, inputs, outputs, params)                                         \
    "{\"streambroker\":1,\"name\":\"" name "\",\"version\":\"1.0\",\"summary\":\"\","              \
    "\"mode\":\"reactive\",\"interval_ns\":0,"                                                     \
    "\"activation\":{\"kind\":\"any\",\"count\":0,\"within_ns\":0},\"wants\":[],"                  \
    "\"inputs\":[" inputs "],\"outputs\":[" outputs "],\"params\":[" params "]}"
#define FIXTURE_PARAM(name, type, initial, low, high, choices)                                     \
    "{\"name\":\"" name "\",\"type\":\"" type "\",\"help\":\"\",\"default\":" initial              \
    ",\"minimum\":" low ",\"maximum\":" high ",\"choices\":[" choices "],\"fixed\":false}"

// A processor: a script that prints a description.
static inline void fixture_add(const struct fixture *fixture, const char *name,
                               const char *description)
{
    char script[8192];
    snprintf(script, sizeof(script), "#!/bin/sh\ncat <<'END'\n%s\nEND\n", description);
    fixture_write(fixture, name, script, 0755);
}

static inline void fixture_add_all(const struct fixture *fixture)
{
    fixture_add(fixture, "source",
                FIXTURE_DESCRIPTION(
                    "source", "",
                    FIXTURE_OUTPUT("video", "video", "") "," FIXTURE_OUTPUT("text", "text", ""),
                    FIXTURE_PARAM("path", "path", "null", "0", "0", "")));
    fixture_add(fixture, "blur",
                FIXTURE_DESCRIPTION(
                    "blur", FIXTURE_INPUT("video", "video", ""),
                    FIXTURE_OUTPUT("video", "video", ""),
                    FIXTURE_PARAM("radius", "int", "\"3\"", "0", "64", "") "," FIXTURE_PARAM(
                        "shape", "choice", "\"box\"", "0", "0",
                        "\"box\",\"disc\"") "," FIXTURE_PARAM("wait", "duration", "\"0\"", "0",
                                                              "1e9", "")));
    fixture_add(fixture, "sink",
                FIXTURE_DESCRIPTION("sink", FIXTURE_INPUT("in", "any", ""), "", ""));
}

static inline int fixture_setup(void **state)
{
    static struct fixture fixture;
    memset(&fixture, 0, sizeof(fixture));
    snprintf(fixture.folder, sizeof(fixture.folder), "/tmp/graph_fixture.XXXXXX");
    assert_int_equal(launcher_start(&fixture.launcher), 0);
    assert_non_null(mkdtemp(fixture.folder));
    fixture_add_all(&fixture);
    assert_int_equal(
        catalog_create(NULL, fixture.folder, fixture_describe, &fixture, &fixture.catalog), 0);
    *state = &fixture;
    return 0;
}

static inline int fixture_teardown(void **state)
{
    struct fixture *fixture = *state;
    catalog_destroy(fixture->catalog);
    assert_int_equal(launcher_stop(fixture->launcher), 0);
    DIR *folder = opendir(fixture->folder);
    for (struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        unlinkat(dirfd(folder), entry->d_name, 0);
    }
    closedir(folder);
    return rmdir(fixture->folder);
}

// Loads and checks a graph file; the caller destroys the graph.
static inline struct graph *fixture_check(struct fixture *fixture, const char *text,
                                          struct diags *diags)
{
    struct graph *graph = NULL;
    memset(diags, 0, sizeof(*diags));
    if (graph_file_load("g.yaml", text, strlen(text), &graph, diags) != 0) {
        diags_print(diags, stderr);
        fail_msg("the file does not load");
    }
    int failed = graph_check(graph, fixture->catalog, diags);
    assert_int_equal(failed, diags_exit_status(diags) == 0 ? 0 : -EINVAL);
    return graph;
}

// The check finds this message, exactly.
static inline void fixture_assert_message(struct fixture *fixture, const char *text,
                                          const char *message)
{
    struct diags diags;
    char line[DIAGS_LINE_BYTES_MAX] = "";
    bool is_found = false;
    // The name of the file in the messages is the graph's.
    struct graph *graph = fixture_check(fixture, text, &diags);
    for (size_t i = 0; i < diags.count && !is_found; i++) {
        diags_format(&diags.items[i], line, sizeof(line));
        is_found = strcmp(line, message) == 0;
    }
    if (!is_found) {
        diags_print(&diags, stderr);
    }
    graph_destroy(graph);
    assert_string_equal(line, message);
}

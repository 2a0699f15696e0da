// SPDX-License-Identifier: Apache-2.0
// Lists the processors of the search path, and prints one as tables. The descriptions come from
// programs, so what is printed is escaped.
#include "tools/processor_list.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <jansson.h>

#include "base/nearest.h"
#include "base/search.h"
#include "base/text.h"
#include "tools/broker_run.h"
#include "tools/verb.h"

static int find_places(struct search_places *places, char install[PATH_MAX])
{
    places->folder = NULL;
    places->path = getenv("STREAMBROKER_PROCESSOR_PATH");
    int failed = search_beside_program("../libexec/streambroker", install);
    places->install = failed == 0 ? install : NULL;
    return failed;
}

struct shown {
    char bytes[1024];
};

// A string of a description, fit for a terminal.
static struct shown show(const json_t *object, const char *key)
{
    struct shown shown;
    struct text text = TEXT_OVER(shown.bytes);
    const json_t *value = json_object_get(object, key);
    const char *string = json_string_value(value);
    if (string != NULL) {
        text_add_escaped(&text, string, strlen(string));
    }
    return shown;
}

static void add_ports(struct text *text, const json_t *ports)
{
    size_t i;
    json_t *port;
    json_array_foreach(ports, i, port)
    {
        json_int_t count = json_integer_value(json_object_get(port, "count"));
        text_add_format(text, "%s%s", i > 0 ? " " : "", show(port, "name").bytes);
        if (count > 0) {
            text_add_format(text, "[%lld]", (long long)count);
        }
        if (strcmp(show(port, "name").bytes, show(port, "type").bytes) != 0) {
            text_add_format(text, ":%s", show(port, "type").bytes);
        }
    }
    text_add(text, json_array_size(ports) == 0 ? "-" : "");
}

// The programs that are to be asked: one name counts once.
struct list {
    json_t *names;
    json_t *paths;
};

static int visit(void *context, const char *folder, const char *name)
{
    struct list *list = context;
    size_t i;
    json_t *known;
    json_array_foreach(list->names, i, known)
    {
        if (strcmp(json_string_value(known), name) == 0) {
            return 0;
        }
    }
    char path[PATH_MAX];
    if (snprintf(path, sizeof(path), "%s/%s", folder, name) >= (int)sizeof(path)) {
        return 0;
    }
    return json_array_append_new(list->names, json_string(name)) != 0 ||
                   json_array_append_new(list->paths, json_string(path)) != 0
               ? -ENOMEM
               : 0;
}

// Asks the broker about programs. Returns its exit status and its answers, or VERB_INTERNAL after a
// line on stderr.
static int ask(const char *verb, const json_t *paths, bool is_trusted, json_t **out_answers)
{
    size_t count = json_array_size(paths);
    const char **arguments = calloc(count + 5, sizeof *arguments);
    if (arguments == NULL) {
        return VERB_INTERNAL;
    }
    size_t used = 0;
    arguments[used++] = "streambroker";
    arguments[used++] = "--describe";
    if (is_trusted) {
        arguments[used++] = "--trusted";
    }
    arguments[used++] = "--";
    size_t i;
    json_t *path;
    json_array_foreach(paths, i, path)
    {
        arguments[used++] = json_string_value(path);
    }
    struct diag why = {.text = ""};
    int status = count > 0 ? broker_run_json(arguments, out_answers, &why) : VERB_OK;
    free(arguments);
    if (status < 0) {
        fprintf(stderr, "streamctl %s: %s\n", verb, why.text);
        return VERB_INTERNAL;
    }
    return status;
}

static void say_why(const char *verb, const json_t *answer, const char *more)
{
    fprintf(stderr, "streamctl %s: %s: %s%s\n", verb, show(answer, "path").bytes,
            show(answer, "error").bytes, more);
}

// The descriptions among the answers, each with the program that it is of.
static json_t *take_descriptions(const json_t *names, const json_t *answers)
{
    json_t *all = json_array();
    size_t i;
    json_t *answer;
    json_array_foreach(answers, i, answer)
    {
        json_t *description = json_object_get(answer, "description");
        if (description == NULL) {
            say_why("processors", answer, "; it is left out");
            continue;
        }
        json_object_set(description, "program", json_array_get(names, i));
        json_object_set(description, "path", json_object_get(answer, "path"));
        json_array_append(all, description);
    }
    return all;
}

static void print_table(const json_t *all)
{
    size_t i;
    json_t *entry;
    printf("%-14s %-8s %-22s %-16s %s\n", "PROCESSOR", "VERSION", "INPUTS", "OUTPUTS", "SUMMARY");
    json_array_foreach(all, i, entry)
    {
        char inputs[256];
        char outputs[256];
        struct text in = TEXT_OVER(inputs);
        struct text out = TEXT_OVER(outputs);
        add_ports(&in, json_object_get(entry, "inputs"));
        add_ports(&out, json_object_get(entry, "outputs"));
        printf("%-14s %-8s %-22s %-16s %s\n", show(entry, "program").bytes,
               show(entry, "version").bytes, inputs, outputs, show(entry, "summary").bytes);
    }
}

static void print_names(const json_t *all)
{
    size_t i;
    json_t *entry;
    json_array_foreach(all, i, entry)
    {
        printf("%s\n", show(entry, "program").bytes);
    }
}

static int print_json(const json_t *json)
{
    int failed = json_dumpf(json, stdout, JSON_INDENT(2));
    printf("\n");
    return failed == 0 ? VERB_OK : VERB_INTERNAL;
}

int processor_list(bool is_json, bool is_quiet, bool is_trusted)
{
    struct search_places places;
    char install[PATH_MAX];
    find_places(&places, install);
    struct list list = {.names = json_array(), .paths = json_array()};
    json_t *answers = NULL;
    int status = search_each(&places, visit, &list) != 0
                     ? VERB_INTERNAL
                     : ask("processors", list.paths, is_trusted, &answers);
    json_t *all = take_descriptions(list.names, answers);
    if (status != VERB_INTERNAL && is_json) {
        status = print_json(all) != VERB_OK ? VERB_INTERNAL : status;
    } else if (status != VERB_INTERNAL && is_quiet) {
        print_names(all);
    } else if (status != VERB_INTERNAL) {
        print_table(all);
    }
    json_decref(all);
    json_decref(answers);
    json_decref(list.names);
    json_decref(list.paths);
    return status;
}

static void print_ports(const char *title, const json_t *ports)
{
    size_t i;
    json_t *port;
    if (json_array_size(ports) == 0) {
        printf("\n%s: none\n", title);
        return;
    }
    printf("\n%s:\n", title);
    json_array_foreach(ports, i, port)
    {
        json_int_t count = json_integer_value(json_object_get(port, "count"));
        char name[128];
        struct text text = TEXT_OVER(name);
        text_add(&text, show(port, "name").bytes);
        if (count > 0) {
            text_add_format(&text, "_0 to _%lld", (long long)count - 1);
        }
        printf("  %-16s %-7s %s", name, show(port, "type").bytes, show(port, "help").bytes);
        if (json_is_true(json_object_get(port, "optional"))) {
            printf(" Optional.");
        }
        if (show(port, "delivery").bytes[0] != '\0') {
            printf(" Delivery: %s.", show(port, "delivery").bytes);
        }
        printf("\n");
    }
}

static void print_param(const json_t *param)
{
    char extra[512] = "";
    struct text text = TEXT_OVER(extra);
    double low = json_number_value(json_object_get(param, "minimum"));
    double high = json_number_value(json_object_get(param, "maximum"));
    if (json_is_null(json_object_get(param, "default"))) {
        text_add(&text, " Required.");
    } else {
        text_add_format(&text, " Default: %s.", show(param, "default").bytes);
    }
    if (low < high) {
        text_add_format(&text, " From %.10g to %.10g.", low, high);
    }
    size_t i;
    json_t *choice;
    const json_t *choices = json_object_get(param, "choices");
    json_array_foreach(choices, i, choice)
    {
        const char *word = json_string_value(choice);
        text_add(&text, i == 0 ? " One of: " : ", ");
        text_add_escaped(&text, word != NULL ? word : "?", word != NULL ? strlen(word) : 1);
    }
    text_add(&text, json_array_size(choices) > 0 ? "." : "");
    text_add(&text, json_is_true(json_object_get(param, "fixed")) ? " Fixed at the start." : "");
    printf("  %-16s %-8s %s%s\n", show(param, "name").bytes, show(param, "type").bytes,
           show(param, "help").bytes, extra);
}

static void print_description(const json_t *json)
{
    printf("%s %s\n%s\nMode: %s.\n", show(json, "name").bytes, show(json, "version").bytes,
           show(json, "summary").bytes, show(json, "mode").bytes);
    print_ports("Inputs", json_object_get(json, "inputs"));
    print_ports("Outputs", json_object_get(json, "outputs"));
    const json_t *params = json_object_get(json, "params");
    size_t i;
    json_t *param;
    printf("\nParameters:%s\n", json_array_size(params) == 0 ? " none" : "");
    json_array_foreach(params, i, param)
    {
        print_param(param);
    }
}

static int offer(void *context, const char *folder, const char *name)
{
    (void)folder;
    nearest_offer(context, name);
    return 0;
}

static void refuse_name(const char *name, int error, const struct search_places *places)
{
    struct stat status;
    if (error == -EACCES) {
        fprintf(stderr, "streamctl describe: '%s' may not be executed; chmod +x makes it so\n",
                name);
    } else if (strchr(name, '/') != NULL && stat(name, &status) == 0) {
        fprintf(stderr, "streamctl describe: '%s' is a %s; name a program\n", name,
                S_ISDIR(status.st_mode) ? "folder" : "special file");
    } else if (strchr(name, '/') != NULL) {
        fprintf(stderr, "streamctl describe: there is no file '%s'\n", name);
    } else {
        struct nearest nearest = nearest_to(name);
        search_each(places, offer, &nearest);
        bool is_near = nearest.best[0] != '\0';
        fprintf(stderr, "streamctl describe: no processor '%s'; %s%s%s\n", name,
                is_near ? "did you mean '" : "streamctl processors lists them", nearest.best,
                is_near ? "'?" : "");
    }
}

int processor_list_describe(const char *name, bool is_json, bool is_trusted)
{
    struct search_places places;
    char install[PATH_MAX];
    char program[PATH_MAX];
    find_places(&places, install);
    places.folder = ".";
    int failed = search_program(&places, name, program);
    if (failed != 0) {
        refuse_name(name, failed, &places);
        return VERB_NO_INPUT;
    }
    json_t *paths = json_pack("[s]", program);
    json_t *answers = NULL;
    int status = ask("describe", paths, is_trusted, &answers);
    const json_t *answer = json_array_get(answers, 0);
    const json_t *description = json_object_get(answer, "description");
    if (description == NULL && answer != NULL) {
        say_why("describe", answer, "");
    } else if (description != NULL && is_json) {
        status = print_json(description);
    } else if (description != NULL) {
        print_description(description);
    }
    json_decref(answers);
    json_decref(paths);
    return status;
}

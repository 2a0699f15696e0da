// SPDX-License-Identifier: Apache-2.0
// Describes the machine from /proc and lscpu.
#include "tools/bench/machine.h"

#include <jansson.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <streambroker/version.h>

#include "base/cleanup.h"

unsigned machine_cpus(int *out_cpus, unsigned count_max)
{
    cpu_set_t set;
    unsigned count = 0;
    if (sched_getaffinity(0, sizeof set, &set) != 0) {
        return 0;
    }
    for (int cpu = 0; cpu < CPU_SETSIZE && count < count_max; cpu++) {
        if (CPU_ISSET((size_t)cpu, &set)) {
            out_cpus[count++] = cpu;
        }
    }
    return count;
}

static void add_line(json_t *object, const char *line)
{
    const char *colon = strchr(line, ':');
    if (colon == NULL) {
        return;
    }
    const char *value = colon + 1 + strspn(colon + 1, " ");
    char key[128];
    snprintf(key, sizeof key, "%.*s", (int)(colon - line), line + strspn(line, " "));
    char text[1024];
    snprintf(text, sizeof text, "%.*s", (int)strcspn(value, "\n"), value);
    if (strcmp(key, "Flags") != 0 && strncmp(key, "Vulnerability", 13) != 0) {
        json_object_set_new(object, key, json_string(text));
    }
}

static json_t *lscpu(void)
{
    json_t *object = json_object();
    int output[2];
    if (pipe(output) != 0) {
        return object;
    }
    pid_t pid = fork();
    if (pid == 0) {
        dup2(output[1], STDOUT_FILENO);
        close(output[0]);
        execlp("lscpu", "lscpu", (char *)NULL);
        _exit(127);
    }
    close(output[1]);
    auto_file FILE *file = fdopen(output[0], "r");
    char line[2048];
    while (file != NULL && fgets(line, sizeof line, file) != NULL) {
        add_line(object, line);
    }
    waitpid(pid, NULL, 0);
    return object;
}

static void add_file(json_t *object, const char *key, const char *path)
{
    auto_file FILE *file = fopen(path, "re");
    char line[1024];
    if (file != NULL && fgets(line, sizeof line, file) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        json_object_set_new(object, key, json_string(line));
    }
}

struct json_t *machine_json(void)
{
    json_t *object = json_object();
    struct utsname name;
    uname(&name);
    char text[512];
    snprintf(text, sizeof text, "%s %s %s", name.sysname, name.release, name.machine);
    json_object_set_new(object, "kernel", json_string(text));
    json_object_set_new(object, "cpus", json_integer(sysconf(_SC_NPROCESSORS_ONLN)));
    add_file(object, "memory", "/proc/meminfo");
    add_file(object, "load", "/proc/loadavg");
    add_file(object, "shmem_huge", "/sys/kernel/mm/transparent_hugepage/shmem_enabled");
    add_file(object, "clocksource",
             "/sys/devices/system/clocksource/clocksource0/current_clocksource");
    json_object_set_new(object, "lscpu", lscpu());
    json_object_set_new(object, "streambroker", json_string(SB_VERSION_STRING));
    time_t now = time(NULL);
    struct tm utc;
    gmtime_r(&now, &utc);
    strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &utc);
    json_object_set_new(object, "time", json_string(text));
    return object;
}

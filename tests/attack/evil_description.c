// SPDX-License-Identifier: Apache-2.0
// evil-description MODE: describes itself in a way that hurts. Run as a worker it exits with 3.
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char json[] =
    "{\"streambroker\":1,\"name\":\"evil\",\"version\":\"1.0.0\",\"summary\":\"x\","
    "\"mode\":\"manual\",\"interval_ns\":0,\"activation\":{\"kind\":\"any\",\"count\":0,"
    "\"within_ns\":0},\"modes\":[\"manual\"],\"wants\":[],\"inputs\":[],\"outputs\":[],"
    "\"params\":[]}";

static void describe_deep(void)
{
    for (int i = 0; i < 100000; i++) {
        putchar('[');
    }
}

static void describe_large(void)
{
    for (int i = 0; i < 300 * 1024; i++) {
        putchar(' ');
    }
    puts(json);
}

static void describe_hang(void)
{
    for (;;) {
        pause();
    }
}

static void describe_fork(void)
{
    if (fork() == 0) {
        setsid();
        for (;;) {
            pause();
        }
    }
    puts(json);
}

static void describe_flood(void)
{
    for (;;) {
        fputs("no description at all\n", stderr);
    }
}

static void describe_twice(void)
{
    static const char path[] = "described-once";
    bool is_first = access(path, F_OK) != 0;
    int fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    if (fd >= 0) {
        close(fd);
    }
    printf("%s%s\n", json, is_first ? "" : " ");
}

static const struct {
    const char *name;
    void (*run)(void);
} modes[] = {
    {"deep", describe_deep}, {"large", describe_large}, {"hang", describe_hang},
    {"fork", describe_fork}, {"flood", describe_flood}, {"twice", describe_twice},
};

int main(int argc, char **argv)
{
    if (argc < 3 || strcmp(argv[2], "--describe") != 0) {
        return 3;
    }
    for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++) {
        if (strcmp(modes[i].name, argv[1]) == 0) {
            modes[i].run();
            return 0;
        }
    }
    return 2;
}

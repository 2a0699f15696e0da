// SPDX-License-Identifier: Apache-2.0
// streambench: measures what frames cost, beside the limits of the machine and other transports.
#include <errno.h>
#include <getopt.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <streambroker/version.h>

#include "base/check.h"
#include "base/search.h"
#include "base/units.h"
#include "tools/bench/bench.h"
#include "tools/bench/goals.h"
#include "tools/bench/machine.h"
#include "tools/bench/peers.h"

#define EXIT_USAGE 2

struct row {
    const char *name;
    const char *text;
    bench_row_fn run;
};

static const struct row rows[] = {
#define ROW(name, text) {#name, text, row_##name},
#include "tools/bench/rows.def"
#undef ROW
};

static const struct option options[] = {
    {"rounds", required_argument, NULL, 'r'}, {"seconds", required_argument, NULL, 's'},
    {"frames", required_argument, NULL, 'n'}, {"json", no_argument, NULL, 'j'},
    {"list", no_argument, NULL, 'l'},         {"help", no_argument, NULL, 'h'},
    {"version", no_argument, NULL, 'v'},      {NULL, 0, NULL, 0},
};

static struct bench bench = {.rounds = 3, .seconds = 0.3, .frames = 10000000};

static void print_help(FILE *to)
{
    fprintf(to,
            "streambench [ROW...] [--rounds N] [--seconds S] [--frames N] [--json] [--list]\n\n"
            "Measures frames through a real broker and real workers, with the machine's limits\n"
            "other transports in the same rounds. Without a ROW all of them.\n\n"
            "  --rounds N   rounds, 1 to %d (default 3)\n"
            "  --seconds S  length of one measurement (default 0.3)\n"
            "  --frames N   frames of the row syscalls (default 10000000)\n"
            "  --json       everything as one JSON document\n"
            "  --list       the rows\n"
            "  --version    the version\n",
            FIGURES_ROUNDS_MAX);
}

static void print_rows(void)
{
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        printf("%-11s %s\n", rows[i].name, rows[i].text);
    }
}

static int parse_number(const char *text, double lowest, double highest, double *out_value)
{
    if (units_parse_real(text, out_value) != 0 || *out_value < lowest || *out_value > highest) {
        fprintf(stderr, "streambench: '%s' is not a number from %g to %g\n", text, lowest, highest);
        return -EINVAL;
    }
    return 0;
}

// Returns -1 to go on, or the exit status.
static int parse_options(int argc, char **argv)
{
    double value;
    for (int option; (option = getopt_long(argc, argv, "h", options, NULL)) != -1;) {
        int failed = 0;
        switch (option) {
        case 'r':
            failed = parse_number(optarg, 1, FIGURES_ROUNDS_MAX, &value);
            bench.rounds = failed == 0 ? (unsigned)value : bench.rounds;
            break;
        case 's':
            failed = parse_number(optarg, 0.01, 600, &bench.seconds);
            break;
        case 'n':
            failed = parse_number(optarg, 1, 1e12, &value);
            bench.frames = failed == 0 ? (uint64_t)value : bench.frames;
            break;
        case 'j':
            bench.is_json = true;
            break;
        case 'l':
            print_rows();
            return 0;
        case 'v':
            printf("streambench %s\n", SB_VERSION_STRING);
            return 0;
        case 'h':
            print_help(stdout);
            return 0;
        default:
            print_help(stderr);
            return EXIT_USAGE;
        }
        if (failed != 0) {
            return EXIT_USAGE;
        }
    }
    return -1;
}

static const struct row *find_row(const char *name)
{
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        if (strcmp(rows[i].name, name) == 0) {
            return &rows[i];
        }
    }
    return NULL;
}

static int prepare(void)
{
    int cpus[2] = {0, 0};
    unsigned count = machine_cpus(cpus, 2);
    bench.cpus[0] = cpus[0];
    bench.cpus[1] = count > 1 ? cpus[1] : cpus[0];
    int failed = search_beside_program(".", bench.programs);
    const char *base = getenv("TMPDIR");
    snprintf(bench.folder, sizeof bench.folder, "%s/streambench-XXXXXX",
             base != NULL ? base : "/tmp");
    if (failed == 0 && mkdtemp(bench.folder) == NULL) {
        failed = -errno;
    }
    return failed;
}

static void clean(void)
{
    static const char *const files[] = {"bench.yaml", "line", "roudi.toml", "trace"};
    peers_stop();
    for (size_t i = 0; i < ARRAY_COUNT(files); i++) {
        char path[PATH_MAX + 32];
        snprintf(path, sizeof path, "%s/%s", bench.folder, files[i]);
        unlink(path);
    }
    rmdir(bench.folder);
}

static volatile sig_atomic_t is_stopping;

// The first signal ends the run after the row in work, the second one ends the program.
static void on_signal(int number)
{
    (void)number;
    is_stopping = 1;
}

static void catch_signals(void)
{
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = (int)SA_RESETHAND};
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    signal(SIGPIPE, SIG_IGN);
}

static void run_row(const struct row *row)
{
    if (is_stopping == 0) {
        fprintf(stderr, "round %u of %u: %s\n", bench.round + 1, bench.rounds, row->name);
        row->run(&bench);
    }
}

static void run_rows(char **names, int count)
{
    for (bench.round = 0; bench.round < bench.rounds; bench.round++) {
        for (size_t i = 0; count == 0 && i < ARRAY_COUNT(rows); i++) {
            run_row(&rows[i]);
        }
        for (int i = 0; i < count; i++) {
            run_row(find_row(names[i]));
        }
    }
}

// The one number that other tools ask for stands at the top as well.
static void print_json(json_t *machine)
{
    json_t *object = json_object();
    json_t *run = json_object();
    double per_frame;
    json_object_set_new(run, "rounds", json_integer((json_int_t)bench.rounds));
    json_object_set_new(run, "seconds", json_real(bench.seconds));
    json_object_set_new(run, "cpus", json_pack("[ii]", bench.cpus[0], bench.cpus[1]));
    json_object_set(object, "machine", machine);
    json_object_set_new(object, "run", run);
    json_object_set_new(object, "figures", figures_json(&bench.figures));
    json_object_set_new(object, "goals", goals_json(&bench.figures));
    if (figures_median(&bench.figures, "syscalls.all.per_frame", &per_frame)) {
        json_object_set_new(object, "syscalls_per_frame", json_real(per_frame));
    }
    json_dumpf(object, stdout, JSON_INDENT(1) | JSON_REAL_PRECISION(6));
    printf("\n");
    json_decref(object);
}

int main(int argc, char **argv)
{
    int status = parse_options(argc, argv);
    if (status >= 0) {
        return status;
    }
    for (int i = optind; i < argc; i++) {
        if (find_row(argv[i]) == NULL) {
            fprintf(stderr, "streambench: there is no row '%s'; --list shows them\n", argv[i]);
            return EXIT_USAGE;
        }
    }
    int failed = prepare();
    if (failed != 0) {
        fprintf(stderr, "streambench: %s\n", strerror(-failed));
        return 1;
    }
    catch_signals();
    // Before, because the rows that need many processes are a load of their own.
    json_t *machine = machine_json();
    run_rows(argv + optind, argc - optind);
    clean();
    if (bench.is_json) {
        print_json(machine);
    } else {
        figures_print(&bench.figures);
        goals_print(&bench.figures);
    }
    json_decref(machine);
    return 0;
}

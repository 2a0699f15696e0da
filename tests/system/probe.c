// SPDX-License-Identifier: Apache-2.0
// probe: a processor for tests. It says what it sees, works for a while, fails when it is told to.
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <streambroker/streambroker.h>

#define TICKS_MAX 8192
#define HOLDS 4

// Counts what is allocated by this program and every library in it: these replace libc's own.
static uint64_t allocations;

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *old, size_t size);

void *malloc(size_t size)
{
    allocations++;
    return __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
    allocations++;
    return __libc_calloc(count, size);
}

void *realloc(void *old, size_t size)
{
    allocations++;
    return __libc_realloc(old, size);
}
#endif

struct tick_seen {
    uint64_t number;
    int64_t due_ns;
    int64_t now_ns;
};

struct probe {
    struct sb_output *output;
    int64_t limit;  // calls until it finishes, 0 = none
    int64_t work_ns;
    int64_t slow_at;   // the only call that works, 0 = all
    int64_t fail_at;   // this call returns an error, 0 = none
    int64_t large_at;  // this frame is larger than its slot, 0 = none
    int64_t hold;      // frames that are kept until the end
    int64_t calls;
    uint64_t allocations_before;  // when the second call began: the first ones may set up
    int64_t kept_count;
    struct sb_frame kept[HOLDS];
    uint64_t tick_count;
    struct tick_seen ticks[TICKS_MAX];
};

static int probe_open(struct sb_node *node)
{
    struct probe *probe = calloc(1, sizeof *probe);
    if (probe == NULL) {
        return -ENOMEM;
    }
    sb_node_set_data(node, probe);
    probe->output = sb_node_output(node, "data");
    probe->limit = sb_param_int(node, "limit");
    probe->work_ns = sb_param_int(node, "work");
    probe->slow_at = sb_param_int(node, "slow_at");
    probe->fail_at = sb_param_int(node, "fail_at");
    probe->large_at = sb_param_int(node, "large_at");
    probe->hold = sb_param_int(node, "hold");
    const char *say = sb_param_string(node, "say");
    if (say[0] != '\0') {
        printf("%s\n", say);
        fflush(stdout);
    }
    if (sb_param_bool(node, "params")) {
        printf("int=%" PRId64 " real=%g bool=%d string=%s choice=%d duration=%" PRId64
               " size=%" PRId64 " path=%s\n",
               sb_param_int(node, "limit"), sb_param_real(node, "real"),
               sb_param_bool(node, "params"), sb_param_string(node, "say"),
               sb_param_choice(node, "choice"), sb_param_int(node, "work"),
               sb_param_int(node, "size"), sb_param_string(node, "path"));
        fflush(stdout);
    }
    struct sb_format format = {.kind = SB_FORMAT_BINARY};
    return sb_output_offer(probe->output, &format, 1, (uint64_t)sb_param_int(node, "size"));
}

// What every call does. Returns an error when it is its turn.
static int call(struct sb_node *node, struct probe *probe)
{
    probe->calls++;
    if (probe->calls == 2) {
        probe->allocations_before = allocations;
    }
    if (probe->work_ns > 0 && (probe->slow_at == 0 || probe->calls == probe->slow_at)) {
        struct timespec span = {probe->work_ns / 1000000000, probe->work_ns % 1000000000};
        (void)clock_nanosleep(CLOCK_MONOTONIC, 0, &span, NULL);
    }
    if (probe->calls == probe->limit) {
        sb_node_finish(node);
    }
    if (probe->calls == probe->fail_at) {
        return sb_node_error(node, -EIO, "the lens is dirty");
    }
    return 0;
}

static int publish(struct probe *probe)
{
    uint64_t size_bytes = 64;
    if (probe->calls == probe->large_at) {
        size_bytes = 1000000;
    }
    struct sb_buffer buffer;
    int failed = sb_output_claim(probe->output, size_bytes, &buffer);
    if (failed != 0) {
        return failed;
    }
    memset(buffer.data, 0, size_bytes);
    return sb_output_publish(probe->output, &buffer);
}

static int probe_tick(struct sb_node *node, uint64_t tick, int64_t due_ns)
{
    struct probe *probe = sb_node_data(node);
    if (probe->tick_count < TICKS_MAX) {
        probe->ticks[probe->tick_count++] =
            (struct tick_seen){.number = tick, .due_ns = due_ns, .now_ns = sb_now_ns()};
    }
    int failed = call(node, probe);
    return failed != 0 ? failed : publish(probe);
}

static int probe_loop(struct sb_node *node)
{
    struct probe *probe = sb_node_data(node);
    int failed = call(node, probe);
    return failed != 0 ? failed : publish(probe);
}

static int probe_frame(struct sb_node *node, const struct sb_frame *frame)
{
    struct probe *probe = sb_node_data(node);
    if (sb_param_bool(node, "frames")) {
        printf("%s %" PRIu64 " %" PRIu64 " %" PRIu64 "\n", sb_input_name(frame->input), frame->seq,
               frame->number, frame->size_bytes);
        fflush(stdout);
    }
    if (probe->kept_count < probe->hold) {
        int failed = sb_frame_hold(frame, &probe->kept[probe->kept_count]);
        if (failed != 0) {
            return failed;
        }
        probe->kept_count++;
    }
    int failed = call(node, probe);
    return failed != 0 ? failed : sb_output_copy(probe->output, frame);
}

static int probe_run(struct sb_node *node)
{
    struct probe *probe = sb_node_data(node);
    while (!sb_node_should_stop(node)) {
        int failed = probe_loop(node);
        if (failed != 0 || probe->calls == probe->limit) {
            return failed;
        }
    }
    return 0;
}

static void probe_close(struct sb_node *node)
{
    struct probe *probe = sb_node_data(node);
    if (probe == NULL) {
        return;
    }
    uint64_t allocated = probe->calls < 2 ? 0 : allocations - probe->allocations_before;
    printf("calls %" PRId64 " allocations %" PRIu64 "\n", probe->calls, allocated);
    for (uint64_t i = 0; i < probe->tick_count; i++) {
        printf("tick %" PRIu64 " %" PRId64 " %" PRId64 "\n", probe->ticks[i].number,
               probe->ticks[i].due_ns, probe->ticks[i].now_ns);
    }
    if (probe->tick_count > 0) {
        printf("ticks %" PRIu64 " missed %" PRIu64 " period %" PRId64 "\n", probe->tick_count,
               sb_node_missed_ticks(node), sb_node_tick_period_ns(node));
    }
    fflush(stdout);
    free(probe);
}

static const struct sb_port inputs[] = {
    {.name = "data",
     .type = SB_PORT_DATA,
     .help = "Frames to see.",
     .count = 4,
     .is_optional = true,
     .holds = HOLDS,
     .is_memory = true},
};

static const struct sb_port outputs[] = {
    {.name = "data",
     .type = SB_PORT_DATA,
     .help = "The same frames, or frames of 64 bytes.",
     .kinds = SB_BIT(SB_FORMAT_BINARY)},
};

static const char *const choices[] = {"red", "green", "blue", NULL};

#define COUNT(word, text)                                                                          \
    {                                                                                              \
        .name = word, .type = SB_PARAM_INT, .help = text, .initial = "0", .maximum = 1e12          \
    }

static const struct sb_param params[] = {
    COUNT("limit", "Calls until it finishes, 0 = none."),
    COUNT("slow_at", "The only call that works, 0 = all."),
    COUNT("fail_at", "The call that fails, 0 = none."),
    COUNT("large_at", "The call whose frame is too large, 0 = none."),
    {.name = "hold",
     .type = SB_PARAM_INT,
     .help = "Frames that it keeps until the end.",
     .initial = "0",
     .maximum = HOLDS},
    {.name = "work", .type = SB_PARAM_DURATION, .help = "Time of a call.", .initial = "0s"},
    {.name = "size", .type = SB_PARAM_SIZE, .help = "Bytes of a slot.", .initial = "64"},
    {.name = "say", .type = SB_PARAM_STRING, .help = "Printed at the start.", .initial = ""},
    {.name = "frames", .type = SB_PARAM_BOOL, .help = "Print frames.", .initial = "false"},
    {.name = "params", .type = SB_PARAM_BOOL, .help = "Print values.", .initial = "false"},
    {.name = "real", .type = SB_PARAM_REAL, .help = "A number.", .initial = "0.5"},
    {.name = "path", .type = SB_PARAM_PATH, .help = "A file.", .initial = "file"},
    {.name = "choice",
     .type = SB_PARAM_CHOICE,
     .help = "A colour.",
     .initial = "red",
     .choices = choices},
};

static const struct sb_processor probe = {
    .struct_size = sizeof probe,
    .name = "probe",
    .version = "1.0.0",
    .summary = "Says what it sees, for tests.",
    .inputs = inputs,
    .input_count = 1,
    .outputs = outputs,
    .output_count = 1,
    .params = params,
    .param_count = sizeof params / sizeof params[0],
    .open = probe_open,
    .on_frame = probe_frame,
    .on_tick = probe_tick,
    .on_loop = probe_loop,
    .run = probe_run,
    .close = probe_close,
};

int main(int argc, char **argv)
{
    return sb_processor_main(&probe, argc, argv);
}

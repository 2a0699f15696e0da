// SPDX-License-Identifier: Apache-2.0
// faulty: a filter that does the wrong thing at a chosen place, for tests of supervision.
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <streambroker/streambroker.h>

enum fault { NONE, EXIT, ABORT, SEGV, BUS, STACK, HANG, SPIN, STOP, ERROR, LOSE };
enum place { PLACE_OPEN, PLACE_FRAME, PLACE_CLOSE };

static volatile uint64_t counter;

// Deeper at each call, with something on every page.
static uint64_t fall(uint64_t depth)
{
    volatile char page[4096];
    page[0] = (char)depth;
    counter = depth;
    return counter == UINT64_MAX ? 0 : fall(depth + 1) + (uint64_t)page[0];
}

// The file behind a mapping is gone.
static void touch_nothing(void)
{
    int fd = open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (fd < 0 || ftruncate(fd, 4096) < 0) {
        _exit(99);
    }
    volatile char *bytes = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);
    if (ftruncate(fd, 0) < 0) {
        _exit(99);
    }
    counter = (uint64_t)bytes[0];
}

static void do_fault(struct sb_node *node)
{
    switch ((enum fault)sb_param_choice(node, "fault")) {
    case EXIT:
        _exit((int)sb_param_int(node, "code"));
    case ABORT:
        abort();
    case SEGV:
        raise(SIGSEGV);
        break;
    case BUS:
        touch_nothing();
        break;
    case STACK:
        counter = fall(0);
        break;
    case HANG:
        for (;;) {
            pause();
        }
    case SPIN:
        for (;;) {
            counter++;
        }
    case STOP:
        raise(SIGSTOP);
        break;
    case LOSE:
        sb_node_lose_device(node, "it was asked to lose it");
    case ERROR:
    case NONE:
        break;
    }
}

static int at(struct sb_node *node, enum place place)
{
    int64_t lives = sb_param_int(node, "lives");
    bool is_faulty_life = lives == 0 || (int64_t)sb_node_generation(node) <= lives;
    if (!is_faulty_life || (enum place)sb_param_choice(node, "place") != place) {
        return 0;
    }
    do_fault(node);
    bool is_error = (enum fault)sb_param_choice(node, "fault") == ERROR;
    return is_error ? sb_node_error(node, -EIO, "it was asked to fail") : 0;
}

static int faulty_open(struct sb_node *node)
{
    const char *name = sb_param_string(node, "device");
    struct sb_node_device device = {.struct_size = sizeof device};
    memcpy(device.device_uuid, name, strnlen(name, sizeof device.device_uuid));
    int failed = name[0] == '\0' ? 0 : sb_node_set_device(node, &device);
    return failed == 0 ? at(node, PLACE_OPEN) : failed;
}

static int faulty_frame(struct sb_node *node, const struct sb_frame *frame)
{
    int64_t number = sb_param_int(node, "at");
    int64_t every = sb_param_int(node, "every");
    if ((int64_t)frame->number == number ||
        (every > 0 && (int64_t)frame->number % every == every - 1)) {
        int failed = at(node, PLACE_FRAME);
        if (failed < 0) {
            return failed;
        }
    }
    return sb_output_copy(sb_node_output(node, "out"), frame);
}

static void faulty_close(struct sb_node *node)
{
    (void)at(node, PLACE_CLOSE);
}

static const struct sb_port inputs[] = {
    {.name = "in", .type = SB_PORT_ANY, .help = "Frames of any type."},
};

static const struct sb_port outputs[] = {
    {.name = "out",
     .type = SB_PORT_ANY,
     .help = "The same frames.",
     .follows = "in",
     .is_one_per_step = true},
};

static const char *const faults[] = {"none", "exit", "abort", "segv",  "bus",  "stack",
                                     "hang", "spin", "stop",  "error", "lose", NULL};
static const char *const places[] = {"open", "frame", "close", NULL};

static const struct sb_param params[] = {
    {.name = "fault",
     .type = SB_PARAM_CHOICE,
     .help = "What it does.",
     .initial = "none",
     .choices = faults,
     .is_fixed = true},
    {.name = "place",
     .type = SB_PARAM_CHOICE,
     .help = "In which call.",
     .initial = "frame",
     .choices = places,
     .is_fixed = true},
    {.name = "at",
     .type = SB_PARAM_INT,
     .help = "At which frame number, -1 = none.",
     .initial = "-1",
     .minimum = -1,
     .maximum = 1e15,
     .is_fixed = true},
    {.name = "every",
     .type = SB_PARAM_INT,
     .help = "At every such frame, 0 = none.",
     .initial = "0",
     .minimum = 0,
     .maximum = 1e15,
     .is_fixed = true},
    {.name = "lives",
     .type = SB_PARAM_INT,
     .help = "In the first lives only, 0 = in all.",
     .initial = "0",
     .minimum = 0,
     .maximum = 1e9,
     .is_fixed = true},
    {.name = "device",
     .type = SB_PARAM_STRING,
     .help = "What it says is the UUID of its device; empty = it has none.",
     .initial = "",
     .maximum = SB_DEVICE_UUID_BYTES,
     .is_fixed = true},
    {.name = "code",
     .type = SB_PARAM_INT,
     .help = "Exit code of an exit.",
     .initial = "3",
     .minimum = 0,
     .maximum = 255,
     .is_fixed = true},
};

static const struct sb_processor faulty = {
    .struct_size = sizeof faulty,
    .name = "faulty",
    .version = "1.0.0",
    .summary = "Does the wrong thing at a chosen place.",
    .inputs = inputs,
    .input_count = 1,
    .outputs = outputs,
    .output_count = 1,
    .params = params,
    .param_count = sizeof params / sizeof params[0],
    .open = faulty_open,
    .on_frame = faulty_frame,
    .close = faulty_close,
};

int main(int argc, char **argv)
{
    return sb_processor_main(&faulty, argc, argv);
}

// SPDX-License-Identifier: Apache-2.0
// A sink that knows every number it has seen: none may be missing at the end, and none may come a
// second time without the flag that says so.
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include <streambroker/streambroker.h>

#define NUMBERS_MAX (1U << 20)

struct tally {
    uint64_t end;  // of the numbers that were seen
    uint64_t again;
    bool seen[NUMBERS_MAX];
};

static int tally_open(struct sb_node *node)
{
    struct tally *tally = calloc(1, sizeof *tally);
    sb_node_set_data(node, tally);
    return tally != NULL ? 0 : -ENOMEM;
}

static int tally_frame(struct sb_node *node, const struct sb_frame *frame)
{
    struct tally *tally = sb_node_data(node);
    if (frame->number >= NUMBERS_MAX) {
        return -ERANGE;
    }
    bool is_again = tally->seen[frame->number];
    if (is_again && (frame->flags & SB_FRAME_REDELIVERED) == 0) {
        sb_node_fail_data(node, "number %" PRIu64 " came twice, and nothing said so",
                          frame->number);
    }
    tally->again += is_again ? 1 : 0;
    tally->seen[frame->number] = true;
    tally->end = frame->number >= tally->end ? frame->number + 1 : tally->end;
    return 0;
}

static int tally_drain(struct sb_node *node)
{
    const struct tally *tally = sb_node_data(node);
    for (uint64_t number = 0; number < tally->end; number++) {
        if (!tally->seen[number]) {
            sb_node_fail_data(node, "number %" PRIu64 " of %" PRIu64 " never came", number,
                              tally->end);
            return 0;
        }
    }
    printf("tally: %" PRIu64 " numbers, %" PRIu64 " came again\n", tally->end, tally->again);
    return 0;
}

static void tally_close(struct sb_node *node)
{
    free(sb_node_data(node));
}

static const struct sb_port inputs[] = {
    {.name = "in", .type = SB_PORT_ANY, .help = "Frames numbered from 0 without a gap."},
};

static const struct sb_processor tally_processor = {
    .struct_size = sizeof tally_processor,
    .name = "tally",
    .version = "1.0.0",
    .inputs = inputs,
    .input_count = 1,
    .open = tally_open,
    .on_frame = tally_frame,
    .on_drain = tally_drain,
    .close = tally_close,
};

int main(int argc, char **argv)
{
    return sb_processor_main(&tally_processor, argc, argv);
}

// SPDX-License-Identifier: Apache-2.0
// What it means that a node lost its device. Pure: times come in, answers go out.
//
// One loss may be the node's own doing, and it alone starts again. A second one on the same device
// soon after says that the device was reset, and with it what everybody else has on it: everything
// on it starts again. When that does not help, losses count like other deaths, which are bounded.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <streambroker/memory.h>

#include "base/clock.h"

#define DEVICE_LOSS_PAIR_NS (5 * CLOCK_NS_PER_S)    // two losses within it concern all
#define DEVICE_LOSS_QUIET_NS (60 * CLOCK_NS_PER_S)  // without a loss: what was before is forgiven
#define DEVICE_LOSS_ROUNDS_MAX 3                    // restarts of all, until then
#define DEVICE_TEXT_BYTES 512
#define DEVICE_LOSS_DEVICES_MAX 16  // the one that was quiet longest makes room

enum device_loss_answer {
    DEVICE_LOSS_ALONE,   // the node starts again, and nobody else
    DEVICE_LOSS_ROUND,   // everything on the device starts again
    DEVICE_LOSS_JOINED,  // that is under way already, and this life is older than it
    DEVICE_LOSS_BROKEN,  // it did not help: this death counts
};

struct device_loss {
    uint8_t uuid[SB_DEVICE_UUID_BYTES];
    int64_t last_ns;   // of the newest loss
    int64_t round_ns;  // when everything on it began to start again last
    uint32_t rounds;   // how often, since it was quiet
};

struct device_losses {
    uint32_t count;
    struct device_loss devices[DEVICE_LOSS_DEVICES_MAX];
};

// How a node stands with its device.
struct device_stand {
    bool is_known;  // this life or one before it said which one it works on
    uint8_t uuid[SB_DEVICE_UUID_BYTES];
    bool is_lost;  // this life said so, and why:
    char text[DEVICE_TEXT_BYTES];
    bool is_turn_awaited;  // everything on the device starts again, and others are before it
    bool is_turn;          // others wait until it has opened the device
};

// A life that began then has lost the device now. Counts it.
enum device_loss_answer device_loss_note(struct device_losses *losses,
                                         const uint8_t uuid[SB_DEVICE_UUID_BYTES], int64_t begun_ns,
                                         int64_t now_ns);

// SPDX-License-Identifier: Apache-2.0
// What a dead worker was doing, read from its status page: its last step and the frames of it.
//
// The bytes are those of a dead, perhaps hostile process: they are copied once and clamped. The
// claims of a step count as one: either the step is done for all of them, or all come again.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "schemas/limits.h"
#include "schemas/status_layout.h"

#define RESUME_STEP_MAX (UINT64_C(1) << 61)

struct resume_claim {
    uint32_t link_id;
    bool is_held;  // beyond the step: it comes again also when the step is done
    uint64_t seq;
};

struct resume {
    uint64_t step;  // the last one that it entered, 0 = none
    bool is_done;   // every output of it is published
    // Some outputs have it and some do not: its claims must come again as one step with this
    // number, so that the outputs that have it can be told from the others.
    bool is_partial;
    size_t claim_count;
    struct resume_claim claims[LIMIT_STEP_CLAIMS_MAX];
};

// page is NULL when the worker never had one. last_steps: for each output link that carries at most
// one frame per step, the newest step that it has; 0 for the others, which nobody can tell from.
void resume_read(const struct status_page *page, const uint64_t *last_steps, size_t output_count,
                 struct resume *out_resume);

// The number with which the next life begins. has_claims: frames of the step come again.
uint64_t resume_first_step(const struct resume *resume, bool has_claims);

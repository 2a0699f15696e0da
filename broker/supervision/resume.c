// SPDX-License-Identifier: Apache-2.0
// Judges the last step of a dead worker.
#include "broker/supervision/resume.h"

#define ACQUIRE memory_order_acquire
#define RELAXED memory_order_relaxed

static void read_claims(const struct status_page *page, struct resume *resume)
{
    uint32_t count = atomic_load_explicit(&page->claim_count, ACQUIRE);
    resume->claim_count = count > LIMIT_STEP_CLAIMS_MAX ? LIMIT_STEP_CLAIMS_MAX : count;
    for (size_t i = 0; i < resume->claim_count; i++) {
        resume->claims[i] = (struct resume_claim){
            .link_id = atomic_load_explicit(&page->claims[i].link_id, RELAXED),
            .is_held = atomic_load_explicit(&page->claims[i].is_held, RELAXED) != 0,
            .seq = atomic_load_explicit(&page->claims[i].seq, RELAXED)};
    }
}

void resume_read(const struct status_page *page, const uint64_t *last_steps, size_t output_count,
                 struct resume *out_resume)
{
    out_resume->step = 0;
    out_resume->is_done = false;
    out_resume->is_partial = false;
    out_resume->claim_count = 0;
    if (page == NULL) {
        return;
    }
    uint64_t step = atomic_load_explicit(&page->step, ACQUIRE);
    step = step > RESUME_STEP_MAX ? RESUME_STEP_MAX : step;
    out_resume->step = step;
    read_claims(page, out_resume);
    size_t having = 0;
    for (size_t i = 0; i < output_count; i++) {
        having += step > 0 && last_steps[i] >= step ? 1 : 0;
    }
    bool is_said = step > 0 && atomic_load_explicit(&page->done, ACQUIRE) >= step;
    out_resume->is_done = is_said || (output_count > 0 && having == output_count);
    out_resume->is_partial = !out_resume->is_done && having > 0;
}

uint64_t resume_first_step(const struct resume *resume, bool has_claims)
{
    return resume->is_partial && has_claims ? resume->step : resume->step + 1;
}

// SPDX-License-Identifier: Apache-2.0
// How late the loop comes to what is due: a histogram of powers of two, and quantiles of it.
#pragma once

#include <jansson.h>
#include <stdint.h>

#define LATENESS_BUCKETS 24  // bucket n: less than 2^n microseconds; the last: all above

struct lateness {
    uint64_t counts[LATENESS_BUCKETS];
    uint64_t total;
    int64_t most_ns;
};

// Negative is in time.
void lateness_note(struct lateness *lateness, int64_t late_ns);

// The upper bound of the bucket in which the share (in thousandths) of all lies; 0 when nothing was
// counted. For the last bucket it is the most that was seen.
int64_t lateness_quantile_ns(const struct lateness *lateness, unsigned permille);

// {"count", "p50_us", "p99_us", "max_us"}
json_t *lateness_json(const struct lateness *lateness);

// SPDX-License-Identifier: Apache-2.0
// Counts lateness in buckets.
#include "broker/lateness.h"

#include "base/clock.h"

void lateness_note(struct lateness *lateness, int64_t late_ns)
{
    unsigned bucket = 0;
    while (bucket < LATENESS_BUCKETS - 1 && late_ns >= (CLOCK_NS_PER_US << bucket)) {
        bucket++;
    }
    lateness->counts[bucket]++;
    lateness->total++;
    if (late_ns > lateness->most_ns) {
        lateness->most_ns = late_ns;
    }
}

int64_t lateness_quantile_ns(const struct lateness *lateness, unsigned permille)
{
    uint64_t wanted = (lateness->total * permille + 999) / 1000;
    uint64_t seen = 0;
    for (unsigned i = 0; i < LATENESS_BUCKETS && lateness->total > 0; i++) {
        seen += lateness->counts[i];
        if (seen >= wanted) {
            int64_t bound_ns = CLOCK_NS_PER_US << i;
            return bound_ns < lateness->most_ns ? bound_ns : lateness->most_ns;
        }
    }
    return 0;
}

json_t *lateness_json(const struct lateness *lateness)
{
    return json_pack("{s:I, s:I, s:I, s:I}", "count", (json_int_t)lateness->total, "p50_us",
                     (json_int_t)(lateness_quantile_ns(lateness, 500) / CLOCK_NS_PER_US), "p99_us",
                     (json_int_t)(lateness_quantile_ns(lateness, 990) / CLOCK_NS_PER_US), "max_us",
                     (json_int_t)(lateness->most_ns / CLOCK_NS_PER_US));
}

// SPDX-License-Identifier: Apache-2.0
// From the death of a worker to the first frame of its replacement.
#include "tools/bench/bench.h"

void row_recovery(struct bench *bench)
{
    figures_miss(&bench->figures, "supervision is not part of this build yet",
                 "recovery.first_frame");
    figures_miss(&bench->figures, "supervision is not part of this build yet", "recovery.known");
}

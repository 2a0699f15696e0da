// SPDX-License-Identifier: Apache-2.0
// The table of exit statuses.
#include "base/exit_status.h"

#include "base/check.h"

static const struct exit_status rows[] = {
#define STATUS(number, who, meaning, advice) {(number), EXIT_STATUS_OF_##who, (meaning), (advice)},
#include "base/exit_status.def"
#undef STATUS
};

const struct exit_status *exit_status_row(size_t index)
{
    return index < ARRAY_COUNT(rows) ? &rows[index] : NULL;
}

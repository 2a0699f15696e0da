// SPDX-License-Identifier: Apache-2.0
// What exit statuses mean, for helps, pages and documents: one table, exit_status.def.
#pragma once

#include <stddef.h>

enum exit_status_of { EXIT_STATUS_OF_BROKER, EXIT_STATUS_OF_CONTROL, EXIT_STATUS_OF_WORKER };

struct exit_status {
    int number;
    enum exit_status_of of;
    const char *meaning;
    const char *advice;  // as Markdown
};

// Row after row; NULL behind the last.
const struct exit_status *exit_status_row(size_t index);

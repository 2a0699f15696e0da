// SPDX-License-Identifier: Apache-2.0
// Events and log records as lines for people.
#pragma once

#include <jansson.h>
#include <stdio.h>

// "12:00:01.250 node-restarting blur[2]: died: ... count=3", or how many were missed.
void line_print_event(const json_t *event, FILE *out);

// The line as the broker's own log has it: "warning blur[2]: text".
void line_print_log(const json_t *record, FILE *out);

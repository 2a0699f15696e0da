// SPDX-License-Identifier: Apache-2.0
// streamctl(1), out of the table of verbs.
#pragma once

#include <stdio.h>

void verb_man_print(FILE *out);

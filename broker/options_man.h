// SPDX-License-Identifier: Apache-2.0
// streambroker(1), out of the table of options.
#pragma once

#include <stdio.h>

void options_man_print(FILE *out);

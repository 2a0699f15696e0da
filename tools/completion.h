// SPDX-License-Identifier: Apache-2.0
// Completion scripts for shells, made of the table of verbs.
#pragma once

// Prints the script for "bash", "zsh" or "fish". Returns an exit status.
int completion_print(const char *shell);

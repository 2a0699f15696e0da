// SPDX-License-Identifier: Apache-2.0
// The files of sandbox/policies as they were at build time; the array is generated.
#pragma once

struct policy_text {
    const char *name;  // of the file, without .seccomp
    const char *text;
};

extern const struct policy_text policy_texts[];  // ends with a row of NULL

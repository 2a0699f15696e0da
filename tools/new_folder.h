// SPDX-License-Identifier: Apache-2.0
// A folder with a processor of one's own: source, build files, a graph and a test.
#pragma once

// Makes the folder NAME; language is c or python. Returns an exit status.
int new_folder(const char *language, const char *name);

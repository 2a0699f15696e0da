// SPDX-License-Identifier: Apache-2.0
// Where programs are found: a folder, the folders of a list with colons, and the install.
#pragma once

#include <limits.h>
#include <stddef.h>

// In this order. Each may be NULL.
struct search_places {
    const char *folder;  // of the graph; a name with a slash is looked up here only
    const char *path;    // folders separated by colons
    const char *install;
};

// The folder `relative` as seen from the folder of the running program ("../libexec/x"), resolved.
// Returns 0, -ENOENT and others.
int search_beside_program(const char *relative, char out_folder[PATH_MAX]);

// The folder LIB of this install, with our library and, in LIB/streambroker, what belongs to it; as
// seen from the running program, which is in its bin. Returns 0, -ENOENT and others.
int search_lib(char out_folder[PATH_MAX]);

// Finds an executable file. Returns 0 and its absolute path; -ENOENT when it is in none of the
// places; -EACCES when what was found may not be executed; -ENAMETOOLONG.
int search_program(const struct search_places *places, const char *name, char out_path[PATH_MAX]);

// Calls visit with each program of the path and the install (not of the folder, which holds
// anything), in the order of the places; within a place sorted by name. It may see one name twice:
// the first one counts. Returns 0, or the first value other than 0 that visit returned.
typedef int (*search_visit_fn)(void *context, const char *folder, const char *name);
int search_each(const struct search_places *places, search_visit_fn visit, void *context);

// SPDX-License-Identifier: Apache-2.0
// Which libraries a program needs besides the system's, read from its file.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <elf.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

#include "base/search.h"
#include "broker/lives/libraries.h"

#define CASE(name) cmocka_unit_test(name)

static void a_program_of_the_system_needs_nothing_else(void **state)
{
    (void)state;
    struct libraries found = {0};
    int fd = open("/bin/true", O_RDONLY | O_CLOEXEC);
    assert_int_equal(libraries_find(fd, "/bin/true", &found), 0);
    assert_int_equal(found.count, 0);
    close(fd);
}

static void a_stock_processor_of_the_build_needs_our_library(void **state)
{
    (void)state;
    char folder[PATH_MAX];
    char path[PATH_MAX + 16];
    assert_int_equal(search_beside_program("../../../libexec/streambroker", folder), 0);
    snprintf(path, sizeof path, "%s/pass", folder);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    struct libraries found = {0};
    assert_int_equal(libraries_find(fd, path, &found), 0);
    assert_true(found.count >= 1);
    assert_non_null(strstr(found.paths[0], "/lib/libstreambroker.so"));
    libraries_free(&found);
    assert_int_equal(found.count, 0);
    close(fd);
}

static void nonsense_is_no_error_and_needs_nothing(void **state)
{
    (void)state;
    char path[] = "/tmp/libraries.XXXXXX";
    int fd = mkstemp(path);
    Elf64_Ehdr header = {.e_ident = {0x7f, 'E', 'L', 'F', ELFCLASS64},
                         .e_phentsize = sizeof(Elf64_Phdr),
                         .e_phnum = 2,
                         .e_phoff = sizeof header};
    Elf64_Phdr headers[2] = {{.p_type = PT_LOAD, .p_filesz = UINT64_MAX, .p_offset = UINT64_MAX},
                             {.p_type = PT_DYNAMIC, .p_filesz = UINT64_MAX, .p_offset = 8}};
    for (size_t cut = 0; cut <= sizeof header + sizeof headers; cut += 7) {
        struct libraries found = {0};
        assert_int_equal(ftruncate(fd, 0), 0);
        assert_int_equal(pwrite(fd, &header, sizeof header, 0), sizeof header);
        assert_int_equal(pwrite(fd, headers, sizeof headers, sizeof header), sizeof headers);
        assert_int_equal(ftruncate(fd, (off_t)cut), 0);
        assert_int_equal(libraries_find(fd, path, &found), 0);
        assert_int_equal(found.count, 0);
    }
    close(fd);
    unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_program_of_the_system_needs_nothing_else),
        CASE(a_stock_processor_of_the_build_needs_our_library),
        CASE(nonsense_is_no_error_and_needs_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

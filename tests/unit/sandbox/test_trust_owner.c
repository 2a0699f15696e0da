// SPDX-License-Identifier: Apache-2.0
// Owner and mode of what is open, and reading below a folder.
#include "unit/sandbox/signing.h"

#include "sandbox/trust_owner.h"

static void only_root_and_we_may_be_able_to_write(void **state)
{
    (void)state;
    char folder[] = "/tmp/trust-owner.XXXXXX";
    assert_non_null(mkdtemp(folder));
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    struct diag why = {.text = ""};
    assert_int_equal(trust_owner_check(fd, &why), 0);
    static const mode_t wrong[] = {0720, 0702, 01777};
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(fchmod(fd, wrong[i]), 0);
        assert_int_equal(trust_owner_check(fd, &why), -EPERM);
    }
    close(fd);
    remove_folder(folder);
    fd = open("/usr", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_int_equal(trust_owner_check(fd, &why), 0);
    close(fd);
}

static void a_file_is_read_within_its_bound(void **state)
{
    (void)state;
    char folder[] = "/tmp/trust-owner.XXXXXX";
    assert_non_null(mkdtemp(folder));
    char path[64];
    snprintf(path, sizeof path, "%s/file", folder);
    put_file(path, "12345", 5, 0600);
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    struct diag why = {.text = ""};
    char *bytes = NULL;
    size_t count = 0;
    assert_int_equal(trust_owner_read(fd, "file", 5, &bytes, &count, &why), 0);
    assert_int_equal(count, 5);
    assert_string_equal(bytes, "12345");
    free(bytes);
    assert_int_equal(trust_owner_read(fd, "file", 4, &bytes, &count, &why), -EFBIG);
    assert_int_equal(trust_owner_read(fd, "none", 4, &bytes, &count, &why), -ENOENT);
    assert_int_equal(trust_owner_read(fd, ".", 4, &bytes, &count, &why), -EINVAL);
    close(fd);
    remove_folder(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_root_and_we_may_be_able_to_write),
        cmocka_unit_test(a_file_is_read_within_its_bound),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

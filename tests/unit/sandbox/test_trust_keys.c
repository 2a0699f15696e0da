// SPDX-License-Identifier: Apache-2.0
// Folders of keys: what is read, and what makes a folder refused as a whole.
#include "unit/sandbox/signing.h"

#include "sandbox/trust_keys.h"

static char folder[64];
static struct trust_keys keys;
static struct diag why;

static int setup(void **state)
{
    (void)state;
    snprintf(folder, sizeof folder, "/tmp/trust-keys.XXXXXX");
    memset(&keys, 0, sizeof keys);
    why.text[0] = '\0';
    return sodium_init() < 0 || mkdtemp(folder) == NULL ? -1 : 0;
}

static int teardown(void **state)
{
    (void)state;
    remove_folder(folder);
    return 0;
}

static void put(const char *name, const char *text, mode_t mode)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    put_file(path, text, strlen(text), mode);
}

static struct signer put_key(const char *name, uint8_t id, mode_t mode)
{
    struct signer signer = signer_make(id);
    char text[256];
    signer_key_file(&signer, text, sizeof text);
    put(name, text, mode);
    return signer;
}

static void all_keys_of_a_folder_are_read_and_nothing_else(void **state)
{
    (void)state;
    struct signer one = put_key("one.pub", 1, 0644);
    struct signer two = put_key("two.pub", 2, 0400);
    put("README", "not a key", 0644);
    put(".hidden.pub", "not a key", 0644);
    assert_int_equal(trust_keys_add(&keys, folder, &why), 0);
    assert_int_equal(keys.count, 2);
    assert_memory_equal(trust_keys_find(&keys, one.id)->key, one.public_key, 32);
    assert_memory_equal(trust_keys_find(&keys, two.id)->key, two.public_key, 32);
    const uint8_t other[8] = {9};
    assert_null(trust_keys_find(&keys, other));
    // The same key twice is one key.
    assert_int_equal(trust_keys_add(&keys, folder, &why), 0);
    assert_int_equal(keys.count, 2);
}

static void a_single_file_can_be_named(void **state)
{
    (void)state;
    put_key("one.pub", 1, 0644);
    put_key("two.pub", 2, 0644);
    char path[128];
    snprintf(path, sizeof path, "%s/two.pub", folder);
    assert_int_equal(trust_keys_add(&keys, path, &why), 0);
    assert_int_equal(keys.count, 1);
    assert_int_equal(keys.items[0].id[0], 2);
}

// R-SIGN-008
static void what_others_can_write_is_refused_by_name(void **state)
{
    (void)state;
    put_key("one.pub", 1, 0664);
    assert_int_equal(trust_keys_add(&keys, folder, &why), -EPERM);
    assert_non_null(strstr(why.text, "one.pub"));
    assert_non_null(strstr(why.text, "chmod go-w"));
    put_key("one.pub", 1, 0644);
    assert_int_equal(chmod(folder, 0777), 0);
    assert_int_equal(trust_keys_add(&keys, folder, &why), -EPERM);
    char path[128];
    snprintf(path, sizeof path, "%s/one.pub", folder);
    assert_int_equal(trust_keys_add(&keys, path, &why), -EPERM);
}

static void what_belongs_to_somebody_else_is_refused(void **state)
{
    (void)state;
    if (geteuid() != 0) {
        print_message("only root can give a file away\n");
        skip();
    }
    put_key("one.pub", 1, 0644);
    char path[128];
    snprintf(path, sizeof path, "%s/one.pub", folder);
    assert_int_equal(chown(path, 12345, 0), 0);
    assert_int_equal(trust_keys_add(&keys, folder, &why), -EPERM);
    assert_non_null(strstr(why.text, "12345"));
}

static void a_link_or_a_pipe_in_place_of_a_key_is_refused(void **state)
{
    (void)state;
    char path[128];
    put_key("one", 1, 0644);
    snprintf(path, sizeof path, "%s/one.pub", folder);
    assert_int_equal(symlink("one", path), 0);
    assert_int_equal(trust_keys_add(&keys, folder, &why), -ELOOP);
    unlink(path);
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_int_equal(trust_keys_add(&keys, folder, &why), -EINVAL);
}

static void a_broken_key_or_a_second_key_of_one_id_is_an_error(void **state)
{
    (void)state;
    put("one.pub", "untrusted comment: x\nnonsense\n", 0644);
    assert_int_equal(trust_keys_add(&keys, folder, &why), -EBADMSG);
    put_key("one.pub", 1, 0644);
    put_key("two.pub", 1, 0644);
    assert_int_equal(trust_keys_add(&keys, folder, &why), -EEXIST);
}

static void a_folder_that_is_not_there_is_an_error(void **state)
{
    (void)state;
    assert_int_equal(trust_keys_add(&keys, "/tmp/there-is-no-such-folder", &why), -ENOENT);
    assert_non_null(strstr(why.text, "there-is-no-such-folder"));
}

static void revoked_ids_are_read_with_comments(void **state)
{
    (void)state;
    put_key("one.pub", 1, 0644);
    put("revoked", "# lost in May\n\n0101010101010101 # one\r\n  EFCDAB8967452301", 0644);
    assert_int_equal(trust_keys_add(&keys, folder, &why), 0);
    const uint8_t one[8] = {1, 1, 1, 1, 1, 1, 1, 1};
    const uint8_t other[8] = {0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef};
    assert_true(trust_keys_is_revoked(&keys, one));
    assert_true(trust_keys_is_revoked(&keys, other));
    const uint8_t two[8] = {2};
    assert_false(trust_keys_is_revoked(&keys, two));
}

static void a_broken_revocation_list_lets_nothing_through(void **state)
{
    (void)state;
    put_key("one.pub", 1, 0644);
    put("revoked", "0101010101010101\n0101-0101\n", 0644);
    assert_int_equal(trust_keys_add(&keys, folder, &why), -EBADMSG);
    assert_non_null(strstr(why.text, "line 2"));
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        CASE(all_keys_of_a_folder_are_read_and_nothing_else),
        CASE(a_single_file_can_be_named),
        CASE(what_others_can_write_is_refused_by_name),
        CASE(what_belongs_to_somebody_else_is_refused),
        CASE(a_link_or_a_pipe_in_place_of_a_key_is_refused),
        CASE(a_broken_key_or_a_second_key_of_one_id_is_an_error),
        CASE(a_folder_that_is_not_there_is_an_error),
        CASE(revoked_ids_are_read_with_comments),
        CASE(a_broken_revocation_list_lets_nothing_through),
    };
#undef CASE
    return cmocka_run_group_tests(tests, NULL, NULL);
}

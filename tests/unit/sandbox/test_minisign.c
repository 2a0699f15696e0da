// SPDX-License-Identifier: Apache-2.0
// Signature files: what is accepted, and that each thing that is wrong has a verdict of its own.
#include "unit/sandbox/signing.h"

#include "sandbox/minisign.h"

#define CONTENT "the program"
#define COMMENT "streambroker1 name=blur version=1.0.0 arch=any"

static struct signer signer;
static struct minisign_key key;
static char file[16384];

static int setup(void **state)
{
    (void)state;
    if (sodium_init() < 0) {
        return -1;
    }
    signer = signer_make(7);
    char text[256];
    signer_key_file(&signer, text, sizeof text);
    return minisign_read_key(text, strlen(text), &key);
}

static void sign(void)
{
    signer_sign(&signer, "ED", CONTENT, strlen(CONTENT), COMMENT, file, sizeof file);
}

static enum trust_verdict read_file(void)
{
    struct minisign_signature signature;
    return minisign_read(file, strlen(file), &signature);
}

static enum trust_verdict verify_content(const char *content)
{
    struct minisign_signature signature;
    uint8_t hash[MINISIGN_HASH_BYTES];
    enum trust_verdict verdict = minisign_read(file, strlen(file), &signature);
    if (verdict != TRUST_GOOD) {
        return verdict;
    }
    crypto_generichash(hash, sizeof hash, (const uint8_t *)content, strlen(content), NULL, 0);
    return minisign_verify(&signature, &key, hash);
}

static void append(char *to, size_t size_bytes, const char *more)
{
    size_t length = strlen(to);
    snprintf(to + length, size_bytes - length, "%s", more);
}

// The start of a line of the file, from 0.
static char *line(int number)
{
    char *at = file;
    for (; number > 0; number--) {
        at = strchr(at, '\n') + 1;
    }
    return at;
}

static void a_genuine_signature_is_good(void **state)
{
    (void)state;
    sign();
    assert_int_equal(verify_content(CONTENT), TRUST_GOOD);
}

static void carriage_returns_at_the_ends_of_lines_are_tolerated(void **state)
{
    (void)state;
    sign();
    char windows[sizeof file];
    char *to = windows;
    for (const char *from = file; *from != '\0'; from++) {
        if (*from == '\n') {
            *to++ = '\r';
        }
        *to++ = *from;
    }
    *to = '\0';
    memcpy(file, windows, sizeof file);
    assert_int_equal(verify_content(CONTENT), TRUST_GOOD);
}

static void each_changed_part_is_told_apart(void **state)
{
    (void)state;
    sign();
    assert_int_equal(verify_content("the progrbm"), TRUST_CHANGED);
    line(2)[strlen("trusted comment: streambroker1 name=")] = 'c';
    assert_int_equal(verify_content(CONTENT), TRUST_COMMENT_CHANGED);
    sign();
    line(1)[50] = line(1)[50] == 'A' ? 'B' : 'A';
    assert_int_equal(verify_content(CONTENT), TRUST_SIGNATURE_CHANGED);
    sign();
    line(3)[50] = line(3)[50] == 'A' ? 'B' : 'A';
    assert_int_equal(verify_content(CONTENT), TRUST_COMMENT_CHANGED);
}

static void the_legacy_kind_and_unknown_kinds_are_refused(void **state)
{
    (void)state;
    signer_sign(&signer, "Ed", CONTENT, strlen(CONTENT), COMMENT, file, sizeof file);
    assert_int_equal(read_file(), TRUST_LEGACY);
    signer_sign(&signer, "EE", CONTENT, strlen(CONTENT), COMMENT, file, sizeof file);
    assert_int_equal(read_file(), TRUST_ALGORITHM);
}

static void missing_and_surplus_lines_are_refused(void **state)
{
    (void)state;
    sign();
    *line(2) = '\0';
    assert_int_equal(read_file(), TRUST_NO_TRUSTED);
    sign();
    *line(3) = '\0';
    assert_int_equal(read_file(), TRUST_FOURTH_LINE);
    sign();
    append(file, sizeof file, "\n");
    assert_int_equal(read_file(), TRUST_JUNK);
    sign();
    append(file, sizeof file, "x");
    assert_int_equal(read_file(), TRUST_JUNK);
    file[0] = '\0';
    assert_int_equal(read_file(), TRUST_SIGNATURE_EMPTY);
    snprintf(file, sizeof file, "untrusted comment: x\n");
    assert_int_equal(read_file(), TRUST_SECOND_LINE);
}

static void words_in_front_of_the_comments_must_be_there(void **state)
{
    (void)state;
    sign();
    file[0] = 'U';
    assert_int_equal(read_file(), TRUST_FIRST_LINE);
    sign();
    line(2)[0] = 'T';
    assert_int_equal(read_file(), TRUST_THIRD_LINE);
}

static void base64_must_be_exact(void **state)
{
    (void)state;
    for (int number = 1; number <= 3; number += 2) {
        enum trust_verdict verdict = number == 1 ? TRUST_SECOND_LINE : TRUST_FOURTH_LINE;
        sign();
        char *end = strchr(line(number), '\n');
        memmove(end + 4, end, strlen(end) + 1);
        memcpy(end, "AAAA", 4);
        assert_int_equal(read_file(), verdict);
        sign();
        line(number)[8] = '*';
        assert_int_equal(read_file(), verdict);
        sign();
        line(number)[8] = ' ';
        assert_int_equal(read_file(), verdict);
        sign();
        end = strchr(line(number), '\n');
        memmove(end - 1, end, strlen(end) + 1);
        assert_int_equal(read_file(), verdict);
    }
    // Bits behind the last byte must be zero: one value has one spelling.
    sign();
    char *last = strchr(line(1), '\n') - 2;
    assert_int_equal(last[1], '=');
    assert_true(last[0] != '/');
    *last = (char)(*last + 1);
    assert_int_equal(read_file(), TRUST_SECOND_LINE);
}

static void a_comment_has_a_longest_length_and_no_zero_byte(void **state)
{
    (void)state;
    static char comment[MINISIGN_COMMENT_BYTES_MAX + 2];
    memset(comment, 'c', MINISIGN_COMMENT_BYTES_MAX);
    signer_sign(&signer, "ED", CONTENT, strlen(CONTENT), comment, file, sizeof file);
    assert_int_equal(verify_content(CONTENT), TRUST_GOOD);
    comment[MINISIGN_COMMENT_BYTES_MAX] = 'c';
    signer_sign(&signer, "ED", CONTENT, strlen(CONTENT), comment, file, sizeof file);
    assert_int_equal(read_file(), TRUST_THIRD_LINE);
    sign();
    size_t count = strlen(file);
    line(2)[30] = '\0';
    struct minisign_signature signature;
    assert_int_equal(minisign_read(file, count, &signature), TRUST_THIRD_LINE);
    memset(file, 'x', MINISIGN_SIGNATURE_BYTES_MAX + 1);
    assert_int_equal(minisign_read(file, MINISIGN_SIGNATURE_BYTES_MAX + 1, &signature),
                     TRUST_SIGNATURE_LONG);
}

static void a_key_file_is_read_strictly(void **state)
{
    (void)state;
    struct minisign_key out;
    char text[512];
    signer_key_file(&signer, text, sizeof text);
    assert_int_equal(minisign_read_key(text, strlen(text), &out), 0);
    assert_memory_equal(out.id, signer.id, sizeof out.id);
    assert_memory_equal(out.key, signer.public_key, sizeof out.key);
    assert_int_equal(minisign_read_key(text, strlen(text) - 1, &out), 0);
    assert_int_equal(minisign_read_key(text, strlen(text) - 2, &out), -EBADMSG);
    assert_int_equal(minisign_read_key(text, 0, &out), -EBADMSG);
    append(text, sizeof text, "x");
    assert_int_equal(minisign_read_key(text, strlen(text), &out), -EBADMSG);
    sign();
    assert_int_equal(minisign_read_key(file, strlen(file), &out), -EBADMSG);
}

static void ids_are_written_and_read_as_minisign_prints_them(void **state)
{
    (void)state;
    const uint8_t id[MINISIGN_KEY_ID_BYTES] = {0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef};
    uint8_t back[MINISIGN_KEY_ID_BYTES];
    char text[MINISIGN_ID_TEXT_BYTES];
    minisign_id_text(id, text);
    assert_string_equal(text, "EFCDAB8967452301");
    assert_int_equal(minisign_id_read("efcdAB8967452301", 16, back), 0);
    assert_memory_equal(back, id, sizeof id);
    assert_int_equal(minisign_id_read("efcdAB89674523012", 17, back), -EINVAL);
    assert_int_equal(minisign_id_read("", 0, back), -EINVAL);
    // A number, so that zeros in front are left out.
    const uint8_t low[MINISIGN_KEY_ID_BYTES] = {0x01, 0x02};
    minisign_id_text(low, text);
    assert_string_equal(text, "201");
    assert_int_equal(minisign_id_read("201", 3, back), 0);
    assert_memory_equal(back, low, sizeof low);
    assert_int_equal(minisign_id_read("efcdAB896745230g", 16, back), -EINVAL);
    assert_int_equal(minisign_id_read("efcdAB89674523\0"
                                      "1",
                                      16, back),
                     -EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_genuine_signature_is_good),
        cmocka_unit_test(carriage_returns_at_the_ends_of_lines_are_tolerated),
        cmocka_unit_test(each_changed_part_is_told_apart),
        cmocka_unit_test(the_legacy_kind_and_unknown_kinds_are_refused),
        cmocka_unit_test(missing_and_surplus_lines_are_refused),
        cmocka_unit_test(words_in_front_of_the_comments_must_be_there),
        cmocka_unit_test(base64_must_be_exact),
        cmocka_unit_test(a_comment_has_a_longest_length_and_no_zero_byte),
        cmocka_unit_test(a_key_file_is_read_strictly),
        cmocka_unit_test(ids_are_written_and_read_as_minisign_prints_them),
    };
    return cmocka_run_group_tests(tests, setup, NULL);
}

// SPDX-License-Identifier: Apache-2.0
// Signs as minisign does, so that each part of a signature can be made wrong on its own.
#pragma once

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <sodium.h>

#include "base/fd.h"

struct signer {
    uint8_t id[8];
    uint8_t public_key[32];
    uint8_t secret_key[64];
};

static inline struct signer signer_make(uint8_t id)
{
    struct signer signer;
    memset(signer.id, id, sizeof signer.id);
    crypto_sign_keypair(signer.public_key, signer.secret_key);
    return signer;
}

static inline void base64_of(const uint8_t *bytes, size_t count, char *out, size_t size_bytes)
{
    sodium_bin2base64(out, size_bytes, bytes, count, sodium_base64_VARIANT_ORIGINAL);
}

static inline void signer_key_file(const struct signer *signer, char *out, size_t size_bytes)
{
    uint8_t binary[42] = {'E', 'd'};
    char text[64];
    memcpy(binary + 2, signer->id, 8);
    memcpy(binary + 10, signer->public_key, 32);
    base64_of(binary, sizeof binary, text, sizeof text);
    snprintf(out, size_bytes, "untrusted comment: minisign public key\n%s\n", text);
}

// The whole signature file of a content.
static inline void signer_sign(const struct signer *signer, const char *algorithm,
                               const void *content, size_t count, const char *comment, char *out,
                               size_t size_bytes)
{
    uint8_t hash[64];
    uint8_t binary[74];
    crypto_generichash(hash, sizeof hash, content, count, NULL, 0);
    memcpy(binary, algorithm, 2);
    memcpy(binary + 2, signer->id, 8);
    crypto_sign_detached(binary + 10, NULL, hash, sizeof hash, signer->secret_key);
    static uint8_t covered[64 + 16384];
    uint8_t global[64];
    memcpy(covered, binary + 10, 64);
    memcpy(covered + 64, comment, strlen(comment));
    crypto_sign_detached(global, NULL, covered, 64 + strlen(comment), signer->secret_key);
    char first[128];
    char second[128];
    base64_of(binary, sizeof binary, first, sizeof first);
    base64_of(global, sizeof global, second, sizeof second);
    snprintf(out, size_bytes, "untrusted comment: signature\n%s\ntrusted comment: %s\n%s\n", first,
             comment, second);
}

static inline void put_file(const char *path, const void *bytes, size_t count, mode_t mode)
{
    unlink(path);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(fd_write_all(fd, bytes, count), 0);
    assert_int_equal(fchmod(fd, mode), 0);
    close(fd);
}

static inline int remove_entry(const char *path, const struct stat *info, int kind,
                               struct FTW *place)
{
    (void)info;
    (void)kind;
    (void)place;
    return remove(path);
}

static inline void remove_folder(const char *folder)
{
    assert_int_equal(nftw(folder, remove_entry, 8, FTW_DEPTH | FTW_PHYS), 0);
}

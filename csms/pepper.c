/* pepper.c - see pepper.h. */
#include "csms/pepper.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

enum { INPUT_MAX = 128 }; /* identity 0x00 key */

static bool random_bytes(uint8_t *ret, size_t length)
{
    return getrandom(ret, length, 0) == (ssize_t)length;
}

static bool fail(char ret_why[256], const char *file, const char *why)
{
    snprintf(ret_why, 256, "pepper file %.130s: %.108s", file, why);
    return false;
}

/* Written whole under another name first, so that no half pepper is ever read.  The name is nobody
 * else's, so that neither a start at the same time nor one that was cut short is in the way. */
static bool make(const char *file, char ret_why[256])
{
    struct pepper fresh;
    char part[520];
    int fd;
    bool written;

    if ((size_t)snprintf(part, sizeof(part), "%s.XXXXXX", file) >= sizeof(part))
        return fail(ret_why, file, "the name is too long");
    if (!random_bytes(fresh.bytes, sizeof(fresh.bytes)))
        return fail(ret_why, file, "the system has no random bytes");
    fd = mkostemp(part, O_CLOEXEC);
    if (fd < 0)
        return fail(ret_why, file, strerror(errno));
    written = write(fd, fresh.bytes, sizeof(fresh.bytes)) == (ssize_t)sizeof(fresh.bytes) &&
        !fsync(fd);
    pepper_done(&fresh);
    /* link, not rename: it does not replace what another process has made meanwhile. */
    if (written && link(part, file) && errno != EEXIST)
        written = false;
    if (!written)
        fail(ret_why, file, strerror(errno));
    close(fd);
    unlink(part);
    return written;
}

static bool is_ours(int fd, const char *file, char ret_why[256])
{
    struct stat st;

    if (fstat(fd, &st))
        return fail(ret_why, file, strerror(errno));
    if (!S_ISREG(st.st_mode))
        return fail(ret_why, file, "is no regular file; name one of 32 bytes");
    if (st.st_uid != geteuid())
        return fail(ret_why, file, "belongs to another user; chown it to the one csmsd runs as");
    if (st.st_mode & 077)
        return fail(ret_why, file, "others may read it; chmod 600 it");
    return true;
}

bool pepper_check(const char *file, char ret_why[256])
{
    struct pepper found;
    char folder[520];
    struct stat st;
    char *slash;

    if (lstat(file, &st) == 0) {
        if (!pepper_load(&found, file, ret_why))
            return false;
        pepper_done(&found);
        return true;
    }
    if (errno != ENOENT || (size_t)snprintf(folder, sizeof(folder), "%s", file) >= sizeof(folder))
        return fail(ret_why, file, strerror(errno));
    slash = strrchr(folder, '/');
    if (slash)
        *slash = '\0';
    if (eaccess(!slash ? "." : slash == folder ? "/" : folder, W_OK | X_OK) == 0)
        return true;
    return fail(ret_why, file, errno == ENOENT
            ? "its folder does not exist; make it, mode 0700, or name another"
            : "it cannot be made in its folder; let csmsd's user write there, or name another");
}

bool pepper_load(struct pepper *ret, const char *file, char ret_why[256])
{
    uint8_t bytes[PEPPER_BYTES + 1];
    ssize_t n;
    bool ours;
    int fd = open(file, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

    if (fd < 0 && errno == ENOENT) {
        if (!make(file, ret_why))
            return false;
        fd = open(file, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    }
    if (fd < 0)
        return fail(ret_why, file,
            errno == ELOOP ? "is a link; name the file itself" : strerror(errno));
    ours = is_ours(fd, file, ret_why);
    n = ours ? read(fd, bytes, sizeof(bytes)) : 0;
    close(fd);
    if (!ours)
        return false;
    if (n != PEPPER_BYTES)
        return fail(ret_why, file,
            "does not hold 32 bytes; restore it, or remove it and give every pile a new key");
    memcpy(ret->bytes, bytes, sizeof(ret->bytes));
    OPENSSL_cleanse(bytes, sizeof(bytes));
    return true;
}

void pepper_done(struct pepper *pepper)
{
    if (pepper)
        OPENSSL_cleanse(pepper, sizeof(*pepper));
}

void pepper_hash(
    void *ctx, const char *identity, const void *key, size_t length, uint8_t ret[PEPPER_HASH])
{
    const struct pepper *pepper = ctx;
    uint8_t input[INPUT_MAX];
    size_t n = strlen(identity) + 1;
    unsigned int size = 0;

    assert(n + length <= sizeof(input));
    memcpy(input, identity, n);
    memcpy(input + n, key, length);
    HMAC(EVP_sha256(), pepper->bytes, sizeof(pepper->bytes), input, n + length, ret, &size);
    OPENSSL_cleanse(input, sizeof(input));
    assert(size == PEPPER_HASH);
}

bool pepper_key_make(char ret_hex[2 * PEPPER_KEY + 1])
{
    uint8_t key[PEPPER_KEY];

    if (!random_bytes(key, sizeof(key)))
        return false;
    for (size_t i = 0; i < sizeof(key); i++)
        snprintf(ret_hex + 2 * i, 3, "%02X", key[i]);
    OPENSSL_cleanse(key, sizeof(key));
    return true;
}

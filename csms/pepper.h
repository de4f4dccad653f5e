/* pepper.h - the secret that pile keys are hashed with.
 *
 * A key is stored as HMAC-SHA-256(pepper, identity 0x00 key).  The file holds 32 bytes, is no
 * link, belongs to us and lets nobody else read it.
 */
#ifndef CSMS_PEPPER_H
#define CSMS_PEPPER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifndef MUST_CHECK
#define MUST_CHECK __attribute__((warn_unused_result))
#endif

enum { PEPPER_BYTES = 32, PEPPER_HASH = 32, PEPPER_KEY = 20 };

struct pepper {
    uint8_t bytes[PEPPER_BYTES];
};

/* Makes the file if there is none.  False: ret_why is a sentence. */
MUST_CHECK bool pepper_load(struct pepper *, const char *file, char ret_why[256]);
/* Would pepper_load take it?  Makes nothing: a file that is not there yet is right, if its folder
 * is. */
MUST_CHECK bool pepper_check(const char *file, char ret_why[256]);
void pepper_done(struct pepper *); /* wipes it */
/* ctx is a struct pepper: it fits core_admit_ports.hash. */
void pepper_hash(
    void *ctx, const char *identity, const void *key, size_t length, uint8_t ret[PEPPER_HASH]);
/* A fresh pile key, as 40 upper-case hex digits.  False: no randomness. */
MUST_CHECK bool pepper_key_make(char ret_hex[2 * PEPPER_KEY + 1]);

#endif

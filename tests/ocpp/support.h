/* support.h - what the tests of this room share. */
#ifndef TESTS_OCPP_SUPPORT_H
#define TESTS_OCPP_SUPPORT_H

#include "ocpp/frame.h"

#include <check.h>

struct support_test {
    const TTest *test;
    size_t loops;
    int signal; /* that must end it; 0: none */
};

/* Runs them as one suite; main's result. */
int support_run(const char *name, const struct support_test *tests, size_t count);

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* Reads a text that must be a frame, from memory of exactly its length, so that the sanitizer sees
 * whoever reads beyond it.  Ended by support_frame_done. */
struct support_frame {
    char *text;
    struct ocpp_frame frame;
};

enum ocpp_read support_frame_read(
    struct support_frame *ret, const char *text, size_t length, struct ocpp_fault *ret_fault);
void support_frame_done(struct support_frame *frame);

/* Decodes a payload of its own, likewise. */
enum ocpp_verdict support_payload_read(struct support_frame *ret, const char *text,
    enum ocpp_action action, bool confirmation, const void **ret_payload);

#endif

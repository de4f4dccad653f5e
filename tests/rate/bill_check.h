/* bill_check.h - reads a bill back and adds it up again. */
#ifndef TESTS_RATE_BILL_CHECK_H
#define TESTS_RATE_BILL_CHECK_H

#include "ocpp/message.h"

#include <stdbool.h>
#include <stddef.h>

/* Do its lines, groups and totals add up?  False: the fault says which sum does not. */
bool bill_check(const char *bill, size_t length, struct ocpp_fault *ret_fault);

#endif

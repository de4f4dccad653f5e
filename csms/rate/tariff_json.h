/* tariff_json.h - an OCPI 2.2.1 Tariff object, with our members, as the engine's tariff.
 *
 * Lenient to what OCPI has and money does not need (ids, texts, energy mix, members of later
 * versions that change no price), strict on everything that decides a price: an unknown value or a
 * digit that cannot be kept is refused with the member's path.
 */
#ifndef CSMS_RATE_TARIFF_JSON_H
#define CSMS_RATE_TARIFF_JSON_H

#include "billing/tariff.h"

#include "ocpp/json.h"

/* Reads, checks and seals.  The currency's exponent is the one of ISO 4217.  False: refused, the
 * fault names the member. */
MUST_CHECK bool csms_tariff_read(const struct ocpp_json *, const struct ocpp_node *,
    struct bill_tariff *ret, struct ocpp_fault *ret_fault);

/* Decimal places of a currency's minor unit; 2 where ISO 4217 says nothing else. */
uint8_t csms_currency_exponent(const char *currency);

#endif

/* tariff.h - a tariff as the engine sees it.
 *
 * OCPI 2.2.1 elements in order, with our additions: direction, charge codes, rate labels, day
 * types, idle grace, quantity factors, caps and the tax mode.  A tariff is a plain value without
 * pointers.  Its maker zeroes it (bill_tariff_init), fills it and seals it; the sealed tariff is
 * never changed again, so any number of sessions and threads may read it.
 */
#ifndef BILLING_TARIFF_H
#define BILLING_TARIFF_H

#include <stdbool.h>
#include <stdint.h>

#include "billing/limits.h"
#include "billing/lint.h"

#define BILL_MUST_CHECK __attribute__((warn_unused_result))
#define BILL_ABSENT     INT64_C(-1) /* a bound, cap or reading that is not there */

enum bill_dimension { BILL_ENERGY, BILL_TIME, BILL_PARKING_TIME, BILL_FLAT, BILL_DIMENSION_COUNT };
enum bill_direction { BILL_IMPORT, BILL_EXPORT };
enum bill_tax { BILL_TAX_NET, BILL_TAX_GROSS }; /* what the prices of the list are */

/* What an element prices.  An expired reservation is priced by both reservation kinds. */
enum bill_scope { BILL_SCOPE_SESSION, BILL_SCOPE_RESERVATION, BILL_SCOPE_EXPIRED };

enum bill_charge {
    BILL_ENERGY_ELEC,
    BILL_ENERGY_SERVICE,
    BILL_OCCUPANCY,
    BILL_RESERVATION,
    BILL_START_FEE,
    BILL_V2G_BASE,
    BILL_V2G_BONUS,
    BILL_SUBSIDY,
    BILL_CHARGE_COUNT
};

/* min <= value < max; BILL_ABSENT: no bound on that side. */
struct bill_range {
    int64_t min, max;
};

struct bill_restrictions {
    int32_t start_minute, end_minute; /* local wall clock; end 1440 = end of day; -1 = absent */
    int32_t start_day, end_day;       /* local dates, days since 1970; INT32_MIN = absent */
    struct bill_range energy_mwh, current_ma, power_mw, duration_us;
    int64_t min_idle_us; /* 0: none */
    uint16_t day_types;  /* bits of tariff.day_types; 0: any */
    uint8_t weekdays;    /* bit 0 is Monday; 0: any */
};

struct bill_component {
    enum bill_dimension dimension;
    enum bill_charge charge;
    int64_t price_micro; /* per kWh, per hour, or once */
    int64_t step;        /* Wh or seconds; 0 and 1 are OCPI's "none" and "whole units" */
    int64_t factor_ppm;  /* of the quantity; 1,000,000 is one */
    int64_t cap_micro;   /* of the session, in the list's tax mode; BILL_ABSENT: none */
    int32_t vat_ppm;     /* 0 when vat_given is false: no VAT applies */
    bool vat_given;
    char label[BILL_LABEL_SIZE];
    uint16_t element; /* set by sealing, as is next */
    uint16_t next;    /* the slot's next candidate, BILL_NO_COMPONENT at the end */
};
#define BILL_NO_COMPONENT UINT16_MAX

struct bill_element {
    struct bill_restrictions when;
    enum bill_direction direction;
    enum bill_scope scope;
    uint16_t first, count; /* its components; elements' runs follow one another without a gap */
};

struct bill_bounds {
    int64_t net_micro, gross_micro;
}; /* BILL_ABSENT: no bound */

/* One component at most is active in a slot: what OCPI says of a dimension holds of a dimension
 * and charge code, so that electricity and service fee run side by side. */
struct bill_slot {
    enum bill_dimension dimension;
    enum bill_direction direction;
    enum bill_charge charge;
    bool reservation;
    uint16_t first;
};
enum { BILL_SLOTS_MAX = 64, BILL_CUTS_MAX = 2 * BILL_ELEMENTS_MAX };

/* Sorted values without repetition at which some restriction begins or ceases to hold. */
struct bill_cuts {
    int64_t at[BILL_CUTS_MAX];
    uint16_t count;
};

struct bill_tariff {
    char currency[4];
    uint8_t exponent;
    enum bill_tax tax;
    struct bill_bounds min_price, max_price;
    uint16_t element_count, component_count, day_type_count;
    struct bill_element elements[BILL_ELEMENTS_MAX];
    struct bill_component components[BILL_COMPONENTS_MAX];
    char day_types[BILL_DAY_TYPES_MAX][BILL_LABEL_SIZE];
    /* Set by sealing. */
    bool sealed;
    uint16_t slot_count;
    struct bill_slot slots[BILL_SLOTS_MAX];
    bool clock;               /* some restriction looks at the local clock or date */
    struct bill_cuts wall_us; /* of the local day, midnight excepted */
    struct bill_cuts energy_mwh, current_ma, power_mw, duration_us, idle_us;
};

/* Makes an empty tariff: no elements, no bounds. */
void bill_tariff_init(struct bill_tariff *);

/* An element or component with nothing set but OCPI's defaults. */
struct bill_element bill_element_default(void);
struct bill_component bill_component_default(enum bill_dimension);

/* Checks every rule and prepares the lookup.  False: the tariff must not be used, *ret names the
 * first fault.  True: sealed. */
BILL_MUST_CHECK bool bill_tariff_seal(struct bill_tariff *, struct bill_lint_fault *ret);

/* Names as the tariff document spells them, static; find: the COUNT constant when there is none. */
const char *bill_dimension_name(enum bill_dimension);
const char *bill_charge_name(enum bill_charge);
enum bill_dimension bill_dimension_find(const char *name);
enum bill_charge bill_charge_find(const char *name);
bool bill_charge_is_export(enum bill_charge);

#endif

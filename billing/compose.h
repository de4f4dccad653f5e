/* compose.h - one side of a bill while it is made (internal to billing/).
 *
 * A cell is what one charge code costs at one VAT rate: the unit in which limits are shared and
 * from which VAT groups and totals by charge code are made.
 */
#ifndef BILLING_COMPOSE_H
#define BILLING_COMPOSE_H

#include "billing/bill.h"
#include "billing/money.h"

struct bill_cell {
    int32_t vat_ppm;
    enum bill_charge charge;
    __int128 list;
    int64_t weight;                 /* the list amount at six decimals */
    int64_t net_micro, vat_micro;   /* sums of its lines */
    int64_t net_weight, vat_weight; /* the same in proportion, before any cutting */
    int64_t net_change, vat_change; /* what a price limit did */
};
enum { BILL_CELLS_MAX = BILL_LIMIT_LINES_MAX };

struct bill_work {
    const struct bill_rate *rate;
    struct bill_bill *bill;
    struct bill_side *side;
    enum bill_direction direction;
    bool nothing;         /* nothing was delivered, so nothing is owed */
    uint16_t price_count; /* lines from side->first on that are PRICE lines */
    unsigned cell_count;
    struct bill_cell cells[BILL_CELLS_MAX];
    int64_t plain_minor[BILL_VAT_RATES_MAX]; /* gross of each group before any limit */
};

/* The tariff's factors: list to net, gross and VAT are list * multiply / divide. */
struct bill_ratio {
    int64_t multiply, divide;
};
struct bill_ratio bill_ratio_net(enum bill_tax, int32_t vat_ppm);
struct bill_ratio bill_ratio_gross(enum bill_tax, int32_t vat_ppm);
struct bill_ratio bill_ratio_vat(enum bill_tax, int32_t vat_ppm);

struct bill_line *bill_work_line(struct bill_work *); /* the side's next line, zeroed */
struct bill_cell *bill_work_cell(struct bill_work *, int32_t vat_ppm, enum bill_charge);
unsigned bill_work_group(struct bill_work *, int32_t vat_ppm); /* its index, made if new */

void bill_steps_apply(struct bill_work *, __int128 *fine); /* steps.c */
void bill_groups_round(struct bill_work *);                /* groups.c: cells to minor units */
void bill_limits_apply(struct bill_work *);                /* bounds.c: min_price, max_price */
void bill_groups_share(struct bill_work *);                /* groups.c: minor units to lines */

#endif

/* plan.c - who comes to a connector next, and with what battery.  See pile_parts.h.
 *
 * Arrivals follow the site's hours: every quarter of an hour somebody comes with a chance that
 * makes up the site's number of sessions a day, drawn from the connector's own stream.
 */
#include "simulators/pile_parts.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

enum { TRY_S = 900, LAST_PLUG_S = 600, DC_SECONDS_MAX = 5400, AC_SECONDS_MAX = 21600 };
enum { BUSY_GAP_S = 300, DAY_S = 86400, SEARCH_MAX = 4 * 24 * 90 };

#define US_PER_S 1000000LL

/* The chance in ppm that somebody comes within TRY_S around that time. */
static int64_t chance_ppm(const struct sim_site *site, int64_t at_us)
{
    int64_t hour = (at_us / US_PER_S / 3600 + site->utc_offset_h) % 24;
    int64_t all = 0;

    for (int i = 0; i < 24; i++)
        all += site->hour_weight[i];
    if (all == 0)
        return 0;
    return site->arrivals_per_day * site->hour_weight[(hour + 24) % 24] * SIM_PPM /
        (all * (3600 / TRY_S));
}

static int64_t next_arrival(struct sim_pile *pile, struct sim_connector *connector,
    int64_t after_us)
{
    const struct sim_site *site = pile->setup.spec->site;
    int64_t at_us = after_us;

    if (site->arrivals_per_day == 0)
        return SIM_NEVER;
    for (int i = 0; i < SEARCH_MAX; i++) {
        at_us += sim_random_between(&connector->random, TRY_S / 2, TRY_S * 3 / 2) * US_PER_S;
        if (sim_random_below(&connector->random, SIM_PPM) < chance_ppm(site, at_us))
            return at_us;
    }
    return SIM_NEVER;
}

/* The connectors of one currency share its cards out, so that as long as there are enough of them
 * no account charges twice at a time. */
static const char *card_of(const struct sim_pile *pile, const struct sim_connector *connector)
{
    const struct sim_fleet *fleet = pile->setup.fleet;
    const char *currency = pile->setup.spec->site->currency;
    uint32_t slot = connector->number - 1;
    uint32_t cards = 0;

    for (uint32_t i = 0; i < pile->setup.index; i++) {
        if (!strcmp(fleet->piles[i].site->currency, currency))
            slot += fleet->piles[i].model->connectors;
    }
    for (uint32_t i = 0; i < fleet->card_count; i++)
        cards += !strcmp(fleet->cards[i].currency, currency);
    if (cards == 0)
        return fleet->cards[0].tag;
    slot %= cards;
    for (uint32_t i = 0; i < fleet->card_count; i++) {
        if (!strcmp(fleet->cards[i].currency, currency) && slot-- == 0)
            return fleet->cards[i].tag;
    }
    return fleet->cards[0].tag;
}

static void draw_vehicle(struct sim_pile *pile, struct sim_connector *connector)
{
    struct sim_plan *plan = &connector->plan;
    struct sim_random *random = &connector->random;
    bool dc = pile->setup.spec->model->dc;

    memset(plan, 0, sizeof *plan);
    plan->vehicle =
        &pile->setup.fleet->vehicles[sim_random_below(random, pile->setup.fleet->vehicle_count)];
    plan->soc_ppm = sim_random_between(random, 8, 60) * (SIM_PPM / 100);
    plan->target_ppm = (dc ? sim_random_between(random, 70, 90) : 100) * (SIM_PPM / 100);
    plan->seconds = dc ? DC_SECONDS_MAX : AC_SECONDS_MAX;
    plan->linger_s = sim_random_between(random, 20, 600);
}

void sim_plan_ask(struct sim_pile *pile, struct sim_connector *connector, const char *tag)
{
    draw_vehicle(pile, connector);
    snprintf(connector->plan.tag, sizeof connector->plan.tag, "%s", tag);
}

void sim_plan_next(struct sim_pile *pile, struct sim_connector *connector, int64_t after_us)
{
    const struct sim_setup *setup = &pile->setup;
    int64_t at_us;

    connector->event_us = SIM_NEVER;
    connector->plan.asked = false;
    if (pile->ended || (setup->sessions_max && connector->begun >= setup->sessions_max))
        return;
    if (setup->sessions_max) /* one after another, for queues as long as asked for */
        at_us = after_us + BUSY_GAP_S * US_PER_S;
    else
        at_us = next_arrival(pile, connector, after_us);
    if (at_us == SIM_NEVER ||
        (setup->until_us && at_us > setup->until_us - LAST_PLUG_S * US_PER_S))
        return;
    draw_vehicle(pile, connector);
    if (setup->sessions_max)
        connector->plan.seconds = sim_random_between(&connector->random, 300, 900);
    snprintf(connector->plan.tag, sizeof connector->plan.tag, "%s", card_of(pile, connector));
    connector->event_us = at_us;
}

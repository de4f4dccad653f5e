/* crew.c - see crew.h. */
#include "simulators/crew.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { BACKFILL_INTERVAL_S = 300, LIVE_BACKOFF_MS = 30000, CATCH_UP_BACKOFF_MS = 2000 };
enum { ALIGN_US = 1000 };

#define US_PER_DAY 86400000000LL

static bool read_files(struct sim_crew *crew, const struct sim_options *options,
    struct sim_error *ret_error)
{
    if (!sim_fleet_read(options->fleet, &crew->fleet, ret_error))
        return false;
    if (options->key.length) {
        for (uint32_t i = 0; i < crew->fleet.pile_count; i++)
            crew->fleet.piles[i].key = options->key;
    }
    if (options->keys && !sim_fleet_read_keys(&crew->fleet, options->keys, ret_error))
        return false;
    if (mkdir(options->truth, 0777) != 0 && errno != EEXIST) {
        sim_error_set(ret_error, "cannot make the truth folder %s: %s", options->truth,
            strerror(errno));
        return false;
    }
    return true;
}

static bool tune(struct sim_pile *pile, const struct sim_options *options)
{
    const struct {
        int64_t value;
        enum sim_key_name key;
    } wanted[] = {
        {options->attempts, SIM_KEY_TransactionMessageAttempts},
        {options->retry_s, SIM_KEY_TransactionMessageRetryInterval},
        {options->timeout_s, SIM_KEY_MessageTimeout},
    };
    char text[24];

    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) {
        if (wanted[i].value < 0)
            continue;
        snprintf(text, sizeof text, "%" PRId64, wanted[i].value);
        if (!sim_config_set(&pile->config, wanted[i].key, text))
            return false;
    }
    return true;
}

static uint32_t pile_count(const struct sim_crew *crew, const struct sim_options *options)
{
    if (options->piles && options->piles < crew->fleet.pile_count)
        return (uint32_t)options->piles;
    return crew->fleet.pile_count;
}

static int64_t sessions_each(const struct sim_crew *crew, const struct sim_options *options)
{
    int64_t connectors = 0;

    if (!options->sessions_total)
        return options->sessions;
    for (uint32_t i = 0; i < pile_count(crew, options); i++)
        connectors += crew->fleet.piles[i].model->connectors;
    return (options->sessions_total + connectors - 1) / connectors;
}

static struct sim_setup setup_of(const struct sim_crew *crew, const struct sim_options *options,
    const struct sim_ports *ports, struct sim_now now)
{
    int64_t interval_s = options->catch_up ? BACKFILL_INTERVAL_S : crew->fleet.sample_interval_s;
    struct sim_setup setup = {
        .fleet = &crew->fleet,
        .ports = ports,
        .truth_dir = options->truth,
        .seed = options->seed,
        .sample_interval_s = options->interval_s >= 0 ? options->interval_s : interval_s,
        .pace_ms = options->pace_ms,
        .backoff_max_ms = options->catch_up ? CATCH_UP_BACKOFF_MS : LIVE_BACKOFF_MS,
    };

    if (options->catch_up) {
        setup.sessions_max = sessions_each(crew, options);
        setup.until_us = now.wall_us / ALIGN_US * ALIGN_US;
        setup.from_us = setup.until_us - options->days * US_PER_DAY;
    }
    return setup;
}

static bool make_piles(struct sim_crew *crew, const struct sim_options *options,
    struct sim_setup *setup, struct sim_now now, struct sim_error *ret_error)
{
    uint32_t count = pile_count(crew, options);
    struct sim_error error;

    crew->piles = calloc(count, sizeof *crew->piles);
    if (!crew->piles) {
        sim_error_set(ret_error, "no memory for %" PRIu32 " piles", count);
        return false;
    }
    while (crew->count < count) {
        struct sim_pile *pile = &crew->piles[crew->count];

        setup->index = crew->count;
        setup->spec = &crew->fleet.piles[crew->count];
        crew->count++; /* also a pile that failed half-way is to be given back */
        if (!sim_pile_init(pile, setup, now, &error)) {
            sim_error_set(ret_error, "pile %s in %s: %s", setup->spec->identity, options->truth,
                error.text);
            return false;
        }
        if (!tune(pile, options)) {
            sim_error_set(ret_error, "no memory");
            return false;
        }
    }
    return true;
}

static struct sim_pile *find(struct sim_crew *crew, const char *identity)
{
    for (uint32_t i = 0; i < crew->count; i++) {
        if (!strcmp(crew->piles[i].setup.spec->identity, identity))
            return &crew->piles[i];
    }
    return NULL;
}

static bool ask(struct sim_crew *crew, const struct sim_charge *charge, struct sim_now now,
    struct sim_error *ret_error)
{
    struct sim_pile *pile = find(crew, charge->pile);

    if (!pile) {
        sim_error_set(ret_error, "the charge at %s: no such pile in this run", charge->pile);
        return false;
    }
    if (sim_pile_ask(pile, now, charge))
        return true;
    sim_error_set(ret_error,
        "the charge at %s connector %" PRId64 ": no such connector, or it has a charge already",
        charge->pile, charge->connector);
    return false;
}

static bool ask_all(struct sim_crew *crew, const struct sim_options *options, struct sim_now now,
    struct sim_error *ret_error)
{
    if (options->catch_up)
        return true;
    for (uint32_t i = 0; i < options->charge_count; i++) {
        if (!ask(crew, &options->charges[i], now, ret_error))
            return false;
    }
    /* Those of the fleet file are for runs that ask for none themselves. */
    for (uint32_t i = 0; i < crew->fleet.charge_count && !options->charge_count; i++) {
        const struct sim_charge *charge = &crew->fleet.charges[i];

        if (find(crew, charge->pile) && !ask(crew, charge, now, ret_error))
            return false;
    }
    return true;
}

bool sim_crew_init(struct sim_crew *crew, const struct sim_options *options,
    const struct sim_ports *ports, struct sim_now now, struct sim_error *ret_error)
{
    struct sim_setup setup;

    memset(crew, 0, sizeof *crew);
    if (!read_files(crew, options, ret_error))
        return false;
    setup = setup_of(crew, options, ports, now);
    return make_piles(crew, options, &setup, now, ret_error) &&
        ask_all(crew, options, now, ret_error);
}

void sim_crew_done(struct sim_crew *crew)
{
    if (!crew)
        return;
    for (uint32_t i = 0; i < crew->count; i++)
        sim_pile_done(&crew->piles[i]);
    free(crew->piles);
    sim_fleet_done(&crew->fleet);
    memset(crew, 0, sizeof *crew);
}

void sim_crew_total(const struct sim_crew *crew, struct sim_totals *ret)
{
    memset(ret, 0, sizeof *ret);
    for (uint32_t i = 0; i < crew->count; i++) {
        const struct sim_pile *pile = &crew->piles[i];

        ret->counts.sent += pile->counts.sent;
        ret->counts.answered += pile->counts.answered;
        ret->counts.refused += pile->counts.refused;
        ret->counts.lost += pile->counts.lost;
        ret->counts.sessions += pile->counts.sessions;
        ret->counts.call_errors += pile->counts.call_errors;
        ret->counts.timeouts += pile->counts.timeouts;
        ret->counts.commands += pile->counts.commands;
        ret->counts.connects += pile->counts.connects;
        ret->queued += pile->queue.count;
        ret->open += pile->queue.open;
        ret->up += pile->link == SIM_UP && pile->accepted;
        for (uint32_t c = 0; c < pile->connector_count; c++)
            ret->charging += pile->connectors[c].phase == SIM_CHARGING;
    }
}

bool sim_crew_asked(const struct sim_crew *crew)
{
    for (uint32_t i = 0; i < crew->count; i++) {
        const struct sim_pile *pile = &crew->piles[i];

        for (uint32_t c = 0; c < pile->connector_count; c++) {
            if (pile->connectors[c].plan.asked && pile->connectors[c].phase != SIM_FINISHING)
                return true;
        }
    }
    return false;
}

bool sim_crew_idle(const struct sim_crew *crew)
{
    for (uint32_t i = 0; i < crew->count; i++) {
        if (!sim_pile_idle(&crew->piles[i]))
            return false;
    }
    return true;
}

/* Sessions that the system must still see as open, whatever became of a stop on its way. */
static int64_t surely_open(const struct sim_pile *pile)
{
    const struct sim_entry *head = pile->queue.head;
    bool leaving =
        head && head->message == SIM_STOP && head->sent_once && head->session->started;

    return (int64_t)pile->queue.open - leaving;
}

static bool can_open(const struct sim_pile *pile)
{
    return !pile->gated && !sim_pile_idle(pile);
}

bool sim_crew_may_stop(const struct sim_crew *crew, const struct sim_pile *asking, int64_t least)
{
    int64_t open = 0;
    bool others = false;

    for (uint32_t i = 0; i < crew->count; i++) {
        const struct sim_pile *pile = &crew->piles[i];

        open += surely_open(pile);
        others |= pile != asking && can_open(pile);
    }
    return open > least || !others;
}

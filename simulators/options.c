/* options.c - see options.h. */
#include "simulators/options.h"

#include "ocpp/decimal.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum option_id {
    URL = 1, FLEET, TRUTH, SEED, PILES, DURATION, KEY, KEYS, CA, ONCE, CHARGE, CATCH_UP, DAYS,
    SESSIONS, OPEN, PACE, INTERVAL, GIVE_UP, ATTEMPTS, RETRY, TIMEOUT, HELP
};

static const struct option options[] = {
    {"url", required_argument, NULL, URL},
    {"fleet", required_argument, NULL, FLEET},
    {"truth", required_argument, NULL, TRUTH},
    {"seed", required_argument, NULL, SEED},
    {"piles", required_argument, NULL, PILES},
    {"duration", required_argument, NULL, DURATION},
    {"key", required_argument, NULL, KEY},
    {"keys", required_argument, NULL, KEYS},
    {"ca", required_argument, NULL, CA},
    {"once", no_argument, NULL, ONCE},
    {"charge", required_argument, NULL, CHARGE},
    {"catch-up", required_argument, NULL, CATCH_UP},
    {"days", required_argument, NULL, DAYS},
    {"sessions", required_argument, NULL, SESSIONS},
    {"open", required_argument, NULL, OPEN},
    {"pace", required_argument, NULL, PACE},
    {"interval", required_argument, NULL, INTERVAL},
    {"give-up", required_argument, NULL, GIVE_UP},
    {"attempts", required_argument, NULL, ATTEMPTS},
    {"retry", required_argument, NULL, RETRY},
    {"timeout", required_argument, NULL, TIMEOUT},
    {"help", no_argument, NULL, HELP},
    {NULL, 0, NULL, 0},
};

static const char common_help[] =
    "  --fleet FILE      the fleet (simulators/fleets/*.json); required\n"
    "  --truth DIR       where each pile keeps its own truth, and finds it again; required\n"
    "  --url URL         ws://HOST:PORT/PATH or wss://...   (ws://127.0.0.1:9016/ocpp)\n"
    "  --seed N          what the piles do is drawn from this   (1)\n"
    "  --piles N         only the first N piles of the fleet\n"
    "  --key HEX         one key for all piles; --keys FILE with lines IDENTITY HEX\n"
    "  --ca FILE         for wss: who signed the system's certificate\n"
    "  --interval S      seconds between readings; 0: none\n"
    "  --attempts N      TransactionMessageAttempts   (3)\n"
    "  --retry S         TransactionMessageRetryInterval   (60)\n"
    "  --timeout S       MessageTimeout   (30)\n"
    "  --pace MS         a slow modem: that long from one transaction message to the next\n"
    "  --give-up S       exit 4 when no pile could work for that long\n";

static const char run_usage[] =
    "usage: pilesim run --fleet FILE --truth DIR [options]\n"
    "\n"
    "Live piles in real time, until stopped (Ctrl-C ends the sessions and empties the queues).\n"
    "\n";

static const char run_help[] =
    "  --duration S      end after that many seconds\n"
    "  --charge pile=ID,tag=TAG,seconds=S[,connector=N][,power_w=W][,after_s=S]\n"
    "                    a charge at once, instead of the fleet file's; more than once\n"
    "  --once            end when the charges asked for (here or in the fleet) are done\n"
    "  --catch-up N      instead: work through queues of N past sessions in all, as fast as\n"
    "                    answers come, reconnecting for as long as that takes, as\n"
    "                    `pilesim backfill` does; takes --days and --open too\n";

static const char backfill_usage[] =
    "usage: pilesim backfill --fleet FILE --truth DIR [--days N] [--sessions N] [options]\n"
    "\n"
    "The piles' clocks start in the past and run fast; their transaction messages come as from an\n"
    "offline queue, as fast as answers come. Ends when all clocks are at now and all\n"
    "queues empty, reconnecting for as long as that takes.\n"
    "\n";

static const char backfill_help[] =
    "  --days N          how far back   (7)\n"
    "  --sessions N      that many sessions a connector, one after another, instead of arrivals\n"
    "  --open N          a stop waits while not more than N sessions are open\n";

static const char exit_help[] =
    "\n"
    "exit: 0 done; 1 a charge was refused, a message lost, or the truth not written; 2 usage;\n"
    "      3 fleet, keys or truth cannot be used; 4 gave up\n";

static void print_help(bool backfill)
{
    fputs(backfill ? backfill_usage : run_usage, stdout);
    fputs(common_help, stdout);
    fputs(backfill ? backfill_help : run_help, stdout);
    fputs(exit_help, stdout);
}

static bool number(const char *name, const char *text, int64_t low, int64_t high, int64_t *ret)
{
    int64_t value = 0;

    if (ocpp_decimal_read(text, strlen(text), 0, &value) != OCPP_DECIMAL_OK || value < low ||
        value > high) {
        fprintf(stderr, "pilesim: %s must be a whole number from %lld to %lld, not %s\n", name,
            (long long)low, (long long)high, text);
        return false;
    }
    *ret = value;
    return true;
}

static bool take_part(struct sim_charge *charge, const char *name, const char *value)
{
    int64_t watts = 0;

    if (!strcmp(name, "pile"))
        return snprintf(charge->pile, sizeof charge->pile, "%s", value) <
            (int)sizeof charge->pile;
    if (!strcmp(name, "tag"))
        return snprintf(charge->tag, sizeof charge->tag, "%s", value) < (int)sizeof charge->tag;
    if (!strcmp(name, "connector"))
        return number("connector", value, 1, SIM_CONNECTORS_MAX, &charge->connector);
    if (!strcmp(name, "seconds"))
        return number("seconds", value, 1, 86400, &charge->seconds);
    if (!strcmp(name, "after_s"))
        return number("after_s", value, 0, 86400, &charge->after_s);
    if (strcmp(name, "power_w") || !number("power_w", value, 1, 1000000, &watts))
        return false;
    charge->power_mw = watts * 1000;
    return true;
}

static bool take_charge(struct sim_options *ret, char *text)
{
    struct sim_charge charge = {.connector = 1};
    char *rest = text;
    char *part;

    while ((part = strsep(&rest, ","))) {
        char *value = strchr(part, '=');

        if (value)
            *value++ = '\0';
        if (!value || !take_part(&charge, part, value)) {
            fprintf(stderr, "pilesim: --charge: %s cannot be taken; see pilesim run --help\n",
                part);
            return false;
        }
    }
    if (!*charge.pile || !*charge.tag || !charge.seconds || ret->charge_count == SIM_CHARGES_MAX) {
        fprintf(stderr, "pilesim: --charge needs pile=, tag= and seconds= (at most %d charges)\n",
            SIM_CHARGES_MAX);
        return false;
    }
    ret->charges[ret->charge_count++] = charge;
    return true;
}

static bool take_key(struct sim_options *ret, const char *hex)
{
    if (sim_key_read(hex, &ret->key))
        return true;
    fprintf(stderr, "pilesim: --key must be 2 to 40 hexadecimal digits\n");
    return false;
}

static bool take_number(struct sim_options *ret, enum option_id option)
{
    int64_t seed = 0;

    switch ((int)option) {
    case SEED:
        if (!number("--seed", optarg, 0, INT64_MAX, &seed))
            return false;
        ret->seed = (uint64_t)seed;
        return true;
    case PILES:
        return number("--piles", optarg, 1, SIM_PILES_MAX, &ret->piles);
    case DURATION:
        return number("--duration", optarg, 1, 31536000, &ret->duration_s);
    case DAYS:
        return number("--days", optarg, 1, 366, &ret->days);
    case CATCH_UP:
        ret->catch_up = true;
        return number("--catch-up", optarg, 1, 10000000, &ret->sessions_total);
    case SESSIONS:
        return number("--sessions", optarg, 1, 100000, &ret->sessions);
    case OPEN:
        return number("--open", optarg, 1, SIM_PILES_MAX, &ret->open);
    case PACE:
        return number("--pace", optarg, 1, 60000, &ret->pace_ms);
    case INTERVAL:
        return number("--interval", optarg, 0, 86400, &ret->interval_s);
    case GIVE_UP:
        return number("--give-up", optarg, 1, 86400, &ret->give_up_s);
    case ATTEMPTS:
        return number("--attempts", optarg, 1, 100, &ret->attempts);
    case RETRY:
        return number("--retry", optarg, 0, 3600, &ret->retry_s);
    case TIMEOUT:
        return number("--timeout", optarg, 1, 600, &ret->timeout_s);
    default:
        return false;
    }
}

static bool take(struct sim_options *ret, enum option_id option)
{
    switch ((int)option) {
    case URL:
        ret->url = optarg;
        return true;
    case FLEET:
        ret->fleet = optarg;
        return true;
    case TRUTH:
        ret->truth = optarg;
        return true;
    case KEYS:
        ret->keys = optarg;
        return true;
    case CA:
        ret->ca = optarg;
        return true;
    case ONCE:
        ret->once = true;
        return true;
    case KEY:
        return take_key(ret, optarg);
    case CHARGE:
        return take_charge(ret, optarg);
    default:
        return take_number(ret, option);
    }
}

static bool complete(const struct sim_options *options_read, int argc, char **argv)
{
    if (optind < argc) {
        fprintf(stderr, "pilesim: %s is not expected here; options begin with --\n",
            argv[optind]);
        return false;
    }
    if (!options_read->fleet || !options_read->truth) {
        fprintf(stderr, "pilesim: %s is missing; see --help\n",
            options_read->fleet ? "--truth DIR" : "--fleet FILE");
        return false;
    }
    return true;
}

enum sim_parsed sim_options_read(struct sim_options *ret, bool backfill, int argc, char **argv)
{
    int option;

    memset(ret, 0, sizeof *ret);
    ret->url = "ws://127.0.0.1:9016/ocpp";
    ret->seed = 1;
    ret->days = 7;
    ret->interval_s = ret->attempts = ret->retry_s = ret->timeout_s = -1;
    ret->catch_up = backfill;
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (option == HELP) {
            print_help(backfill);
            return SIM_PARSED_HELP;
        }
        if (option == '?' || !take(ret, (enum option_id)option))
            return SIM_PARSED_WRONG;
    }
    return complete(ret, argc, argv) ? SIM_PARSED : SIM_PARSED_WRONG;
}

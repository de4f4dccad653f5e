/* fleet_read.c - the fleet file's JSON into structs.  See fleet.h and README.md.
 *
 * Unknown members are left alone: names, addresses, tariffs and users' data are for `pilesim seed`.
 */
#include "simulators/fleet.h"
#include "simulators/pick.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct ocpp_limits fleet_limits = {
    .bytes = SIM_FLEET_BYTES_MAX, .nodes = 1000000, .depth = 16, .keys = 64};

struct reader {
    struct sim_fleet *fleet;
    struct sim_pick pick;
    struct sim_error *error;
    const char *path;
};

static bool refuse(struct reader *reader, const char *where, uint32_t index)
{
    sim_error_set(reader->error, "%s: %s[%u]: member %s is missing or wrong", reader->path, where,
        index, reader->pick.wrong ? reader->pick.wrong : "of no name");
    return false;
}

/* Room for one element more in each array of the fleet. */
#define GROW(array, count) grow((void **)&(array), sizeof *(array), count)

static bool grow(void **array, size_t size, uint32_t count)
{
    void *more;

    if (count & (count - 1)) /* doubled at each power of two */
        return true;
    more = realloc(*array, (count ? (size_t)count * 2 : 1) * size);
    if (!more)
        return false;
    *array = more;
    return true;
}

static bool read_model(struct reader *reader, const struct ocpp_node *node, uint32_t index)
{
    struct sim_model model = {.connectors = 1};
    char current[3];
    struct sim_pick *pick = &reader->pick;

    sim_pick_text(pick, node, "name", NULL, model.name, sizeof model.name);
    sim_pick_text(pick, node, "vendor", NULL, model.vendor, sizeof model.vendor);
    sim_pick_text(pick, node, "model", NULL, model.model, sizeof model.model);
    sim_pick_text(pick, node, "current", NULL, current, sizeof current);
    model.dc = !strcmp(current, "DC");
    if (!model.dc && strcmp(current, "AC"))
        pick->wrong = "current";
    model.power_mw = sim_pick_need_int(pick, node, "power_w") * 1000;
    model.connectors = (uint32_t)sim_pick_need_int(pick, node, "connectors");
    if (model.connectors < 1 || model.connectors > SIM_CONNECTORS_MAX)
        pick->wrong = "connectors";
    if (model.power_mw <= 0 || model.power_mw > 1000000000)
        pick->wrong = "power_w";
    if (pick->wrong || !GROW(reader->fleet->models, reader->fleet->model_count))
        return refuse(reader, "models", index);
    reader->fleet->models[reader->fleet->model_count++] = model;
    return true;
}

static void read_corners(struct sim_pick *pick, const struct ocpp_node *curve,
    struct sim_vehicle *vehicle)
{
    const struct ocpp_node *corner = ocpp_json_first(curve);

    for (; corner && !pick->wrong; corner = ocpp_json_next(corner)) {
        const struct ocpp_node *soc = ocpp_json_first(corner);
        struct sim_corner *to = &vehicle->curve[vehicle->corners];

        if (vehicle->corners == SIM_CURVE_MAX || ocpp_json_count(corner) != 2) {
            pick->wrong = "curve";
            return;
        }
        to->soc_ppm = sim_pick_value(pick, soc) * (SIM_PPM / 100);
        to->power_mw = sim_pick_value(pick, ocpp_json_next(soc)) * 1000;
        if (to->power_mw < 0 || (vehicle->corners > 0 && to->soc_ppm <= to[-1].soc_ppm))
            pick->wrong = "curve";
        vehicle->corners++;
    }
}

static bool read_vehicle(struct reader *reader, const struct ocpp_node *node, uint32_t index)
{
    struct sim_vehicle vehicle = {.corners = 0};
    struct sim_pick *pick = &reader->pick;

    sim_pick_text(pick, node, "name", NULL, vehicle.name, sizeof vehicle.name);
    vehicle.capacity_mwh = sim_pick_need_int(pick, node, "capacity_wh") * 1000;
    vehicle.ac_limit_mw = sim_pick_need_int(pick, node, "ac_limit_w") * 1000;
    read_corners(pick, ocpp_json_member(node, "curve"), &vehicle);
    if (vehicle.capacity_mwh <= 0)
        pick->wrong = "capacity_wh";
    if (vehicle.ac_limit_mw <= 0)
        pick->wrong = "ac_limit_w";
    if (pick->wrong || !GROW(reader->fleet->vehicles, reader->fleet->vehicle_count))
        return refuse(reader, "vehicles", index);
    reader->fleet->vehicles[reader->fleet->vehicle_count++] = vehicle;
    return true;
}

static void read_arrivals(struct sim_pick *pick, const struct ocpp_node *node,
    struct sim_site *site)
{
    const struct ocpp_node *arrivals = ocpp_json_member(node, "arrivals");
    const struct ocpp_node *weights = ocpp_json_member(arrivals, "hour_weights");
    const struct ocpp_node *weight = ocpp_json_first(weights);

    for (int hour = 0; hour < 24; hour++)
        site->hour_weight[hour] = 1;
    if (!arrivals)
        return;
    site->arrivals_per_day = sim_pick_need_int(pick, arrivals, "per_connector_day");
    site->utc_offset_h = sim_pick_int(pick, arrivals, "utc_offset_h", 0);
    if (weights && ocpp_json_count(weights) != 24)
        pick->wrong = "hour_weights";
    for (int hour = 0; hour < 24 && weight && !pick->wrong; hour++) {
        site->hour_weight[hour] = sim_pick_value(pick, weight);
        if (site->hour_weight[hour] < 0)
            pick->wrong = "hour_weights";
        weight = ocpp_json_next(weight);
    }
    if (site->arrivals_per_day < 0 || site->arrivals_per_day > 1000)
        pick->wrong = "per_connector_day";
    if (site->utc_offset_h < -12 || site->utc_offset_h > 14)
        pick->wrong = "utc_offset_h";
}

static bool read_site(struct reader *reader, const struct ocpp_node *node, uint32_t index)
{
    struct sim_site site = {.arrivals_per_day = 0};
    struct sim_pick *pick = &reader->pick;

    sim_pick_text(pick, node, "code", NULL, site.code, sizeof site.code);
    sim_pick_text(pick, node, "currency", NULL, site.currency, sizeof site.currency);
    read_arrivals(pick, node, &site);
    if (pick->wrong || !GROW(reader->fleet->sites, reader->fleet->site_count))
        return refuse(reader, "sites", index);
    reader->fleet->sites[reader->fleet->site_count++] = site;
    return true;
}

static const struct sim_site *find_site(const struct sim_fleet *fleet, const char *code)
{
    for (uint32_t i = 0; i < fleet->site_count; i++) {
        if (!strcmp(fleet->sites[i].code, code))
            return &fleet->sites[i];
    }
    return NULL;
}

static const struct sim_model *find_model(const struct sim_fleet *fleet, const char *name)
{
    for (uint32_t i = 0; i < fleet->model_count; i++) {
        if (!strcmp(fleet->models[i].name, name))
            return &fleet->models[i];
    }
    return NULL;
}

static bool add_pile(struct sim_fleet *fleet, const struct sim_pile_spec *spec)
{
    if (fleet->pile_count == SIM_PILES_MAX || !GROW(fleet->piles, fleet->pile_count))
        return false;
    fleet->piles[fleet->pile_count++] = *spec;
    return true;
}

/* `identity` names one pile; with `count`, the piles identity + number from `first`. */
static bool read_pile(struct reader *reader, const struct ocpp_node *node, uint32_t index)
{
    struct sim_pile_spec spec = {.key.length = 0};
    struct sim_pick *pick = &reader->pick;
    char identity[SIM_IDENTITY_MAX - 5];
    char name[32], key[SIM_KEY_MAX * 2 + 1];
    int64_t count = sim_pick_int(pick, node, "count", 0);
    int64_t first = sim_pick_int(pick, node, "first", 1);

    sim_pick_text(pick, node, "identity", NULL, identity, sizeof identity);
    sim_pick_text(pick, node, "site", NULL, name, sizeof name);
    spec.site = find_site(reader->fleet, name);
    sim_pick_text(pick, node, "model", NULL, name, sizeof name);
    spec.model = find_model(reader->fleet, name);
    sim_pick_text(pick, node, "key", "", key, sizeof key);
    if (!spec.site)
        pick->wrong = "site";
    if (!spec.model)
        pick->wrong = "model";
    if ((*key && !sim_key_read(key, &spec.key)))
        pick->wrong = "key";
    if (count < 0 || count > SIM_PILES_MAX || first < 0 || first > 99999 - count)
        pick->wrong = "count";
    if (pick->wrong)
        return refuse(reader, "piles", index);
    for (int64_t i = 0; i < (count ? count : 1); i++) {
        if (count)
            snprintf(spec.identity, sizeof spec.identity, "%s%d", identity, (int)(first + i));
        else
            snprintf(spec.identity, sizeof spec.identity, "%s", identity);
        if (!add_pile(reader->fleet, &spec))
            return refuse(reader, "piles", index);
    }
    return true;
}

/* A user's cards; with `count`, `tag` is a prefix that a four-digit number follows. */
static bool read_user(struct reader *reader, const struct ocpp_node *node, uint32_t index)
{
    struct sim_card card;
    struct sim_pick *pick = &reader->pick;
    char tag[SIM_TAG_MAX - 3];
    int64_t count = sim_pick_int(pick, node, "count", 0);

    if (ocpp_json_bool(ocpp_json_member(node, "for_charges")))
        return true; /* nobody draws this card by chance */
    sim_pick_text(pick, node, "tag", NULL, tag, sizeof tag);
    sim_pick_text(pick, node, "currency", NULL, card.currency, sizeof card.currency);
    if (count < 0 || count > 9999)
        pick->wrong = "count";
    for (int64_t i = 0; i < (count ? count : 1) && !pick->wrong; i++) {
        if (count)
            snprintf(card.tag, sizeof card.tag, "%s%04u", tag, (unsigned)(i + 1) % 10000U);
        else
            snprintf(card.tag, sizeof card.tag, "%s", tag);
        if (!GROW(reader->fleet->cards, reader->fleet->card_count))
            return false;
        reader->fleet->cards[reader->fleet->card_count++] = card;
    }
    return !pick->wrong || refuse(reader, "users", index);
}

static bool read_charge(struct reader *reader, const struct ocpp_node *node, uint32_t index)
{
    struct sim_charge charge;
    struct sim_pick *pick = &reader->pick;

    sim_pick_text(pick, node, "pile", NULL, charge.pile, sizeof charge.pile);
    sim_pick_text(pick, node, "tag", NULL, charge.tag, sizeof charge.tag);
    charge.connector = sim_pick_int(pick, node, "connector", 1);
    charge.power_mw = sim_pick_int(pick, node, "power_w", 0) * 1000;
    charge.seconds = sim_pick_need_int(pick, node, "seconds");
    charge.after_s = sim_pick_int(pick, node, "after_s", 0);
    if (charge.seconds <= 0 || charge.seconds > 86400)
        pick->wrong = "seconds";
    if (pick->wrong || !sim_fleet_add_charge(reader->fleet, &charge))
        return refuse(reader, "charges", index);
    return true;
}

static bool read_list(struct reader *reader, const struct ocpp_node *root, const char *name,
    bool (*one)(struct reader *, const struct ocpp_node *, uint32_t))
{
    const struct ocpp_node *node = ocpp_json_first(ocpp_json_member(root, name));

    for (uint32_t index = 0; node; index++, node = ocpp_json_next(node)) {
        if (!one(reader, node, index))
            return false;
    }
    return true;
}

static bool read_all(struct reader *reader, const struct ocpp_node *root)
{
    struct sim_fleet *fleet = reader->fleet;

    fleet->sample_interval_s = sim_pick_int(&reader->pick, root, "sample_interval_s", 60);
    if (reader->pick.wrong || fleet->sample_interval_s < 0 || fleet->sample_interval_s > 86400) {
        sim_error_set(reader->error, "%s: sample_interval_s must be 0 to 86400", reader->path);
        return false;
    }
    if (!read_list(reader, root, "models", read_model) ||
        !read_list(reader, root, "vehicles", read_vehicle) ||
        !read_list(reader, root, "sites", read_site) ||
        !read_list(reader, root, "piles", read_pile) ||
        !read_list(reader, root, "users", read_user) ||
        !read_list(reader, root, "charges", read_charge))
        return false;
    if (!fleet->pile_count || !fleet->vehicle_count || !fleet->card_count) {
        sim_error_set(reader->error, "%s: a fleet needs piles, vehicles and users", reader->path);
        return false;
    }
    return true;
}

static char *load(const char *path, size_t *ret_length)
{
    FILE *file = fopen(path, "re");
    char *text = malloc(SIM_FLEET_BYTES_MAX);

    if (!file || !text) {
        free(text);
        if (file)
            fclose(file);
        return NULL;
    }
    *ret_length = fread(text, 1, SIM_FLEET_BYTES_MAX, file);
    fclose(file);
    return text;
}

bool sim_fleet_read(const char *path, struct sim_fleet *ret, struct sim_error *ret_error)
{
    struct reader reader = {.fleet = ret, .error = ret_error, .path = path};
    struct ocpp_fault fault = {.text = ""};
    size_t length = 0;
    char *text = load(path, &length);
    struct ocpp_json *json;
    bool good;

    memset(ret, 0, sizeof *ret);
    if (!text) {
        sim_error_set(ret_error, "cannot read the fleet file %s: %s", path, strerror(errno));
        return false;
    }
    json = ocpp_json_read(text, length, &fleet_limits, &fault);
    free(text);
    if (!json) {
        sim_error_set(ret_error, "%s is no JSON that can be taken: %s", path, fault.text);
        return false;
    }
    reader.pick.json = json;
    good = read_all(&reader, ocpp_json_root(json));
    ocpp_json_free(json);
    if (!good)
        sim_fleet_done(ret);
    return good;
}

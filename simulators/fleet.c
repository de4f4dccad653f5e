/* fleet.c - keys, charges and the end of a fleet; fleet_read.c reads the file.  See fleet.h. */
#include "simulators/fleet.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void sim_error_set(struct sim_error *error, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(error->text, sizeof error->text, format, args);
    va_end(args);
}

void sim_fleet_done(struct sim_fleet *fleet)
{
    if (!fleet)
        return;
    free(fleet->models);
    free(fleet->sites);
    free(fleet->vehicles);
    free(fleet->piles);
    free(fleet->cards);
    free(fleet->charges);
    memset(fleet, 0, sizeof *fleet);
}

bool sim_fleet_add_charge(struct sim_fleet *fleet, const struct sim_charge *charge)
{
    struct sim_charge *more =
        realloc(fleet->charges, (fleet->charge_count + 1) * sizeof *fleet->charges);

    if (!more)
        return false;
    fleet->charges = more;
    fleet->charges[fleet->charge_count++] = *charge;
    return true;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

bool sim_key_read(const char *hex, struct sim_key *ret)
{
    struct sim_key key = {.length = 0};
    size_t digits = strlen(hex);

    if (digits == 0 || digits % 2 || digits > SIM_KEY_MAX * 2)
        return false;
    for (size_t i = 0; i < digits; i += 2) {
        int high = hex_digit(hex[i]);
        int low = hex_digit(hex[i + 1]);

        if (high < 0 || low < 0)
            return false;
        key.bytes[key.length++] = (unsigned char)(high << 4 | low);
    }
    *ret = key;
    return true;
}

static struct sim_pile_spec *find(struct sim_fleet *fleet, const char *identity)
{
    for (uint32_t i = 0; i < fleet->pile_count; i++) {
        if (!strcmp(fleet->piles[i].identity, identity))
            return &fleet->piles[i];
    }
    return NULL;
}

/* IDENTITY HEX, split at the last blank: identities may hold blanks. */
static bool take_key_line(struct sim_fleet *fleet, char *line)
{
    char *blank;
    struct sim_pile_spec *spec;

    line[strcspn(line, "\r\n")] = '\0';
    if (!*line || *line == '#')
        return true;
    blank = strrchr(line, ' ');
    if (!blank)
        return false;
    *blank = '\0';
    spec = find(fleet, line);
    return !spec || sim_key_read(blank + 1, &spec->key);
}

bool sim_fleet_read_keys(struct sim_fleet *fleet, const char *path, struct sim_error *ret_error)
{
    FILE *file = fopen(path, "re");
    char line[512];
    unsigned number = 0;
    bool good = true;

    if (!file) {
        sim_error_set(ret_error, "cannot read the key file %s: %s", path, strerror(errno));
        return false;
    }
    while (good && fgets(line, sizeof line, file)) {
        number++;
        good = take_key_line(fleet, line);
    }
    fclose(file);
    if (!good)
        sim_error_set(ret_error, "%s:%u: a line must be IDENTITY HEX, the key 1 to 20 bytes", path,
            number);
    return good;
}

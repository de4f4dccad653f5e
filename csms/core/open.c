/* open.c - which transactions of a station are open, as far as the core was told.
 *
 * It only decides whether a reading is marked suspect; the database then looks itself.  So a
 * transaction that finds no room here costs one look more, and nothing else.
 */
#include "csms/core/inside.h"

#include <stdlib.h>

void open_add(struct core_station *station, int64_t transaction_id)
{
    if (open_has(station, transaction_id))
        return;
    if (station->open_count == station->open_room) {
        uint16_t room = station->open_room != 0 ? (uint16_t)(station->open_room * 2) : 2;
        int64_t *open;

        if (room > CORE_OPEN_MAX)
            return;
        open = realloc(station->open, room * sizeof *open);
        if (open == NULL)
            return;
        station->open = open;
        station->open_room = room;
    }
    station->open[station->open_count++] = transaction_id;
}

void open_remove(struct core_station *station, int64_t transaction_id)
{
    for (uint16_t i = 0; i < station->open_count; i++)
        if (station->open[i] == transaction_id)
            station->open[i--] = station->open[--station->open_count];
}

bool open_has(const struct core_station *station, int64_t transaction_id)
{
    for (uint16_t i = 0; i < station->open_count; i++)
        if (station->open[i] == transaction_id)
            return true;
    return false;
}

void open_set(struct core_station *station, const char *list)
{
    station->open_count = 0;
    while (list != NULL && *list != '\0') {
        char *end;
        long long id = strtoll(list, &end, 10);

        if (end == list)
            return;
        open_add(station, id);
        list = *end == ',' ? end + 1 : end;
    }
}

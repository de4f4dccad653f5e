/* agenda.c - a binary heap with places, so that a pile's time can change.  See agenda.h. */
#include "simulators/agenda.h"

#include <assert.h>
#include <stdlib.h>

bool sim_agenda_init(struct sim_agenda *agenda, struct sim_pile *piles, uint32_t count)
{
    agenda->heap = calloc(count ? count : 1, sizeof(struct sim_pile *));
    agenda->count = count;
    if (!agenda->heap)
        return false;
    for (uint32_t i = 0; i < count; i++) {
        piles[i].place = i;
        piles[i].due_ms = 0;
        agenda->heap[i] = &piles[i];
    }
    return true;
}

void sim_agenda_done(struct sim_agenda *agenda)
{
    if (agenda)
        free(agenda->heap);
}

static void put(struct sim_agenda *agenda, uint32_t place, struct sim_pile *pile)
{
    agenda->heap[place] = pile;
    pile->place = place;
}

static void up(struct sim_agenda *agenda, struct sim_pile *pile)
{
    uint32_t place = pile->place;

    while (place > 0 && agenda->heap[(place - 1) / 2]->due_ms > pile->due_ms) {
        put(agenda, place, agenda->heap[(place - 1) / 2]);
        place = (place - 1) / 2;
    }
    put(agenda, place, pile);
}

static void down(struct sim_agenda *agenda, struct sim_pile *pile)
{
    uint32_t place = pile->place;

    for (;;) {
        uint32_t child = place * 2 + 1;

        if (child >= agenda->count)
            break;
        if (child + 1 < agenda->count &&
            agenda->heap[child + 1]->due_ms < agenda->heap[child]->due_ms)
            child++;
        if (agenda->heap[child]->due_ms >= pile->due_ms)
            break;
        put(agenda, place, agenda->heap[child]);
        place = child;
    }
    put(agenda, place, pile);
}

void sim_agenda_set(struct sim_agenda *agenda, struct sim_pile *pile, uint64_t due_ms)
{
    uint64_t before_ms = pile->due_ms;

    assert(agenda->heap[pile->place] == pile);
    pile->due_ms = due_ms;
    if (due_ms < before_ms)
        up(agenda, pile);
    else if (due_ms > before_ms)
        down(agenda, pile);
}

struct sim_pile *sim_agenda_first(const struct sim_agenda *agenda)
{
    return agenda->count ? agenda->heap[0] : NULL;
}

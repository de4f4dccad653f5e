/* directory.c - see directory.h.
 *
 * Entries live in one array; two open-addressed tables of indices lead to them, one by the folded
 * identity and one by id.  The exact spelling needs no table of its own: spellings that differ only
 * by case share a chain and are told apart there.
 */
#include "csms/core/directory.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

struct entry {
    struct core_entry station; /* station 0: free */
    uint64_t load;             /* of the whole load that put it last */
};

struct table {
    uint32_t *cells; /* index + 1; 0: empty */
    uint32_t size;   /* a power of two */
};

struct core_directory {
    struct entry *entries;
    uint32_t used, room, count;
    uint32_t free_index; /* index + 1 of a freed entry, chained through seq; 0: none */
    struct table by_name, by_id;
    int64_t seq;
    uint64_t load, seed;
};

struct core_directory *core_directory_new(uint64_t seed)
{
    struct core_directory *directory = calloc(1, sizeof(*directory));

    if (directory)
        directory->seed = seed;
    return directory;
}

void core_directory_free(struct core_directory *directory)
{
    if (!directory)
        return;
    free(directory->entries);
    free(directory->by_name.cells);
    free(directory->by_id.cells);
    free(directory);
}

static unsigned char fold(unsigned char c)
{
    return c >= 'A' && c <= 'Z' ? (unsigned char)(c + 32) : c;
}

static uint32_t name_hash(const struct core_directory *directory, const char *name, size_t length)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325) ^ directory->seed;

    for (size_t i = 0; i < length; i++)
        hash = (hash ^ fold((unsigned char)name[i])) * UINT64_C(0x100000001b3);
    return (uint32_t)(hash ^ hash >> 32);
}

static uint32_t id_hash(const struct core_directory *directory, int64_t id)
{
    uint64_t hash = ((uint64_t)id ^ directory->seed) * UINT64_C(0x9e3779b97f4a7c15);

    return (uint32_t)(hash >> 32);
}

static bool folded_equal(const char *a, const char *b, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if (fold((unsigned char)a[i]) != fold((unsigned char)b[i]))
            return false;
    return true;
}

static void cell_put(struct table *table, uint32_t hash, uint32_t index)
{
    uint32_t at = hash & (table->size - 1);

    while (table->cells[at])
        at = (at + 1) & (table->size - 1);
    table->cells[at] = index + 1;
}

/* Linear probing: what follows is moved up, so that no search ends too soon. */
static void cell_remove(struct core_directory *directory, struct table *table, uint32_t at)
{
    const uint32_t mask = table->size - 1;
    uint32_t hole = at;

    for (at = (at + 1) & mask; table->cells[at]; at = (at + 1) & mask) {
        const struct core_entry *s = &directory->entries[table->cells[at] - 1].station;
        uint32_t home = (table == &directory->by_id
                                ? id_hash(directory, s->station)
                                : name_hash(directory, s->identity, strlen(s->identity))) &
            mask;

        if (((at - home) & mask) >= ((at - hole) & mask)) {
            table->cells[hole] = table->cells[at];
            hole = at;
        }
    }
    table->cells[hole] = 0;
}

static uint32_t cell_of(const struct table *table, uint32_t hash, uint32_t index)
{
    uint32_t at = hash & (table->size - 1);

    while (table->cells[at] != index + 1) {
        assert(table->cells[at]);
        at = (at + 1) & (table->size - 1);
    }
    return at;
}

static void link_entry(struct core_directory *directory, uint32_t index)
{
    const struct core_entry *s = &directory->entries[index].station;

    cell_put(&directory->by_name, name_hash(directory, s->identity, strlen(s->identity)), index);
    cell_put(&directory->by_id, id_hash(directory, s->station), index);
}

static void unlink_entry(struct core_directory *directory, uint32_t index)
{
    const struct core_entry *s = &directory->entries[index].station;
    uint32_t name = name_hash(directory, s->identity, strlen(s->identity));

    cell_remove(directory, &directory->by_name,
        cell_of(&directory->by_name, name, index));
    cell_remove(directory, &directory->by_id,
        cell_of(&directory->by_id, id_hash(directory, s->station), index));
}

/* Makes room for one more entry: the array, and tables at most half full. */
static bool grow(struct core_directory *directory)
{
    uint32_t room = directory->room ? directory->room * 2 : 64;
    struct entry *entries;
    uint32_t *names, *ids;

    if (directory->free_index || directory->used < directory->room)
        return true;
    entries = realloc(directory->entries, room * sizeof(*entries));
    if (entries)
        directory->entries = entries;
    names = calloc(room * 2, sizeof(*names));
    ids = calloc(room * 2, sizeof(*ids));
    if (!entries || !names || !ids) {
        free(names);
        free(ids);
        return false;
    }
    free(directory->by_name.cells);
    free(directory->by_id.cells);
    directory->by_name = (struct table){ names, room * 2 };
    directory->by_id = (struct table){ ids, room * 2 };
    directory->room = room;
    for (uint32_t i = 0; i < directory->used; i++)
        if (directory->entries[i].station.station)
            link_entry(directory, i);
    return true;
}

static bool index_of(const struct core_directory *directory, int64_t id, uint32_t *ret)
{
    const struct table *table = &directory->by_id;

    if (!table->size)
        return false;
    for (uint32_t at = id_hash(directory, id) & (table->size - 1); table->cells[at];
        at = (at + 1) & (table->size - 1)) {
        if (directory->entries[table->cells[at] - 1].station.station == id) {
            *ret = table->cells[at] - 1;
            return true;
        }
    }
    return false;
}

static void release(struct core_directory *directory, uint32_t index)
{
    unlink_entry(directory, index);
    directory->entries[index].station =
        (struct core_entry){ .seq = directory->free_index };
    directory->free_index = index + 1;
    directory->count--;
}

static uint32_t claim(struct core_directory *directory)
{
    uint32_t index;

    directory->count++;
    if (!directory->free_index)
        return directory->used++;
    index = directory->free_index - 1;
    directory->free_index = (uint32_t)directory->entries[index].station.seq;
    return index;
}

bool core_directory_put(struct core_directory *directory, const struct core_entry *station)
{
    uint32_t index;

    if (station->station <= 0 || station->key_count > CORE_KEYS_MAX ||
        !core_identity_valid(station->identity, strnlen(station->identity, CORE_IDENTITY_MAX + 1)))
        return false;
    if (index_of(directory, station->station, &index))
        unlink_entry(directory, index);
    else if (grow(directory))
        index = claim(directory);
    else
        return false;
    directory->entries[index] = (struct entry){ .station = *station, .load = directory->load };
    link_entry(directory, index);
    if (station->seq > directory->seq)
        directory->seq = station->seq;
    return true;
}

void core_directory_remove(struct core_directory *directory, int64_t station)
{
    uint32_t index;

    if (index_of(directory, station, &index))
        release(directory, index);
}

void core_directory_begin(struct core_directory *directory)
{
    directory->load++;
}

void core_directory_end(struct core_directory *directory)
{
    for (uint32_t i = 0; i < directory->used; i++)
        if (directory->entries[i].station.station && directory->entries[i].load != directory->load)
            release(directory, i);
}

const struct core_entry *core_directory_find(
    const struct core_directory *directory, const char *identity, size_t length)
{
    const struct table *table = &directory->by_name;
    const struct core_entry *folded = NULL;
    unsigned matches = 0;

    if (!table->size || !length || length > CORE_IDENTITY_MAX)
        return NULL;
    for (uint32_t at = name_hash(directory, identity, length) & (table->size - 1);
        table->cells[at]; at = (at + 1) & (table->size - 1)) {
        const struct core_entry *s = &directory->entries[table->cells[at] - 1].station;

        if (strlen(s->identity) != length || !folded_equal(s->identity, identity, length))
            continue;
        if (!memcmp(s->identity, identity, length))
            return s;
        folded = s;
        matches++;
    }
    return matches == 1 ? folded : NULL;
}

const struct core_entry *core_directory_get(
    const struct core_directory *directory, int64_t station)
{
    uint32_t index;

    return index_of(directory, station, &index) ? &directory->entries[index].station : NULL;
}

uint32_t core_directory_count(const struct core_directory *directory)
{
    return directory->count;
}

int64_t core_directory_seq(const struct core_directory *directory)
{
    return directory->seq;
}

/* The length of the UTF-8 sequence at p, 0 if it is none (overlong, surrogate, too high). */
static size_t utf8_length(const unsigned char *p, size_t room)
{
    static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
    size_t length = p[0] < 0x80 ? 1 : p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : 2;
    uint32_t value;

    if (length == 1)
        return 1;
    if (p[0] < 0xc2 || p[0] > 0xf4 || length > room)
        return 0;
    value = p[0] & (0xff >> (length + 1));
    for (size_t i = 1; i < length; i++) {
        if ((p[i] & 0xc0) != 0x80)
            return 0;
        value = value << 6 | (p[i] & 0x3f);
    }
    if (value < least[length] || value > 0x10ffff || (value >= 0xd800 && value < 0xe000))
        return 0;
    /* C1 controls hide in two bytes. */
    return value < 0xa0 ? 0 : length;
}

bool core_identity_valid(const char *identity, size_t length)
{
    const unsigned char *p = (const unsigned char *)identity;

    if (!length || length > CORE_IDENTITY_MAX)
        return false;
    for (size_t i = 0; i < length;) {
        size_t step = utf8_length(p + i, length - i);

        if (!step || p[i] < 0x20 || p[i] == 0x7f)
            return false;
        i += step;
    }
    return true;
}

uint32_t core_quirks_read(const char *text)
{
    static const struct {
        const char *name;
        uint32_t bit;
    } known[] = {
#define QUIRK(name, bit, text, meaning) { text, CORE_QUIRK_##name },
        CORE_QUIRKS(QUIRK)
#undef QUIRK
    };
    uint32_t quirks = 0;

    while (text && *text) {
        size_t length = strcspn(text, " ,\t");

        for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
            if (strlen(known[i].name) == length && !memcmp(known[i].name, text, length))
                quirks |= known[i].bit;
        text += length;
        text += strspn(text, " ,\t");
    }
    return quirks;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)fold((unsigned char)c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool core_key_hashes_read(const char *text, struct core_entry *ret)
{
    uint8_t hashes[CORE_KEYS_MAX][CORE_KEY_HASH];
    uint8_t count = 0;

    for (text += strspn(text, " ,{}\""); *text; text += strspn(text, " ,{}\"")) {
        if (count == CORE_KEYS_MAX)
            return false;
        for (size_t i = 0; i < CORE_KEY_HASH; i++, text += 2) {
            int high = hex_digit(text[0]), low = high < 0 ? -1 : hex_digit(text[1]);

            if (low < 0)
                return false;
            hashes[count][i] = (uint8_t)(high << 4 | low);
        }
        if (hex_digit(*text) >= 0)
            return false;
        count++;
    }
    memcpy(ret->key_hashes, hashes, sizeof(hashes[0]) * count);
    ret->key_count = count;
    return true;
}

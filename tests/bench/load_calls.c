/* load_calls.c - the texts of the CALLs, patched in place, and their answers. See load.h. */
#include "tests/bench/load.h"

#include "ocpp/datetime.h"
#include "ocpp/encode.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { ID_LENGTH = 36, TRANSACTION_DIGITS = 8, TIME_LENGTH = 24, WH_DIGITS = 6 };

/* 632 bytes with four samples; the transaction's id is filled up with blanks. */
#define READING_HEAD                                                                               \
    "[2,\"0f6a1c9e-5d3b-4c1e-9a57-2b1f00000001\",\"MeterValues\",{\"connectorId\":1,"              \
    "\"transactionId\":47110001,\"meterValue\":[{\"timestamp\":\"2026-01-31T12:02:00.000Z\","      \
    "\"sampledValue\":[{\"value\":\"108200\",\"context\":\"Sample.Periodic\","                     \
    "\"measurand\":\"Energy.Active.Import.Register\",\"location\":\"Outlet\",\"unit\":\"Wh\"},"    \
    "{\"value\":\"7400.0\",\"context\":\"Sample.Periodic\",\"measurand\":\"Power.Active.Import\"," \
    "\"location\":\"Outlet\",\"unit\":\"W\"},"                                                     \
    "{\"value\":\"32.1\",\"context\":\"Sample.Periodic\",\"measurand\":\"Current.Import\","        \
    "\"location\":\"Outlet\",\"phase\":\"L1\",\"unit\":\"A\"},"                                    \
    "{\"value\":\"230.4\",\"context\":\"Sample.Periodic\",\"format\":\"Raw\","                     \
    "\"measurand\":\"Voltage\",\"phase\":\"L1\",\"unit\":\"V\"}"

static char reading_short[] = READING_HEAD "]}]}]";
static char reading_long[] = READING_HEAD
    ",{\"value\":\"11000\",\"context\":\"Sample.Periodic\",\"measurand\":\"Power.Offered\","
    "\"location\":\"Outlet\",\"unit\":\"W\"},"
    "{\"value\":\"31.9\",\"context\":\"Sample.Periodic\",\"measurand\":\"Current.Import\","
    "\"location\":\"Outlet\",\"phase\":\"L2\",\"unit\":\"A\"},"
    "{\"value\":\"54\",\"context\":\"Sample.Periodic\",\"measurand\":\"SoC\",\"location\":\"EV\","
    "\"unit\":\"Percent\"},"
    "{\"value\":\"49.98\",\"context\":\"Sample.Periodic\",\"measurand\":\"Frequency\"}]}]}]";
static char start_text[] =
    "[2,\"0f6a1c9e-5d3b-4c1e-9a57-2b1f00000001\",\"StartTransaction\",{\"connectorId\":1,"
    "\"idTag\":\"BENCH-CARD-00000\",\"meterStart\":108200,"
    "\"timestamp\":\"2026-01-31T12:02:00.000Z\"}]";
static char stop_text[] =
    "[2,\"0f6a1c9e-5d3b-4c1e-9a57-2b1f00000001\",\"StopTransaction\",{\"transactionId\":47110001,"
    "\"idTag\":\"BENCH-CARD-00000\",\"meterStop\":108200,\"reason\":\"EVDisconnected\","
    "\"timestamp\":\"2026-01-31T12:02:00.000Z\"}]";
static char boot_text[] =
    "[2,\"0f6a1c9e-5d3b-4c1e-9a57-2b1f00000001\",\"BootNotification\","
    "{\"chargePointVendor\":\"Bench\",\"chargePointModel\":\"Load\",\"firmwareVersion\":\"1.0\"}]";

/* A text and where it differs from pile to pile and from time to time; NULL: nowhere. */
struct text {
    char *text;
    size_t length;
    char *id, *transaction, *time, *register_wh, *card;
};

static struct text texts[] = {
    [CALL_BOOT] = {boot_text, sizeof boot_text - 1},
    [CALL_START] = {start_text, sizeof start_text - 1},
    [CALL_READING] = {reading_short, sizeof reading_short - 1},
    [CALL_STOP] = {stop_text, sizeof stop_text - 1},
};

void calls_prepare(struct load *load)
{
    assert(sizeof reading_short - 1 == 632);
    if (load->long_message) {
        texts[CALL_READING].text = reading_long;
        texts[CALL_READING].length = sizeof reading_long - 1;
    }
    for (size_t i = CALL_BOOT; i < sizeof texts / sizeof *texts; i++) {
        struct text *text = &texts[i];

        text->id = strstr(text->text, "0f6a1c9e");
        text->transaction = strstr(text->text, "47110001");
        text->time = strstr(text->text, "2026-01-31");
        text->register_wh = strstr(text->text, "108200");
        text->card = strstr(text->text, "00000\",\"meter");
    }
}

static void put_number(char *at, int digits, uint64_t value, unsigned base)
{
    for (int i = digits - 1; i >= 0; i--, value /= base)
        at[i] = "0123456789abcdef"[value % base];
}

/* Left-aligned, for a JSON number has no leading zeros. */
static void put_transaction(char *at, int64_t value)
{
    char digits[24];
    int length = snprintf(digits, sizeof digits, "%lld", (long long)value);

    assert(length <= TRANSACTION_DIGITS);
    memset(at, ' ', TRANSACTION_DIGITS);
    memcpy(at, digits, (size_t)length);
}

static void put_time(char *at, int64_t ms)
{
    char text[OCPP_DATETIME_BYTES];

    ocpp_datetime_write(text, ms * 1000);
    memcpy(at, text, TIME_LENGTH);
}

static void put_id(char at[ID_LENGTH], uint32_t index, uint32_t sequence)
{
    put_number(at, 8, index, 16);
    put_number(at + 24, 12, sequence, 16);
}

static void next_values(struct pile *pile)
{
    struct timespec now;
    int64_t ms;

    clock_gettime(CLOCK_REALTIME, &now);
    ms = now.tv_sec * INT64_C(1000) + now.tv_nsec / 1000000;
    pile->at_ms = ms > pile->at_ms ? ms : pile->at_ms + 1;
    pile->register_wh++;
    pile->sequence++;
}

void call_send(struct load *load, struct pile *pile, enum call call, bool again)
{
    const struct text *text = &texts[call];
    uint32_t index = (uint32_t)(pile - load->piles);

    if (!again)
        next_values(pile);
    put_id(text->id, index, pile->sequence);
    if (text->transaction != NULL)
        put_transaction(text->transaction, pile->transaction);
    if (text->time != NULL)
        put_time(text->time, pile->at_ms);
    if (text->register_wh != NULL)
        put_number(text->register_wh, WH_DIGITS, (uint64_t)pile->register_wh, 10);
    if (text->card != NULL)
        put_number(text->card, 5, index, 10);
    pile->waits_for = call;
    load->sent += !again;
    if (!wire_send(&load->wire, index, text->text, text->length))
        load_fail(load, "a socket did not take a message whole");
}

static bool has(const char *text, size_t length, const char *what)
{
    return memmem(text, length, what, strlen(what)) != NULL;
}

/* Whatever is not the answer we wait for: a CALL of the server's is refused, the rest is told. */
static void strange(struct load *load, uint32_t index, const char *text, size_t length)
{
    char answer[512], why[WIRE_WHY_MAX];
    struct ocpp_frame frame;
    struct ocpp_fault fault;

    if (ocpp_frame_read(text, length, &ocpp_limits_pile, &frame, &fault) == OCPP_READ_FRAME &&
        frame.type == OCPP_CALL) {
        length = ocpp_encode_error(answer, sizeof answer, frame.id, OCPP_NOT_IMPLEMENTED,
            "a load client knows no commands");
        if (!wire_send(&load->wire, index, answer, length))
            load_fail(load, "a socket did not take a message whole");
    } else {
        snprintf(why, sizeof why, "an answer that nobody waits for: %.*s", (int)length, text);
        load_fail(load, why);
    }
    ocpp_frame_done(&frame);
}

void answer_take(struct load *load, uint32_t index, const char *text, size_t length)
{
    static char head[] = "[3,\"00000000-5d3b-4c1e-9a57-000000000000\",";
    struct pile *pile = &load->piles[index];
    enum call call = pile->waits_for;
    uint64_t now = wire_now_ns();
    const char *id;

    put_id(head + 4, index, pile->sequence);
    if (call == CALL_NONE || length < sizeof head || memcmp(text, head, sizeof head - 1) != 0) {
        strange(load, index, text, length);
        return;
    }
    if ((call == CALL_BOOT || call == CALL_START) &&
        !has(text, length, "\"status\":\"Accepted\"")) {
        char why[WIRE_WHY_MAX];

        snprintf(why, sizeof why, "not accepted: %.*s", (int)length, text);
        load_fail(load, why);
    }
    if (call == CALL_START) {
        id = memmem(text, length, "\"transactionId\":", 16);
        pile->transaction = id != NULL ? strtoll(id + 16, NULL, 10) : 0;
    }
    pile->waits_for = CALL_NONE;
    load->answered(load, pile, call, now);
}

void load_fail(struct load *load, const char *why)
{
    if (load->failed++ == 0)
        snprintf(load->why, sizeof load->why, "%s", why);
}

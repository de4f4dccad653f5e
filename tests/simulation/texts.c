/* texts.c - what a pile's messages say. */
#include "tests/simulation/pile.h"

#include "ocpp/datetime.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TEXT_MAX = 1024, LARGE_SAMPLES = 420 };

void message_write_action(struct message *message, const char *action, const char *payload)
{
    size_t size = strlen(action) + strlen(payload) + 8;

    message->text = malloc(size);
    assert(message->text != NULL);
    snprintf(message->text, size, "\"%s\",%s", action, payload);
}

static void start(const struct session *session, struct message *message, const char *at)
{
    char payload[TEXT_MAX];

    snprintf(payload, sizeof payload,
        "{\"connectorId\":%d,\"idTag\":\"T%" PRId64 "\",\"meterStart\":%" PRId64
        ",\"timestamp\":\"%s\"}",
        message->content.connector, session->tag, message->content.wh, at);
    message->content.tag = session->tag;
    message_write_action(message, "StartTransaction", payload);
}

static void stop(
    const struct pile *pile, struct session *session, struct message *message, const char *at)
{
    char payload[TEXT_MAX], tag[64] = "", data[256] = "";

    message->content.transaction = session->transaction != 0 ? session->transaction : -1;
    session->unnumbered = session->transaction == 0;
    if (pile->habits & HABIT_TAG_AT_STOP || (session->unnumbered && !session->twin)) {
        snprintf(tag, sizeof tag, ",\"idTag\":\"T%" PRId64 "\"", session->tag);
        message->content.tag = session->tag;
    }
    message->content.data = pile->habits & HABIT_DATA_AT_STOP;
    if (message->content.data)
        snprintf(data, sizeof data,
            ",\"transactionData\":[{\"timestamp\":\"%s\",\"sampledValue\":[{\"value\":\"%" PRId64
            "\",\"context\":\"Transaction.End\"}]}]", at, message->content.wh);
    snprintf(payload, sizeof payload,
        "{\"transactionId\":%" PRId64 ",\"meterStop\":%" PRId64
        ",\"timestamp\":\"%s\",\"reason\":\"Local\"%s%s}",
        message->content.transaction, message->content.wh, at, tag, data);
    message_write_action(message, "StopTransaction", payload);
}

static void reading(struct pile *pile, const struct session *session, struct message *message,
    const char *at)
{
    bool large = world_fault(pile->world, FAULT_LARGE, 60);
    size_t size = TEXT_MAX + (large ? LARGE_SAMPLES * 64 : 0), length;
    char *payload = malloc(size), number[48] = "";

    assert(payload != NULL);
    if (session->transaction != 0 && !(pile->habits & HABIT_NO_NUMBER))
        snprintf(number, sizeof number, "\"transactionId\":%" PRId64 ",", session->transaction);
    length = (size_t)snprintf(payload, size,
        "{\"connectorId\":%d,%s\"meterValue\":[{\"timestamp\":\"%s\",\"sampledValue\":["
        "{\"value\":\"%" PRId64 "\",\"measurand\":\"Energy.Active.Import.Register\","
        "\"unit\":\"Wh\"},{\"value\":\"%" PRId64 ".5\",\"measurand\":\"Power.Active.Import\"}",
        message->content.connector, number, at, message->content.wh,
        message->content.wh % 7 * 1000);
    for (int i = 0; large && i < LARGE_SAMPLES; i++)
        length += (size_t)snprintf(payload + length, size - length,
            ",{\"value\":\"%d\",\"measurand\":\"Voltage\",\"phase\":\"L1-L2\"}", i);
    snprintf(payload + length, size - length, "]}]}");
    message_write_action(message, "MeterValues", payload);
    free(payload);
}

static void other(struct pile *pile, struct message *message, const char *at)
{
    static const char *const statuses[] = {"Available", "Preparing", "Charging", "Finishing"};
    char payload[TEXT_MAX];

    if (message->content.what == WHAT_BOOT) {
        message_write_action(message, "BootNotification",
            "{\"chargePointVendor\":\"Sim\",\"chargePointModel\":\"One\"}");
    } else if (message->content.what == WHAT_STATUS) {
        snprintf(payload, sizeof payload,
            "{\"connectorId\":%d,\"errorCode\":\"NoError\",\"status\":\"%s\",\"timestamp\":\"%s\"}",
            message->content.connector, statuses[random_below(&pile->random, 4)], at);
        message_write_action(message, "StatusNotification", payload);
    } else if (message->content.what == WHAT_NOTE) {
        snprintf(payload, sizeof payload,
            "{\"type\":\"SettingSystemTime\",\"timestamp\":\"%s\"}", at);
        message_write_action(message, "SecurityEventNotification", payload);
    } else if (message->session != 0) {
        snprintf(payload, sizeof payload, "{\"idTag\":\"T%" PRId64 "\"}",
            pile->sessions[message->session - 1].tag);
        message_write_action(message, "Authorize", payload);
    } else {
        message_write_action(message, "Heartbeat", "{}");
    }
}

void message_write(struct pile *pile, struct message *message)
{
    struct session *session = message->session != 0 ? &pile->sessions[message->session - 1] : NULL;
    char at[OCPP_DATETIME_BYTES];

    ocpp_datetime_write(at, message->content.at_us);
    if (message->content.what == WHAT_START)
        start(session, message, at);
    else if (message->content.what == WHAT_STOP)
        stop(pile, session, message, at);
    else if (message->content.what == WHAT_READING)
        reading(pile, session, message, at);
    else
        other(pile, message, at);
}

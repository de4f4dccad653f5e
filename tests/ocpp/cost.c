/* cost.c - what it costs to read and decode one message: prints microseconds of CPU time.
 *
 * The message is a MeterValues CALL of 632 bytes with four samples, the one the limits of the whole
 * system were measured with in size and shape.
 */
#include "ocpp/encode.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { ROUNDS = 100000, RUNS = 5 };

static const char message[] =
    "[2,\"0f6a1c9e-5d3b-4c1e-9a57-2b1f00000001\",\"MeterValues\",{\"connectorId\":1,"
    "\"transactionId\":47110001,\"meterValue\":[{\"timestamp\":\"2026-01-31T12:02:00.000Z\","
    "\"sampledValue\":[{\"value\":\"108200\",\"context\":\"Sample.Periodic\","
    "\"measurand\":\"Energy.Active.Import.Register\",\"location\":\"Outlet\",\"unit\":\"Wh\"},"
    "{\"value\":\"7400.0\",\"context\":\"Sample.Periodic\",\"measurand\":\"Power.Active.Import\","
    "\"location\":\"Outlet\","
    "\"unit\":\"W\"},{\"value\":\"32.1\",\"context\":\"Sample.Periodic\","
    "\"measurand\":\"Current.Import\",\"location\":\"Outlet\",\"phase\":\"L1\",\"unit\":\"A\"},"
    "{\"value\":\"230.4\","
    "\"context\":\"Sample.Periodic\",\"format\":\"Raw\",\"measurand\":\"Voltage\",\"phase\":\"L1\","
    "\"unit\":\"V\"}]}]}]";

static double cpu_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

/* One message, with the decoding or without it. */
static void read_one(bool decode)
{
    struct ocpp_frame frame;
    struct ocpp_fault fault;
    const void *payload;

    if (ocpp_frame_read(message, sizeof(message) - 1, &ocpp_limits_pile, &frame, &fault) !=
        OCPP_READ_FRAME)
        abort();
    if (decode && ocpp_frame_request(&frame, &payload) != OCPP_EXACT)
        abort();
    ocpp_frame_done(&frame);
}

static double cost_us(bool decode)
{
    double start = cpu_us();

    for (int i = 0; i < ROUNDS; i++)
        read_one(decode);
    return (cpu_us() - start) / ROUNDS;
}

int main(void)
{
    printf("%zu bytes, %d messages a run\n", strlen(message), ROUNDS);
    for (int run = 0; run < RUNS; run++)
        printf("head %.2f us, head and payload %.2f us\n", cost_us(false), cost_us(true));
    return 0;
}

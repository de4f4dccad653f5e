/* test_takeover.c - one live connection a station, and what is late changes nothing. */
#include "tests/core/support.h"

#include <stdlib.h>
#include <string.h>

#define METER                                                                                      \
    "[2,\"m1\",\"MeterValues\",{\"connectorId\":1,\"meterValue\":[{\"timestamp\":"                 \
    "\"2025-11-24T16:00:00Z\",\"sampledValue\":[{\"value\":\"1500\"}]}]}]"
#define HEARTBEAT "[2,\"h\",\"Heartbeat\",{}]"

static const struct core_answer nothing;
static struct core_answer epoch(int64_t number)
{
    return (struct core_answer){.epoch = number, .registration = CORE_ACCEPTED};
}

START_TEST(no_frame_is_worked_before_the_epoch_is_taken)
{
    struct bench *bench = bench_new();
    struct core_conn conn = bench_conn(0, 1);
    struct core_answer answer = epoch(5);

    core_conn_open(bench->core, bench->now, conn, 1, "192.0.2.1");
    bench_say(bench, conn, HEARTBEAT);
    bench_say(bench, conn, METER);
    ck_assert_uint_eq(bench->sent_count, 0);
    ck_assert(!bench_has(bench, CORE_READINGS));
    bench_done(bench, CORE_TAKE_OVER, CORE_DONE, &answer);
    ck_assert_uint_eq(bench->sent_count, 1);
    ck_assert_int_eq(bench_work(bench, CORE_READINGS)->work.epoch, 5);
    bench_free(bench);
}
END_TEST

START_TEST(a_take_over_that_fails_closes_the_connection)
{
    static const enum core_outcome outcomes[] = {CORE_BUSY, CORE_FAILED, CORE_AWAY};
    struct bench *bench = bench_new();

    core_conn_open(bench->core, bench->now, bench_conn(0, 1), 1, "192.0.2.1");
    bench_done(bench, CORE_TAKE_OVER, outcomes[_i], NULL);
    ck_assert_int_eq(bench_last_close(bench), CORE_CLOSE_RESTART);
    bench_join(bench, 0, 1, CORE_ACCEPTED);
    bench_free(bench);
}
END_TEST

START_TEST(the_newest_connection_wins_at_once)
{
    struct bench *bench = bench_new();
    struct core_conn old = bench_join(bench, 0, 1, CORE_ACCEPTED);
    struct core_conn fresh = bench_join(bench, 1, 1, CORE_ACCEPTED);

    ck_assert_uint_eq(bench->closed_count, 1);
    ck_assert_uint_eq(bench->closed[0].conn.slot, old.slot);
    ck_assert_int_eq(bench->closed[0].code, CORE_CLOSE_GOING_AWAY);
    ck_assert_uint_eq(bench_notes(bench, CORE_NOTE_REPLACED_ALIVE), 1);
    /* Its late close changes nothing. */
    core_conn_closed(bench->core, bench->now, old, "closed by the pile");
    bench_say(bench, old, HEARTBEAT);
    ck_assert_uint_eq(bench->sent_count, 0);
    bench_say(bench, fresh, HEARTBEAT);
    ck_assert_uint_eq(bench->sent_count, 1);
    ck_assert_uint_eq(bench->sent[0].conn.slot, fresh.slot);
    bench_free(bench);
}
END_TEST

START_TEST(what_another_node_took_is_closed_and_what_is_newer_stays)
{
    struct bench *bench = bench_new();
    struct core_answer answer = epoch(7);

    core_conn_open(bench->core, bench->now, bench_conn(0, 1), 1, "192.0.2.1");
    core_station_moved(bench->core, bench->now, 1, 6); /* of our take-over nobody knows yet */
    bench_done(bench, CORE_TAKE_OVER, CORE_DONE, &answer);
    core_station_moved(bench->core, bench->now, 1, 6);
    core_station_moved(bench->core, bench->now, 1, 7);
    core_station_moved(bench->core, bench->now, 2, 9); /* not here */
    ck_assert_uint_eq(bench->closed_count, 0);
    core_station_moved(bench->core, bench->now, 1, 8);
    ck_assert_int_eq(bench_last_close(bench), CORE_CLOSE_GOING_AWAY);
    ck_assert_int_eq(bench->work[bench->work_count - 1].work.kind, CORE_CONNECTION_CLOSE);
    ck_assert_int_eq(bench->work[bench->work_count - 1].work.epoch, 7);
    bench_free(bench);
}
END_TEST

START_TEST(a_silent_predecessor_raises_no_alarm)
{
    struct bench *bench = bench_new();

    bench_join(bench, 0, 1, CORE_ACCEPTED);
    bench_wait(bench, 31000);
    bench_join(bench, 1, 1, CORE_ACCEPTED);
    ck_assert_uint_eq(bench_notes(bench, CORE_NOTE_REPLACED_ALIVE), 0);
    ck_assert_uint_eq(bench_notes(bench, CORE_NOTE_REPLACED), 1);
    bench_free(bench);
}
END_TEST

START_TEST(the_predecessors_work_is_resolved_before_the_epoch_moves)
{
    struct bench *bench = bench_new();
    struct core_conn old = bench_join(bench, 0, 1, CORE_ACCEPTED);
    struct core_conn fresh = bench_conn(1, 77);
    struct core_answer answer = epoch(6);

    bench_say(bench, old, METER);
    core_conn_open(bench->core, bench->now, fresh, 1, "192.0.2.2");
    ck_assert(!bench_has(bench, CORE_TAKE_OVER));
    bench_say(bench, fresh, METER);
    bench_commit(bench, CORE_READINGS);
    ck_assert_uint_eq(bench->sent_count, 0); /* the old connection is gone: no answer */
    bench_done(bench, CORE_TAKE_OVER, CORE_DONE, &answer);
    bench_commit(bench, CORE_READINGS);
    ck_assert_uint_eq(bench->sent_count, 1);
    ck_assert_uint_eq(bench->sent[0].conn.generation, 77);
    bench_free(bench);
}
END_TEST

START_TEST(a_third_connection_in_a_take_over_wins)
{
    struct bench *bench = bench_new();
    struct core_answer answer = epoch(6), later = epoch(7);
    struct core_conn third = bench_conn(2, 3);

    core_conn_open(bench->core, bench->now, bench_conn(0, 1), 1, "192.0.2.1");
    core_conn_open(bench->core, bench->now, bench_conn(1, 2), 1, "192.0.2.1");
    core_conn_open(bench->core, bench->now, third, 1, "192.0.2.1");
    ck_assert_uint_eq(bench->closed_count, 2);
    bench_done(bench, CORE_TAKE_OVER, CORE_DONE, &answer);
    ck_assert(bench_has(bench, CORE_TAKE_OVER)); /* the third takes an epoch of its own */
    bench_say(bench, third, HEARTBEAT);
    ck_assert_uint_eq(bench->sent_count, 0);
    bench_done(bench, CORE_TAKE_OVER, CORE_DONE, &later);
    ck_assert_uint_eq(bench->sent_count, 1);
    bench_free(bench);
}
END_TEST

START_TEST(an_epoch_taken_for_nobody_is_given_back)
{
    struct bench *bench = bench_new();
    struct core_conn conn = bench_conn(0, 1);
    struct core_answer answer = epoch(6);

    core_conn_open(bench->core, bench->now, conn, 1, "192.0.2.1");
    core_conn_closed(bench->core, bench->now, conn, "closed by the pile");
    bench_done(bench, CORE_TAKE_OVER, CORE_DONE, &answer);
    ck_assert_int_eq(bench->work[1].work.kind, CORE_CONNECTION_CLOSE);
    ck_assert_int_eq(bench->work[1].work.epoch, 6);
    bench_free(bench);
}
END_TEST

START_TEST(an_outcome_that_comes_late_or_twice_changes_nothing)
{
    struct bench *bench = bench_new();
    struct core_conn conn = bench_join(bench, 0, 1, CORE_ACCEPTED);
    uint64_t token;

    bench_say(bench, conn, METER);
    token = bench_work(bench, CORE_READINGS)->work.token;
    bench_commit(bench, CORE_READINGS);
    core_work_done(bench->core, bench->now, token, CORE_DONE, &nothing);
    core_work_done(bench->core, bench->now, 0, CORE_DONE, &nothing);
    ck_assert_uint_eq(bench->sent_count, 1);
    core_conn_closed(bench->core, bench->now, conn, "closed by the pile");
    core_work_done(bench->core, bench->now, token, CORE_AWAY, NULL);
    ck_assert_uint_eq(bench->sent_count, 1);
    bench_free(bench);
}
END_TEST

START_TEST(sixty_take_overs_an_hour_are_enough)
{
    struct bench *bench = bench_new();

    for (uint32_t i = 0; i < 61; i++) {
        ck_assert(core_may_open(bench->core, bench->now, 1));
        bench_join(bench, i % 2, 1, CORE_ACCEPTED);
    }
    ck_assert(!core_may_open(bench->core, bench->now, 1));
    ck_assert(core_may_open(bench->core, bench->now, 2));
    bench_wait(bench, 3600 * 1000);
    ck_assert(core_may_open(bench->core, bench->now, 1));
    bench_free(bench);
}
END_TEST

/* Whether each finds the last one, or that has gone; and what is forgotten comes back by the
 * minute. */
START_TEST(sixty_returns_an_hour_are_enough_whoever_was_there)
{
    struct bench *bench = bench_new();

    for (uint32_t i = 0; i < 61; i++) {
        struct core_conn conn;

        ck_assert(core_may_open(bench->core, bench->now, 1));
        conn = bench_join(bench, 0, 1, CORE_ACCEPTED);
        core_conn_closed(bench->core, bench->now, conn, "closed by the pile");
        bench_wait(bench, 500);
    }
    ck_assert(!core_may_open(bench->core, bench->now, 1));
    bench_wait(bench, 60 * 1000 - 61 * 500);
    ck_assert(core_may_open(bench->core, bench->now, 1));
    bench_join(bench, 0, 1, CORE_ACCEPTED);
    ck_assert(!core_may_open(bench->core, bench->now, 1));
    bench_free(bench);
}
END_TEST

/* The table is small for 8 connections; those that came once make way for each other. */
START_TEST(a_flood_of_others_does_not_wash_a_count_away)
{
    struct bench *bench = bench_new();

    for (uint32_t i = 0; i < 61; i++) {
        core_conn_closed(bench->core, bench->now, bench_join(bench, 0, 1, CORE_ACCEPTED), "closed");
        bench->work_count = 0;
    }
    for (int64_t station = 2; station < 5000; station++) {
        ck_assert(core_may_open(bench->core, bench->now, station));
        core_conn_closed(
            bench->core, bench->now, bench_join(bench, 0, station, CORE_ACCEPTED), "closed");
        bench->work_count = 0;
    }
    ck_assert(!core_may_open(bench->core, bench->now, 1));
    bench_free(bench);
}
END_TEST

START_TEST(a_revoked_station_loses_its_connection)
{
    struct bench *bench = bench_new();

    bench_join(bench, 0, 1, CORE_ACCEPTED);
    core_station_close(bench->core, bench->now, 2, "revoked");
    ck_assert_uint_eq(bench->closed_count, 0);
    core_station_close(bench->core, bench->now, 1, "revoked");
    ck_assert_int_eq(bench_last_close(bench), CORE_CLOSE_POLICY);
    bench_free(bench);
}
END_TEST

static void late(struct bench *bench, struct core_conn old, unsigned *seed)
{
    if (rand_r(seed) % 2)
        bench_say(bench, old, HEARTBEAT);
    if (rand_r(seed) % 2)
        core_conn_closed(bench->core, bench->now, old, "closed by the pile");
}

/* Whatever the old one still says, and whenever its end is told. */
START_TEST(two_sockets_that_alternate_are_one_connection)
{
    struct bench *bench = bench_new();
    struct core_conn old = {0};
    unsigned seed = (unsigned)_i + 1;

    for (uint32_t i = 0; i < 1000; i++) {
        struct core_conn fresh = bench_conn(i % 2, i + 1);
        struct core_answer answer = epoch(i + 1);
        struct core_stats stats;

        bench->sent_count = bench->work_count = bench->closed_count = 0;
        core_conn_open(bench->core, bench->now, fresh, 1, "192.0.2.1");
        bench_say(bench, fresh, HEARTBEAT);
        late(bench, old, &seed);
        bench_done(bench, CORE_TAKE_OVER, CORE_DONE, &answer);
        late(bench, old, &seed);
        core_stats(bench->core, &stats);
        ck_assert_uint_eq(stats.connections, 1);
        ck_assert_uint_eq(stats.open, 1);
        ck_assert_uint_eq(bench->sent_count, 1);
        ck_assert_uint_eq(bench->sent[0].conn.generation, fresh.generation);
        for (uint32_t k = 0; k < bench->work_count; k++)
            if (bench->work[k].work.kind == CORE_CONNECTION_CLOSE)
                ck_assert_int_eq(bench->work[k].work.epoch, i);
        old = fresh;
    }
    bench_free(bench);
}
END_TEST

/* Any order of opening, closing, speaking and committing: never two live connections of a station,
 * never an answer on a connection that is not the newest, never one without a commit. */
static uint32_t take_overs(const struct bench *bench)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < bench->work_count; i++)
        count += bench->work[i].work.kind == CORE_TAKE_OVER;
    return count;
}

START_TEST(of_many_at_once_some_are_taken_over_and_the_rest_in_turn)
{
    struct bench *bench = bench_new();
    struct core_answer answer = {.epoch = 1, .registration = CORE_ACCEPTED};
    uint32_t at_once;

    for (uint32_t i = 0; i < BENCH_ROOM; i++)
        core_conn_open(bench->core, bench->now, bench_conn(i, 1), i + 1, "192.0.2.1");
    at_once = take_overs(bench);
    ck_assert_uint_gt(at_once, 0);
    ck_assert_uint_lt(at_once, BENCH_ROOM);
    bench_wait(bench, 300);
    ck_assert_uint_eq(take_overs(bench), at_once); /* the clock gives no room */
    bench_done(bench, CORE_TAKE_OVER, CORE_AWAY, NULL);
    bench_done(bench, CORE_TAKE_OVER, CORE_DONE, &answer);
    ck_assert_uint_eq(take_overs(bench), at_once + 2); /* an outcome does, whichever it is */
    /* Who goes while it waits does not take anybody's turn. */
    core_conn_closed(bench->core, bench->now, bench_conn(at_once + 2, 1), "closed by the pile");
    while (bench_has(bench, CORE_TAKE_OVER))
        bench_done(bench, CORE_TAKE_OVER, CORE_DONE, &answer);
    ck_assert_uint_eq(take_overs(bench), BENCH_ROOM - 1);
    ck_assert_uint_eq(bench_notes(bench, CORE_NOTE_OPENED), BENCH_ROOM - 2);
    bench_free(bench);
}
END_TEST

START_TEST(any_order_of_events_keeps_the_promises)
{
    struct bench *bench = bench_new();
    struct core_conn newest = {0};
    uint32_t generation = 1, checked = 0;
    unsigned seed = (unsigned)_i * 7919 + 1;
    bool open = false;

    for (int step = 0; step < 400; step++) {
        switch (rand_r(&seed) % 5) {
        case 0:
            newest = bench_conn(generation % BENCH_CONNECTIONS, generation);
            generation++;
            core_conn_open(bench->core, bench->now, newest, 1, "192.0.2.1");
            open = true;
            break;
        case 1:
            if (open && rand_r(&seed) % 4 == 0) {
                core_conn_closed(bench->core, bench->now, newest, "closed by the pile");
                open = false;
            }
            break;
        case 2:
            bench_say(bench, newest, METER);
            break;
        default:
            for (uint32_t i = 0; i < bench->work_count; i++) {
                struct core_answer answer = epoch(step);

                if (bench->work[i].done)
                    continue;
                bench_done(bench, bench->work[i].work.kind, CORE_DONE, &answer);
                break;
            }
        }
        for (; checked < bench->sent_count; checked++) {
            ck_assert(open);
            ck_assert_uint_eq(bench->sent[checked].conn.generation, newest.generation);
        }
        if (bench->work_count > BENCH_EVENTS - 8 || bench->closed_count > BENCH_EVENTS - 8)
            break;
        if (open && bench->closed_count > 0 &&
            bench->closed[bench->closed_count - 1].conn.generation == newest.generation)
            open = false; /* the queue ran over */
    }
    bench_free(bench);
}
END_TEST

int main(void)
{
    const struct bench_test tests[] = {
        {no_frame_is_worked_before_the_epoch_is_taken, 0},
        {a_take_over_that_fails_closes_the_connection, 3},
        {the_newest_connection_wins_at_once, 0},
        {what_another_node_took_is_closed_and_what_is_newer_stays, 0},
        {a_silent_predecessor_raises_no_alarm, 0},
        {the_predecessors_work_is_resolved_before_the_epoch_moves, 0},
        {a_third_connection_in_a_take_over_wins, 0},
        {an_epoch_taken_for_nobody_is_given_back, 0},
        {an_outcome_that_comes_late_or_twice_changes_nothing, 0},
        {sixty_take_overs_an_hour_are_enough, 0},
        {sixty_returns_an_hour_are_enough_whoever_was_there, 0},
        {a_flood_of_others_does_not_wash_a_count_away, 0},
        {a_revoked_station_loses_its_connection, 0},
        {two_sockets_that_alternate_are_one_connection, 10},
        {of_many_at_once_some_are_taken_over_and_the_rest_in_turn, 0},
        {any_order_of_events_keeps_the_promises, 50},
    };

    return bench_run("core take-over", tests, COUNT(tests));
}

-- Clocks: a queue is no wrong clock, a known offset shifts, and 1970 is no time.
SELECT t.test('two sessions of 1970 with a known offset are two bills; one start of 1970 sent three times is one', $$
    p := t.house('H'); w := t.card('TAG00000001', 1000000, 9);
    m := (extract(epoch FROM now()) * 1000000)::bigint;     -- the pile began to count at our now
    FOR n IN 1..2 LOOP
        FOR r IN 1..3 LOOP
            SELECT * INTO b FROM t.start(p, 'TAG00000001', 1000, 'epoch', 1, now() + n * interval '1 minute', false, m);
            a := COALESCE(a, b);
        END LOOP;
        PERFORM t.stop(p, b.transaction_id, 1500, 'epoch'::timestamptz + interval '5 minutes', NULL, now() + interval '5 minutes', false, m);
    END LOOP;
    PERFORM t.is((SELECT count(*) FROM core.session), 2::bigint, 'sessions');
    PERFORM t.is((SELECT string_agg(state, ',') FROM core.session), 'stopped,stopped', 'both are billed');
    PERFORM t.is((SELECT bool_and(started_at = now() AND stopped_at = now() + interval '5 minutes') FROM core.session), true, 'shifted');
    PERFORM t.is((SELECT count(*) FROM core.review), 0::bigint, 'no review');
$$);
SELECT t.test('another boot of a clockless pile is another session', $$
    p := t.house('H'); w := t.card('TAG00000001', 1000000, 9);
    PERFORM t.start(p, 'TAG00000001', 1000, 'epoch', 1, now(), true, NULL);
    PERFORM inbound.boot(p, now(), 'V', 'M', NULL, NULL, NULL, NULL, NULL, NULL, NULL);
    PERFORM t.start(p, 'TAG00000001', 1000, 'epoch', 1, now(), true, NULL);
    PERFORM t.is((SELECT count(DISTINCT boot_number) FROM core.session), 2::bigint, 'boots');
$$);
SELECT t.test('1970 on a pile connected throughout, offset unknown, is confirmed, kept and in review', $$
    p := t.house('H'); w := t.card('TAG00000001', 1000000, 9);
    SELECT * INTO a FROM t.start(p, 'TAG00000001', 1000, 'epoch', 1, now(), false, NULL);
    PERFORM t.is(a.outcome || a.status, 'doneAccepted', 'answer');
    PERFORM t.is((SELECT kind || blocks FROM core.review), 'implausible_timetrue', 'review');
    PERFORM t.is((SELECT started_at = now() AND start_reported_at = 'epoch' FROM core.session), true, 'both times are kept');
    PERFORM t.stop(p, a.transaction_id, 1500, now() + interval '10 minutes', NULL, now() + interval '10 minutes');
    PERFORM t.is((SELECT state FROM core.session), 'review', 'not billed');
$$);
SELECT t.test('a queued start is taken as it is while no offset is known, however old; before the pile was in service it is none', $$
    p := t.house('H'); w := t.card('TAG00000001', 1000000, 9);
    PERFORM t.start(p, 'TAG00000001', 1000, now() - interval '20 days', 1, now(), true, NULL);
    PERFORM t.is((SELECT started_at FROM core.session), now() - interval '20 days', 'as it is');
    PERFORM t.is((SELECT count(*) FROM core.review), 0::bigint, 'no review');
    PERFORM t.start(p, 'TAG00000001', 1000, now() - interval '40 days', 2, now(), true, NULL);
    PERFORM t.is((SELECT kind FROM core.review), 'implausible_time', 'before its time');
$$);
SELECT t.test('a live message is shifted by a known offset of half a minute and more, and by less not', $$
    FOR r IN SELECT * FROM (VALUES (-7200000000::bigint, interval '2 hours'), (90000000, interval '-90 seconds'),
            (29999999, interval '0'), (0, interval '0'), (-1, interval '0')) v(offset_us, shift) LOOP
        SELECT * INTO a FROM inbound.effective_time(now() + r.shift, now(), false, r.offset_us, now() - interval '1 year');
        PERFORM t.is(a.at, now(), 'offset ' || r.offset_us);
        PERFORM t.is(a.doubt, NULL, 'no doubt');
    END LOOP;
$$);
SELECT t.test('a known offset shifts what was queued too', $$
    PERFORM t.is((inbound.effective_time(now() + interval '6 hours', now(), true, -28800000000, now() - interval '1 year'))::text,
        ROW(now() - interval '2 hours', false, NULL::text)::text, 'ahead');
    PERFORM t.is((inbound.effective_time(now() - interval '9 hours', now(), true, 28800000000, now() - interval '1 year'))::text,
        ROW(now() - interval '1 hour', false, NULL::text)::text, 'behind');
$$);
SELECT t.test('nothing is later than its receipt by more than five minutes, live or queued, shifted or not', $$
    FOR r IN SELECT * FROM (VALUES (interval '5 minutes', NULL::bigint), (interval '-3 hours', 11100000000), (interval '8 hours', -28500000000))
            v(ahead, offset_us), (VALUES (true), (false)) q(queued) LOOP
        SELECT * INTO a FROM inbound.effective_time(now() + r.ahead, now(), r.queued, r.offset_us, now() - interval '1 year');
        PERFORM t.is(a.at || COALESCE(a.doubt, ''), (now() + interval '5 minutes')::text, r::text);
        SELECT * INTO a FROM inbound.effective_time(now() + r.ahead + interval '1 second', now(), r.queued, r.offset_us, now() - interval '1 year');
        PERFORM t.is(a.at || COALESCE(a.doubt, ''), now() || 'implausible_time', r::text || ' and a second');
    END LOOP;
$$);
SELECT t.test('a session by a clock 8 hours ahead is not billed before the decision, and then at the time of its receipt', $$
    p := t.house('H'); w := t.card('TAG00000001', 1000000, 9);
    SELECT * INTO a FROM t.start(p, 'TAG00000001', 1000, now() + interval '8 hours', 1, now(), false, NULL);
    PERFORM t.stop(p, a.transaction_id, 1500, now() + interval '8 hours 10 minutes', NULL, now() + interval '10 minutes');
    PERFORM t.is((SELECT string_agg(kind || blocks, ' ' ORDER BY kind) FROM core.review),
        'implausible_timetrue stop_implausible_timetrue', 'reviews');
    PERFORM t.is((SELECT state FROM core.session), 'review', 'not billed');
    PERFORM core.review_decide(id, 'bill', NULL, NULL, 'me') FROM core.review WHERE blocks ORDER BY id;
    SELECT ledger.settlement_input(uid) INTO x FROM core.session;
    PERFORM t.is((x::jsonb #>> '{session,started_at}')::timestamptz, now(), 'start');
    PERFORM t.is((x::jsonb #>> '{session,stopped_at}')::timestamptz, now() + interval '10 minutes', 'stop');
$$);
SELECT t.test('two ends of which one was corrected by a clock that nobody knew at the other are not billed before a decision', $$
    p := t.house('H'); w := t.card('TAG00000001', 10000000, 99); n := 0;
    -- Begun and ended by the pile's clock; each with when it was told, whether by a queue, and what was known of the clock.
    FOR r IN SELECT * FROM (VALUES
            ('a slow clock learnt since', '-9 h'::interval, '-10 min'::interval, true, NULL::bigint, '-8 h'::interval, '0'::interval, false, 28800::bigint, true),
            ('a fast clock learnt since', '-2 h', '-10 min', true, NULL, '7 h', '0', true, -28800, true),
            ('a fast clock forgotten since', '-4 h', '-12 h', false, -28800, '-3 h', '0', true, NULL, true),
            ('five minutes learnt since', '-65 min', '-10 min', true, NULL, '-5 min', '0', false, 300, true),
            ('less than five minutes', '-65 min', '-10 min', true, NULL, '-299 s', '0', false, 299, false),
            ('nothing learnt, from a queue', '-60 min', '0', true, NULL, '0', '0', true, NULL, false),
            ('a clock that is right', '-60 min', '-10 min', true, NULL, '0', '0', false, 0, false),
            ('known at both ends', '-9 h', '-10 min', true, 28800, '-8 h', '0', false, 28800, false),
            ('set right between live ends', '-9 h', '-60 min', false, 28800, '0', '0', false, 0, false),
            ('set right and forgotten, live', '-9 h', '-60 min', false, 28800, '0', '0', false, NULL, false),
            ('set wrong since a live start', '-60 min', '-60 min', false, NULL, '-8 h', '0', false, 28800, false),
            ('told within five minutes', '-64 min', '-60 min', true, NULL, '-8 h', '0', false, 28800, false))
            v(name, begun, begun_told, begun_queued, begun_offset, ended, ended_told, ended_queued, ended_offset, doubted) LOOP
        n := n + 1;
        SELECT * INTO a FROM t.start(p, 'TAG00000001', 1000, now() + r.begun + n * interval '1 ms', n::int, now() + r.begun_told, r.begun_queued, r.begun_offset * 1000000);
        PERFORM t.stop(p, a.transaction_id, 21000, now() + r.ended, NULL, now() + r.ended_told, r.ended_queued, r.ended_offset * 1000000);
        SELECT string_agg(kind || blocks || z.state, ',') INTO x FROM core.session z LEFT JOIN core.review v ON v.session_uid = z.uid WHERE z.transaction_id = a.transaction_id;
        PERFORM t.is(x, CASE WHEN r.doubted THEN 'clock_offset_differstruereview' END, r.name);
    END LOOP;
    SELECT z.* INTO s FROM core.session z ORDER BY z.transaction_id LIMIT 1;
    PERFORM core.review_decide(id, 'bill', NULL, jsonb_build_object('started_at', now() - interval '1 hour'), 'me') FROM core.review WHERE session_uid = s.uid;
    PERFORM t.is((ledger.settlement_input(s.uid)::jsonb #>> '{session,started_at}')::timestamptz, now() - interval '1 hour', 'billed by its true time');
$$);
SELECT t.test('a Stop 20 hours ahead of a start of now is reviewed', $$
    p := t.house('H'); w := t.card('TAG00000001', 1000000, 9);
    SELECT * INTO a FROM t.start(p, 'TAG00000001', 1000, now(), 1, now(), false, NULL);
    PERFORM t.stop(p, a.transaction_id, 1500, now() + interval '20 hours', NULL, now() + interval '10 minutes');
    PERFORM t.is((SELECT kind || blocks FROM core.review), 'stop_implausible_timetrue', 'review');
    PERFORM t.is((SELECT stopped_at FROM core.session), now() + interval '10 minutes', 'its end');
$$);
SELECT t.test('a start ahead of its receipt that is sent again later is the same start', $$
    p := t.house('H'); w := t.card('TAG00000001', 1000000, 9);
    SELECT * INTO a FROM t.start(p, 'TAG00000001', 1000, now() + interval '8 hours', 1, now(), false, NULL);
    PERFORM inbound.boot(p, now(), 'V', 'M', NULL, NULL, NULL, NULL, NULL, NULL, NULL);
    SELECT * INTO b FROM t.start(p, 'TAG00000001', 1000, now() + interval '8 hours', 1, now() + interval '9 hours', true, NULL);
    PERFORM t.is(b.transaction_id, a.transaction_id, 'transaction');
$$);
SELECT t.test('a start more than a day ahead that is sent again later is the same start until its Stop, by any boot', $$
    p := t.house('H'); w := t.card('TAG00000001', 1000000, 9); PERFORM t.card('TAG00000002', 1000000);
    SELECT * INTO a FROM t.start(p, 'TAG00000001', 1000, now() + interval '25 hours', 1, now(), false, NULL);
    PERFORM inbound.boot(p, now(), 'V', 'M', NULL, NULL, NULL, NULL, NULL, NULL, NULL);
    FOR n IN 1..2 LOOP
        FOR r IN SELECT * FROM unnest(ARRAY[2, 24, 26, 48]) v(hours), (VALUES (true), (false)) q(queued) LOOP
            SELECT * INTO b FROM t.start(p, 'TAG00000001', 1000, now() + interval '25 hours', 1, now() + r.hours * interval '1 hour', r.queued, NULL);
            PERFORM t.is(b, a, 'told ' || r.hours || ' hours later');
        END LOOP;
        -- Another register found true since is no other start.
        PERFORM core.review_decide(id, 'bill', NULL, '{"meter_start_mwh":1100000}', 'me') FROM core.review WHERE kind = 'implausible_time' AND state = 'open';
    END LOOP;
    PERFORM t.is((SELECT count(*) FROM core.session), 1::bigint, 'sessions');
    PERFORM t.start(p, v.tag, v.wh, now() + v.ahead, v.connector, now() + interval '2 hours', true, NULL) FROM (VALUES
        ('TAG00000001', 1001, interval '25 hours', 1), ('TAG00000001', 1000, interval '25 hours 1 s', 1),
        ('TAG00000001', 1000, interval '25 hours', 2), ('TAG00000002', 1000, interval '25 hours', 1)) v(tag, wh, ahead, connector);
    PERFORM t.is((SELECT count(*) FROM core.session), 5::bigint, 'another register, time, connector or tag');
$$);
SELECT t.test('nor is it another one when it is told again at the very time that it names', $$
    p := t.house('H'); w := t.card('TAG00000001', 1000000, 9);
    SELECT * INTO a FROM t.start(p, 'TAG00000001', 1000, now() + interval '25 hours', 1, now(), false, NULL);
    PERFORM inbound.boot(p, now(), 'V', 'M', NULL, NULL, NULL, NULL, NULL, NULL, NULL);
    FOR r IN SELECT * FROM unnest(ARRAY[-61, -59, 0, 30, 60]) v(seconds), (VALUES (true), (false)) q(queued) LOOP
        SELECT * INTO b FROM t.start(p, 'TAG00000001', 1000, now() + interval '25 hours', 1,
            now() + interval '25 hours' + r.seconds * interval '1 s', r.queued, 0);
        PERFORM t.is(b, a, 'told ' || r.seconds || ' s after its time');
    END LOOP;
    PERFORM t.is((SELECT count(*) FROM core.session), 1::bigint, 'sessions');
$$);
SELECT t.test('a start more than a day ahead is the same start after its Stop, too, if the register has moved on since', $$
    p := t.house('H'); w := t.card('TAG00000001', 1000000, 9);
    SELECT * INTO a FROM t.start(p, 'TAG00000001', 1000, now() + interval '25 hours', 1, now(), false, NULL);
    PERFORM t.stop(p, -1, 1500, now() + interval '25 hours 10 minutes', 'TAG00000001', now() + interval '10 minutes', false, NULL);
    PERFORM t.is((SELECT stopped_at IS NOT NULL FROM core.session), true, 'stopped');
    FOREACH n IN ARRAY ARRAY[2, 24, 25, 26] LOOP
        SELECT * INTO b FROM t.start(p, 'TAG00000001', 1000, now() + interval '25 hours', 1, now() + n * interval '1 hour', true, NULL);
        PERFORM t.is(b, a, 'told ' || n || ' hours later');
    END LOOP;
    -- As long as it is a day ahead it may be what each boot begins with.
    SELECT * INTO b FROM t.start(p, 'TAG00000001', 1000, now() + interval '25 hours', 1, now() + interval '50 minutes', true, NULL);
    PERFORM t.is(b.transaction_id <> a.transaction_id, true, 'told again a day ahead');
$$);
SELECT t.test('after a Stop at the register of its start it may be another one', $$
    p := t.house('H'); w := t.card('TAG00000001', 1000000, 9);
    SELECT * INTO a FROM t.start(p, 'TAG00000001', 1000, now() + interval '25 hours', 1, now(), false, NULL);
    PERFORM t.stop(p, a.transaction_id, 1000, now() + interval '25 hours 10 minutes', NULL, now() + interval '10 minutes', false, NULL);
    SELECT * INTO b FROM t.start(p, 'TAG00000001', 1000, now() + interval '25 hours', 1, now() + interval '2 hours', true, NULL);
    PERFORM t.is(b.transaction_id <> a.transaction_id, true, 'another session');
$$);
SELECT t.test('an old time on a live pile is doubted only while its offset is unknown', $$
    PERFORM t.is((inbound.effective_time(now() - interval '6 minutes', now(), false, NULL, now() - interval '1 year')).doubt, 'stale_time', 'unknown');
    PERFORM t.is((inbound.effective_time(now() - interval '4 minutes', now(), false, NULL, now() - interval '1 year')).doubt, NULL, 'recent');
    PERFORM t.is((inbound.effective_time(now() - interval '6 minutes', now(), false, 0, now() - interval '1 year')).doubt, NULL, 'known');
    PERFORM t.is((inbound.effective_time(now() - interval '6 minutes', now(), true, NULL, now() - interval '1 year')).doubt, NULL, 'queued');
    PERFORM t.is((inbound.effective_time(NULL, now(), true, NULL, now() - interval '1 year')).doubt, 'no_time', 'none');
    FOR x IN SELECT unnest(ARRAY['infinity', '-infinity', '294276-12-31 00:00:00+00', '4713-01-02 00:00:00+00 BC']) LOOP
        PERFORM t.is((inbound.effective_time(x::timestamptz, now(), b, o, now() - interval '1 year')).at, now(), x)
        FROM (VALUES (true, NULL), (false, NULL), (false, 9223372036854775807), (true, -9223372036854775807)) v(b, o);
    END LOOP;
$$);
SELECT t.test('a start at the end of all time is a session, with its text as evidence', $$
    p := t.house('H'); w := t.card('TAG00000001', 1000000, 9);
    SELECT * INTO a FROM t.start(p, 'TAG00000001', 1000, '294276-12-31 00:00:00+00', 1, now(), true, NULL);
    SELECT * INTO b FROM t.start(p, 'TAG00000001', 1000, 'infinity', 2, now(), true, NULL);
    PERFORM t.is(a.outcome || b.outcome, 'donedone', 'answers');
    PERFORM t.is((SELECT string_agg(at_text, ',' ORDER BY transaction_id) FROM core.session_message), '294276-12-31 00:00:00+00,infinity', 'texts');
    PERFORM t.stop(p, a.transaction_id, 1100, '294276-12-31 00:00:01+00', NULL, now() + interval '1 minute', true, NULL);
    PERFORM t.is((SELECT count(*) FROM core.review WHERE blocks), 3::bigint, 'reviews');
    PERFORM core.review_decide(id, 'bill', NULL, NULL, 'me') FROM core.review WHERE blocks ORDER BY id;
    PERFORM t.is(ledger.settlement_input(uid) IS NOT NULL, true, 'and can be rated once decided') FROM core.session WHERE transaction_id = a.transaction_id;
$$);
SELECT t.test('readings shift with their session: the slot of a price is the one in which they were taken', $$
    p := t.house('H'); w := t.card('TAG00000001', 1000000, 9);
    SELECT * INTO a FROM t.start(p, 'TAG00000001', 1000, now() + interval '2 hours', 1, now(), false, -7200000000);
    INSERT INTO core.meter_reading (station, at, connector, hash, received_at, transaction_id, import_mwh)
    VALUES (p, now() + interval '2 hours 10 minutes', 1, 1, now(), a.transaction_id, 1100000);
    PERFORM t.stop(p, a.transaction_id, 1200, now() + interval '2 hours 20 minutes', NULL, now() + interval '20 minutes', false, -7200000000);
    SELECT ledger.settlement_input(uid) INTO x FROM core.session;
    PERFORM t.is((x::jsonb #>> '{readings,0,at}')::timestamptz, now() + interval '10 minutes', 'reading');
    PERFORM t.is((x::jsonb #>> '{session,started_at}')::timestamptz, now(), 'start');
    PERFORM t.is((x::jsonb #>> '{session,stopped_at}')::timestamptz, now() + interval '20 minutes', 'stop');
$$);
SELECT t.test('a session without a Stop ends no later than its last reading was told', $$
    p := t.house('H'); w := t.card('TAG00000001', 1000000, 9);
    SELECT * INTO a FROM t.start(p, 'TAG00000001', 1000, now() - interval '2 hours', 1, now() - interval '2 hours', false, NULL);
    INSERT INTO core.meter_reading (station, at, connector, hash, received_at, transaction_id, import_mwh)
    VALUES (p, now() - interval '90 minutes', 1, 1, now() - interval '1 hour', a.transaction_id, 1100000);
    PERFORM t.is((SELECT ended_at FROM core.session s, core.session_end(s, false)), now() - interval '90 minutes', 'a queued one');
    INSERT INTO core.meter_reading (station, at, connector, hash, received_at, transaction_id, import_mwh)
    VALUES (p, now() + interval '20 hours', 1, 2, now() - interval '1 hour', a.transaction_id, 1200000);
    PERFORM t.is((SELECT ended_at FROM core.session s, core.session_end(s, false)), now() - interval '1 hour', 'one ahead');
    PERFORM t.is((SELECT e.meter_stop_mwh FROM core.session s, core.session_end(s, false) e), 1200000::bigint, 'register');
$$);

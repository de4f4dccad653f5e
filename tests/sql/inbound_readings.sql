-- Whose readings are they: those that name no session belong by connector and time, and to one session alone.
CREATE FUNCTION t.rd(p_station bigint, p_at timestamptz, p_transaction bigint, p_wh bigint, p_received_at timestamptz DEFAULT now(),
    p_connector integer DEFAULT 1) RETURNS void LANGUAGE sql AS $$
    INSERT INTO core.meter_reading (station, at, connector, hash, received_at, transaction_id, context, import_mwh)
    VALUES (p_station, p_at, p_connector, p_wh, p_received_at, p_transaction, 'Sample.Periodic', p_wh * 1000)
$$;
-- What each session of a pile is billed for, kWh in the order of their starts, and what its readings say.
CREATE FUNCTION t.energies(p_station bigint) RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(trim_scale(((SELECT e.meter_stop_mwh FROM core.session_end(s, false) e) - s.meter_start_mwh) / 1000000.0)
        || COALESCE(' (' || (SELECT string_agg(trim_scale(r.import_mwh / 1000000.0)::text, ' ' ORDER BY r.at, r.import_mwh)
                             FROM core.session_readings(s) r) || ')', ''), ', ' ORDER BY s.transaction_id)
    FROM core.session s WHERE s.station_id = p_station
$$;
-- The view tells the same as the function.
CREATE FUNCTION t.same_readings(p_station bigint) RETURNS void LANGUAGE sql AS $$
    SELECT t.is((SELECT string_agg(v.energy_import_kwh::text, ' ' ORDER BY v.reported_at, v.energy_import_kwh)
                 FROM query.session_reading v WHERE v.session_uid = s.uid AND v.source = 'reading'),
        (SELECT string_agg((r.import_mwh * 0.000001)::text, ' ' ORDER BY r.at, r.import_mwh) FROM core.session_readings(s) r),
        'query.session_reading of ' || s.transaction_id)
    FROM core.session s WHERE s.station_id = p_station
$$;

SELECT t.test('a session without a Stop is not billed what the next one on its connector drew', $$
    p := t.house('H'); w := t.card('TAG00000001', 1000000, 9); w := t.card('TAG00000002', 1000000, 9);
    SELECT * INTO a FROM t.start(p, 'TAG00000001', 1000, now() - interval '5 hours', 1, now() - interval '5 hours');
    PERFORM t.rd(p, now() - interval '270 minutes', a.transaction_id, 6000, now() - interval '270 minutes');
    -- Offline since; the queue brings the next one, which never learned its number.
    SELECT * INTO b FROM t.start(p, 'TAG00000002', 6000, now() - interval '3 hours', 1, now(), true, NULL);
    PERFORM t.rd(p, now() - interval '3 hours' + n * interval '15 minutes', CASE n WHEN 1 THEN NULL ELSE -1 END, 6000 + n * 5000)
    FROM generate_series(1, 3) n;
    PERFORM t.rd(p, now() - interval '3 hours', NULL, 6000);
    PERFORM t.stop(p, -1, 26000, now() - interval '2 hours', 'TAG00000002', now(), true, NULL);
    PERFORM t.is((SELECT string_agg(state, ',' ORDER BY transaction_id) FROM core.session), 'presumed_ended,stopped', 'states');
    PERFORM t.is(t.energies(p), '5 (6), 20 (6 11 16 21)', 'energies');
    PERFORM t.same_readings(p);
$$);
SELECT t.test('nor where the sweep found its pile silent before the queue came', $$
    p := t.house('H'); w := t.card('TAG00000001', 1000000, 9); w := t.card('TAG00000002', 1000000, 9);
    SELECT * INTO a FROM t.start(p, 'TAG00000001', 1000, now() - interval '5 hours', 1, now() - interval '5 hours');
    PERFORM inbound.presume_ended(a.transaction_id, now() - interval '5 minutes');
    SELECT * INTO b FROM t.start(p, 'TAG00000002', 1000, now() - interval '3 hours', 1, now(), true, NULL);
    PERFORM t.rd(p, now() - interval '2 hours', -1, 61000);
    PERFORM t.stop(p, -1, 71000, now() - interval '100 minutes', 'TAG00000002', now(), true, NULL);
    PERFORM t.is(t.energies(p), '0, 70 (61)', 'energies');
    PERFORM t.same_readings(p);
$$);
SELECT t.test('nor where the clock of the pile is hours slow', $$
    p := t.house('H'); w := t.card('TAG00000001', 1000000, 9); w := t.card('TAG00000002', 1000000, 9);
    SELECT * INTO a FROM t.start(p, 'TAG00000001', 1000, now() - interval '9 hours', 1, now() - interval '1 hour', false, 28800000000);
    PERFORM t.rd(p, now() - interval '530 minutes', a.transaction_id, 6000, now() - interval '50 minutes');
    SELECT * INTO b FROM t.start(p, 'TAG00000002', 6000, now() - interval '510 minutes', 1, now() - interval '30 minutes', false, 28800000000);
    PERFORM t.rd(p, now() - interval '500 minutes', NULL, 26000, now() - interval '20 minutes');
    PERFORM t.is(t.energies(p), '5 (6), 20 (26)', 'energies');
    PERFORM t.same_readings(p);
$$);
SELECT t.test('what came without a number after its last reading is still its own while nothing else begins there', $$
    p := t.house('H'); w := t.card('TAG00000001', 1000000, 9); w := t.card('TAG00000002', 1000000, 9);
    SELECT * INTO a FROM t.start(p, 'TAG00000001', 1000, now() - interval '5 hours', 1, now() - interval '5 hours');
    PERFORM t.start(p, 'TAG00000002', 1000, now() - interval '4 hours', 2, now() - interval '4 hours');
    PERFORM t.rd(p, now() - interval '4 hours', a.transaction_id, 3000);
    PERFORM t.rd(p, now() - interval '3 hours', NULL, 5000);
    PERFORM t.rd(p, now() - interval '2 hours', 0, 8000);
    PERFORM t.rd(p, now() - interval '2 hours', NULL, 90000, now(), 2);
    PERFORM inbound.presume_ended(a.transaction_id, now() - interval '1 hour');
    PERFORM t.is(t.energies(p), '7 (3 5 8), 89 (90)', 'energies');
    PERFORM t.rd(p, now() - interval '30 minutes', NULL, 9000);
    PERFORM t.is(split_part(t.energies(p), ',', 1), '7 (3 5 8)', 'none after it is presumed to have ended');
    PERFORM t.same_readings(p);
$$);
SELECT t.test('a pile without a clock: what it said between two starts belongs to the first, whatever 1970 its clock shows', $$
    p := t.house('H'); w := t.card('TAG00000001', 1000000, 9); w := t.card('TAG00000002', 1000000, 9); w := t.card('TAG00000003', 1000000, 9);
    -- Three boots, each with a clock that begins at 1970; the first two lost their Stops.
    SELECT * INTO a FROM t.start(p, 'TAG00000001', 1000, '1970-01-01 00:05:00+00', 1, now() - interval '5 hours', false, NULL);
    PERFORM t.rd(p, '1970-01-01 00:20:00+00', -1, 2000, now() - interval '285 minutes');
    PERFORM inbound.boot(p, now() - interval '4 hours', 'V', 'M', NULL, NULL, NULL, NULL, NULL, NULL, NULL);
    SELECT * INTO b FROM t.start(p, 'TAG00000002', 2000, '1970-01-01 00:02:00+00', 1, now() - interval '239 minutes', false, NULL);
    PERFORM t.rd(p, '1970-01-01 00:12:00+00', NULL, 4000, now() - interval '229 minutes');
    PERFORM inbound.boot(p, now() - interval '2 hours', 'V', 'M', NULL, NULL, NULL, NULL, NULL, NULL, NULL);
    SELECT * INTO c FROM t.start(p, 'TAG00000003', 4000, '1970-01-01 00:01:00+00', 1, now() - interval '119 minutes', false, NULL);
    PERFORM t.rd(p, '1970-01-01 00:21:00+00', NULL, 9000, now() - interval '99 minutes');
    PERFORM t.stop(p, -1, 10000, '1970-01-01 00:31:00+00', 'TAG00000003', now() - interval '89 minutes', false, NULL);
    PERFORM t.rd(p, '1970-01-01 00:30:00+00', NULL, 11000, now() - interval '80 minutes');
    PERFORM t.is(t.energies(p), '1 (2), 2 (4), 6 (9)', 'energies');
    PERFORM t.same_readings(p);
$$);
SELECT t.test('the readings in a Stop are its session''s, whichever of start and Stop came first', $$
    FOREACH x IN ARRAY ARRAY['start', 'stop'] LOOP
        p := t.house('H-' || x); w := t.card('TAG-' || x, 1000000, 9);
        FOR n IN 1..2 LOOP
            IF (n = 1) = (x = 'start') THEN
                PERFORM t.start(p, 'TAG-' || x, 1000, now() - interval '1 hour', 1, now(), true, NULL);
            ELSE
                PERFORM t.stop(p, -1, 21000, now() - interval '10 minutes', 'TAG-' || x, now(), true, NULL, jsonb_build_array(
                    jsonb_build_object('at', now() - interval '40 minutes', 'connector', 0, 'hash', '5', 'context', 'Sample.Clock', 'import_mwh', 2000000),
                    jsonb_build_object('at', now() - interval '30 minutes', 'connector', 0, 'hash', '6', 'context', 'Sample.Clock', 'import_mwh', 20000000)));
            END IF;
        END LOOP;
        PERFORM t.is(t.energies(p), '20 (2 20)', x || ' first');
        -- What the pile's main meter told in the same hour is nobody's.
        PERFORM t.rd(p, now() - interval '35 minutes', 0, 777, now(), 0);
        PERFORM t.is(t.energies(p), '20 (2 20)', 'without connector 0');
        PERFORM t.same_readings(p);
    END LOOP;
    PERFORM t.is((SELECT count(*) FROM query.meter_reading WHERE connector IS NULL), 2::bigint, 'where no connector was known');
$$);
SELECT t.test('two Stops of a pile in one instant, before anybody knew their connectors, keep their readings apart', $$
    p := t.house('H'); w := t.card('TAG00000001', 1000000, 9); w := t.card('TAG00000002', 1000000, 9);
    FOR n IN 1..2 LOOP
        -- The first reading of both is the same to the letter.
        PERFORM t.stop(p, -1, n * 20000 + 1000, now() - interval '10 minutes', 'TAG0000000' || n, now(), true, NULL, jsonb_build_array(
            jsonb_build_object('at', now() - interval '50 minutes', 'connector', 0, 'hash', '5', 'context', 'Sample.Clock', 'import_mwh', 2000000),
            jsonb_build_object('at', now() - interval '30 minutes', 'connector', 0, 'hash', (n + 6)::text, 'context', 'Sample.Clock', 'import_mwh', n * 20000000)));
    END LOOP;
    FOR n IN 1..2 LOOP
        PERFORM t.start(p, 'TAG0000000' || n, 1000, now() - interval '1 hour', n::integer, now(), true, NULL);
    END LOOP;
    PERFORM t.is(t.energies(p), '20 (2 20), 40 (2 40)', 'energies');
    PERFORM t.same_readings(p);
    PERFORM t.is((SELECT count(*) FROM query.meter_reading WHERE connector IS NULL), 4::bigint, 'where no connector was known');
$$);
SELECT t.test('the readings in its Stops are those of a session whose connector nobody could read, and of no other', $$
    p := t.house('H'); w := t.card('TAG00000001', 1000000, 9); w := t.card('TAG00000002', 1000000, 9);
    SELECT * INTO a FROM t.start(p, 'TAG00000001', 1000, now() - interval '1 hour', NULL, now(), true, NULL);
    SELECT * INTO b FROM t.start(p, 'TAG00000002', 1000, now() - interval '1 hour', 1, now(), true, NULL);
    PERFORM t.stop(p, b.transaction_id, 9000, now() - interval '10 minutes', 'TAG00000002', now(), true, NULL);
    -- The same Stop by another connection, and then with another register.
    FOR n IN 0..2 LOOP
        PERFORM t.stop(p, a.transaction_id, 21000 + n / 2, now() - interval '10 minutes', 'TAG00000001', now() + n * interval '1 second', true, NULL,
            jsonb_build_array(jsonb_build_object('at', now() - interval '30 minutes', 'connector', 0, 'hash', '5', 'context', 'Sample.Clock', 'import_mwh', 11000000),
                jsonb_build_object('at', now() - interval '20 minutes', 'connector', 0, 'hash', (n / 2)::text, 'context', 'Sample.Clock', 'import_mwh', 16000000 + n / 2 * 1000000)));
    END LOOP;
    PERFORM t.is(t.energies(p), '20 (11 16 17), 8', 'energies');
    PERFORM t.same_readings(p);
$$);
SELECT t.test('what an early Stop told is its session''s, though it was measured before the start', $$
    p := t.house('H'); w := t.card('TAG00000001', 1000000, 9);
    PERFORM t.stop(p, -1, 21000, now() - interval '10 minutes', 'TAG00000001', now(), true, NULL, jsonb_build_array(
        jsonb_build_object('at', now() - interval '61 minutes', 'connector', 0, 'hash', '5', 'context', 'Sample.Clock', 'import_mwh', 1000000)));
    PERFORM t.start(p, 'TAG00000001', 1000, now() - interval '1 hour', 1, now(), true, NULL);
    PERFORM t.is(t.energies(p), '20 (1)', 'energies');
    PERFORM t.same_readings(p);
$$);
SELECT t.test('a Stop without a number ends no session that its connector had left behind by then', $$
    p := t.house('H'); w := t.card('TAG00000001', 1000000, 9); w := t.card('TAG00000002', 1000000, 9);
    SELECT * INTO a FROM t.start(p, 'TAG00000001', 1000, now() - interval '5 hours', 1, now() - interval '5 hours');
    PERFORM t.rd(p, now() - interval '270 minutes', a.transaction_id, 6000, now() - interval '270 minutes');
    SELECT * INTO b FROM t.start(p, 'TAG00000002', 6000, now() - interval '3 hours', 1, now() - interval '3 hours');
    PERFORM t.stop(p, b.transaction_id, 26000, now() - interval '2 hours', 'TAG00000002', now() - interval '2 hours');
    -- The first card again, offline, its Stop before its start.
    PERFORM t.stop(p, -1, 46000, now() - interval '30 minutes', 'TAG00000001', now(), true, NULL);
    PERFORM t.is((SELECT state FROM core.unmatched_stop), 'waiting', 'the Stop waits');
    SELECT * INTO c FROM t.start(p, 'TAG00000001', 26000, now() - interval '90 minutes', 1, now(), true, NULL);
    PERFORM t.is(t.energies(p), '5 (6), 20, 20', 'energies');
    PERFORM t.is((SELECT string_agg(state, ',' ORDER BY transaction_id) FROM core.session), 'presumed_ended,stopped,stopped', 'states');
$$);
SELECT t.test('a Stop without a number that was late still ends its own session, as long as it ended before the next began', $$
    p := t.house('H'); w := t.card('TAG00000001', 1000000, 9); w := t.card('TAG00000002', 1000000, 9);
    SELECT * INTO a FROM t.start(p, 'TAG00000001', 1000, now() - interval '5 hours', 1, now() - interval '5 hours');
    SELECT * INTO b FROM t.start(p, 'TAG00000002', 6000, now() - interval '3 hours', 1, now() - interval '3 hours');
    PERFORM t.stop(p, -1, 6000, now() - interval '200 minutes', 'TAG00000001', now(), true, NULL);
    PERFORM t.is((SELECT string_agg(state, ',' ORDER BY transaction_id) FROM core.session), 'stopped,open', 'states');
    PERFORM t.is(split_part(t.energies(p), ',', 1), '5', 'energy');
$$);
SELECT t.test('the register that a person found to be true is billed, with or without a Stop', $$
    p := t.house('H'); w := t.card('TAG00000001', 1000000, 9);
    SELECT * INTO a FROM t.start(p, 'TAG00000001', 1000, now() - interval '3 hours', 1, now() - interval '3 hours');
    PERFORM t.rd(p, now() - interval '170 minutes', a.transaction_id, 3000);
    PERFORM t.rd(p, now() - interval '169 minutes', a.transaction_id, 4000);
    PERFORM t.rd(p, now() - interval '168 minutes', a.transaction_id, 20000);
    PERFORM inbound.presume_ended(a.transaction_id, now() - interval '20 minutes');
    SELECT * INTO s FROM core.session;
    PERFORM t.is(ledger.settlement_review(s.uid, 'register_jumps', '{}', NULL), 'done', 'the engine does not trust it');
    PERFORM t.is(core.review_decide(r.id, 'bill', 'the true register was 5 kWh', '{"meter_stop_mwh": 5000000}', 'me'), 'done', 'decided')
    FROM core.review r WHERE r.kind = 'register_jumps';
    SELECT ledger.settlement_input(s.uid)::jsonb #>> '{session,meter_stop_mwh}' INTO x;
    PERFORM t.is(x, '5000000', 'what is rated');
    PERFORM t.is((SELECT e.ended_at FROM core.session z, core.session_end(z, true) e), now() - interval '169 minutes', 'at the last reading up to there');
    -- Its Stop, when it comes, says what it says.
    PERFORM t.stop(p, a.transaction_id, 6000, now() - interval '160 minutes', 'TAG00000001', now(), true, NULL);
    PERFORM t.is((SELECT e.meter_stop_mwh FROM core.session z, core.session_end(z, true) e), 6000000::bigint, 'of the Stop');
$$);
SELECT t.test('a provisional bill gives back what the next session drew, whose start came later', $$
    p := t.house('H'); w := t.card('TAG00000001', 1000000, 9); w := t.card('TAG00000002', 1000000, 9);
    SELECT * INTO a FROM t.start(p, 'TAG00000001', 1000, now() - interval '5 hours', 1, now() - interval '5 hours');
    PERFORM t.rd(p, now() - interval '270 minutes', a.transaction_id, 6000, now() - interval '270 minutes');
    PERFORM t.rd(p, now() - interval '150 minutes', NULL, 26000, now() - interval '150 minutes');
    PERFORM inbound.presume_ended(a.transaction_id, now() - interval '2 hours');
    SELECT * INTO s FROM core.session;
    PERFORM ledger.settlement_input(s.uid), t.settle(a.transaction_id, 2500);
    UPDATE core.session SET settled_at = now() - interval '100 minutes', recheck_at = now() - interval '1 s';
    PERFORM inbound.sweep_provisional(clock_timestamp());
    PERFORM t.is((SELECT state FROM core.session), 'settled', 'as long as nothing else came');
    -- The queue brings the start of what drew it.
    SELECT * INTO b FROM t.start(p, 'TAG00000002', 6000, now() - interval '3 hours', 1, now(), true, NULL);
    PERFORM t.stop(p, b.transaction_id, 26000, now() - interval '140 minutes', 'TAG00000002', now(), true, NULL);
    UPDATE core.session SET recheck_at = now() - interval '1 s' WHERE transaction_id = a.transaction_id;
    PERFORM inbound.sweep_provisional(clock_timestamp());
    PERFORM t.is((SELECT state FROM core.session WHERE transaction_id = a.transaction_id), 'presumed_ended', 'billed anew');
    PERFORM t.is((SELECT count(*) FROM core.job WHERE kind = 'settle' AND key = s.uid::text AND state = 'queued'), 1::bigint, 'by a job');
    PERFORM t.is(t.energies(p), '5 (6), 20 (26)', 'of its own');
$$);
SELECT t.test('where the next start has the second of the Stop, and is stored before it, the Stop ends the first', $$
    p := t.house('H'); w := t.card('TAG00000001', 1000000, 9);
    SELECT * INTO a FROM t.start(p, 'TAG00000001', 1000, now() - interval '2 hours', 1, now() - interval '2 hours');
    SELECT * INTO b FROM t.start(p, 'TAG00000001', 11000, now() - interval '1 hour', 1, now() - interval '1 hour');
    PERFORM t.stop(p, -1, 11000, now() - interval '1 hour', 'TAG00000001', now(), true, NULL);
    PERFORM t.is((SELECT string_agg(COALESCE(meter_stop_mwh::text, '-'), ',' ORDER BY transaction_id) FROM core.session), '11000000,-', 'registers');
$$);

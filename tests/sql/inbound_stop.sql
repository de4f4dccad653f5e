-- StopTransaction: the first stands, none is lost, none is doubled, none bills what nobody can trust.
SELECT t.test('a stop repeated is acknowledged, one settlement is queued, the answer is the first one', $$
    p := t.house('H'); w := t.card('TAG00000001', 100000);
    SELECT * INTO a FROM t.start(p, 'TAG00000001', 1000, now());
    SELECT * INTO b FROM t.stop(p, a.transaction_id, 2000, now() + interval '10 minutes', 'TAG00000001');
    SELECT * INTO c FROM t.stop(p, a.transaction_id, 2000, now() + interval '10 minutes', 'TAG00000001');
    PERFORM t.is(b.outcome || b.status, 'doneAccepted', 'first');
    PERFORM t.is(c, b, 'again');
    PERFORM t.is((SELECT count(*) FROM core.job WHERE kind = 'settle'), 1::bigint, 'jobs');
    PERFORM t.is((SELECT count(*) FROM core.review), 0::bigint, 'no review');
$$);
SELECT t.test('a stop repeated is told the verdict, the expiry and the parent of the first, whatever became of its card', $$
    p := t.house('H'); w := t.card('TAG00000001', 100000);
    INSERT INTO core.tag_group (parent) VALUES ('PARENT1') RETURNING id INTO n;
    INSERT INTO core.tag_group (parent) VALUES ('PARENT2') RETURNING id INTO m;
    SELECT (t.start(p, 'TAG00000001', 1000, now())).transaction_id INTO w;
    -- Of a session, and of none that is known.
    FOR r IN SELECT * FROM (VALUES (w), (w + 1000)) v(transaction_id) LOOP
        UPDATE core.card SET status = 'active', expires_at = now() + interval '1 day', group_id = n;
        SELECT * INTO a FROM t.stop(p, r.transaction_id, 2000, now() + interval '10 minutes', 'TAG00000001');
        PERFORM t.is(a::text, ('done', 'Accepted', now() + interval '1 day', 'PARENT1')::text, 'first');
        SELECT * INTO b FROM t.stop(p, r.transaction_id, 2000, now() + interval '10 minutes', 'TAG00000001');
        PERFORM t.is(b, a, 'again');
        UPDATE core.card SET status = 'blocked', expires_at = now() + interval '2 days', group_id = m;
        SELECT * INTO b FROM t.stop(p, r.transaction_id, 2000, now() + interval '10 minutes', 'TAG00000001');
        PERFORM t.is(b, a, 'after another status, expiry and parent');
        UPDATE core.card SET expires_at = NULL, group_id = NULL;
        SELECT * INTO b FROM t.stop(p, r.transaction_id, 2000, now() + interval '10 minutes', 'TAG00000001');
        PERFORM t.is(b, a, 'after no expiry and no parent');
    END LOOP;
    PERFORM t.is((SELECT string_agg(state, ',') FROM core.unmatched_stop), 'waiting', 'the other waits');
$$);
SELECT t.test('a second stop with another meterStop is kept once; the first bills once somebody decided so', $$
    p := t.house('H'); w := t.card('TAG00000001', 100000);
    SELECT * INTO a FROM t.start(p, 'TAG00000001', 1000, now() - interval '1 hour', 1, now() - interval '1 hour');
    PERFORM t.stop(p, a.transaction_id, 2000, now() - interval '2 minutes');
    PERFORM t.stop(p, a.transaction_id, 2500, now() - interval '2 minutes');
    PERFORM t.stop(p, a.transaction_id, 2500, now() - interval '2 minutes');
    PERFORM t.stop(p, a.transaction_id, 2500, now() - interval '1 minute');
    PERFORM t.is((SELECT meter_stop_mwh FROM core.session), 2000000::bigint, 'first stands');
    PERFORM t.is((SELECT string_agg(at_text, ',') FROM core.session_message WHERE kind = 'stop_conflict'), (now() - interval '2 minutes')::text, 'kept');
    PERFORM t.is((SELECT string_agg(kind || blocks, ',') FROM core.review), 'stop_conflicttrue', 'review');
    PERFORM t.is((t.settle(a.transaction_id, 100)).outcome, 'refused', 'not billed before the decision');
    PERFORM core.review_decide(id, 'bill', NULL, NULL, 'me') FROM core.review;
    PERFORM t.is((t.settle(a.transaction_id, 100)).outcome, 'done', 'settled');
    PERFORM t.stop(p, a.transaction_id, 2600, now() - interval '2 minutes');
    PERFORM t.is((SELECT state FROM core.session), 'settled', 'no new money');
    PERFORM t.is((SELECT kind || blocks FROM core.review WHERE state = 'open'), 'stop_conflictfalse', 'but an item');
$$);
SELECT t.test('a second stop that differs in its time alone is a repeat', $$
    p := t.house('H'); w := t.card('TAG00000001', 100000);
    SELECT * INTO a FROM t.start(p, 'TAG00000001', 1000, now() - interval '1 hour', 1, now() - interval '1 hour');
    SELECT * INTO b FROM t.stop(p, a.transaction_id, 2000, now() - interval '2 minutes', 'TAG00000001');
    SELECT * INTO c FROM t.stop(p, a.transaction_id, 2000, now() - interval '1 minute', 'TAG00000001');
    PERFORM t.is(c, b, 'the answer again');
    PERFORM t.is((SELECT stopped_at FROM core.session), now() - interval '2 minutes', 'the first time stands');
    PERFORM t.is((SELECT count(*) FROM core.review), 0::bigint, 'no review');
    PERFORM t.is((SELECT string_agg(at_text, ',' ORDER BY at_text) FROM core.session_message WHERE kind = 'stop'),
        concat_ws(',', (now() - interval '2 minutes')::text, (now() - interval '1 minute')::text), 'both are kept');
$$);
SELECT t.test('a stop that contradicts a bill corrects it once somebody says so, by a mirror and a new bill', $$
    p := t.house('H'); w := t.card('TAG00000001', 100000);
    SELECT * INTO a FROM t.start(p, 'TAG00000001', 1000, now() - interval '1 hour', 1, now() - interval '1 hour');
    PERFORM t.stop(p, a.transaction_id, 1300, now());
    SELECT uid INTO s.uid FROM core.session;
    PERFORM ledger.settlement_input(s.uid); PERFORM t.settle(a.transaction_id, 300);
    DELETE FROM core.job WHERE kind = 'settle';
    PERFORM t.stop(p, a.transaction_id, 1400, now());
    SELECT id INTO n FROM core.review WHERE kind = 'stop_conflict';
    PERFORM t.refused(format('SELECT core.review_decide(%s, ''lost'', NULL, NULL, ''me'')', n), '23514', 'a bill is no loss');
    PERFORM t.refused(format('SELECT core.review_decide(%s, ''bill'', NULL, ''{"meter_stop_mwh":"999000000"}'', ''me'')', n), '23514', 'nor is it more than can be');
    PERFORM t.is(core.review_decide(n, 'bill', 'read', '{"meter_stop_mwh":"1400000"}', 'me'), 'done', 'decided');
    PERFORM t.is((SELECT state FROM core.session), 'stopped', 'to be billed anew');
    PERFORM t.is((SELECT posted FROM ledger.account_balance WHERE account_id = w), 99700::bigint, 'the first bill stands till then');
    PERFORM t.sound('between');
    PERFORM t.is((SELECT count(*) FROM core.job WHERE kind = 'settle' AND run_at <= clock_timestamp()), 1::bigint, 'its settlement is due');
    PERFORM t.is(ledger.settlement_input(s.uid)::jsonb #>> '{session,meter_stop_mwh}', '1400000', 'by the corrected register');
    PERFORM t.is((t.settle(a.transaction_id, 400)).outcome, 'done', 'booked anew');
    PERFORM t.is((SELECT string_agg(version || state || gross_minor, ',' ORDER BY version) FROM ledger.settlement), '1reversed300,2posted400', 'versions');
    PERFORM t.is((SELECT posted FROM ledger.account_balance WHERE account_id = w), 99600::bigint, 'money');
    PERFORM t.sound('booked anew');
    PERFORM t.stop(p, a.transaction_id, 1300, now());
    PERFORM t.is((SELECT count(*) FROM core.review WHERE state = 'open'), 0::bigint, 'the first Stop again is a repeat');
$$);
SELECT t.test('a bill of a session without its Stop is corrected with the time of its end', $$
    p := t.house('H'); w := t.card('TAG00000001', 100000);
    SELECT * INTO a FROM t.start(p, 'TAG00000001', 1000, now() - interval '3 hours', 1, now() - interval '3 hours');
    PERFORM inbound.presume_ended(a.transaction_id, now() - interval '1 hour');
    SELECT * INTO s FROM core.session;
    PERFORM ledger.settlement_input(s.uid); PERFORM t.settle(a.transaction_id, 300);
    SELECT id INTO n FROM core.review WHERE kind = 'presumed_ended';
    PERFORM t.refused(format('SELECT core.review_decide(%s, ''bill'', NULL, ''{"meter_stop_mwh":"1400000"}'', ''me'')', n), '23514', 'without');
    PERFORM t.is(core.review_decide(n, 'bill', 'read', jsonb_build_object('meter_stop_mwh', '1400000', 'stopped_at', now() - interval '2 hours'), 'me'), 'done', 'with');
    PERFORM t.is(ledger.settlement_input(s.uid)::jsonb #>> '{session,meter_stop_mwh}', '1400000', 'billed by it');
    PERFORM t.sound('between');
$$);
SELECT t.test('after a stop that could not be read and was accepted, the real one can be booked', $$
    p := t.house('H'); w := t.card('TAG00000001', 100000);
    SELECT * INTO a FROM t.start(p, 'TAG00000001', 1000, now() - interval '1 hour', 1, now() - interval '1 hour');
    PERFORM inbound.unusable(p, 'StopTransaction', now(), format('[2,"u","StopTransaction",{"transactionId":%s,"meterStop":1250,"timestamp":"x"}]', a.transaction_id), 'FormationViolation', 'timestamp');
    PERFORM core.review_decide(id, 'bill', NULL, NULL, 'me') FROM core.review;
    PERFORM t.is((SELECT state || meter_stop_mwh FROM core.session), 'stopped1250000', 'accepted');
    PERFORM t.stop(p, a.transaction_id, 1300, now());
    PERFORM t.is((t.settle(a.transaction_id, 250)).outcome, 'refused', 'the real one said otherwise');
    PERFORM core.review_decide(id, 'bill', NULL, '{"meter_stop_mwh":"1300000"}', 'me') FROM core.review WHERE kind = 'stop_conflict';
    SELECT * INTO s FROM core.session;
    PERFORM t.is(ledger.settlement_input(s.uid)::jsonb #>> '{session,meter_stop_mwh}', '1300000', 'billed by it');
$$);
SELECT t.test('a stop before its start waits, and is joined when the start comes', $$
    p := t.house('H'); w := t.card('TAG00000001', 100000);
    SELECT * INTO a FROM t.stop(p, -1, 2000, now() - interval '1 hour', 'TAG00000001', now(), true);
    PERFORM t.is(a.outcome || a.status, 'doneAccepted', 'acknowledged');
    PERFORM t.is((SELECT state FROM core.unmatched_stop), 'waiting', 'waiting');
    PERFORM t.is((SELECT kind || state FROM core.review), 'unmatched_stopopen', 'in review');
    SELECT * INTO b FROM t.start(p, 'TAG00000001', 1000, now() - interval '2 hours', 1, now(), true);
    PERFORM t.is((SELECT state || meter_stop_mwh FROM core.session), 'stopped2000000', 'joined');
    PERFORM t.is((SELECT state FROM core.unmatched_stop), 'joined', 'no longer waiting');
    PERFORM t.is((SELECT state FROM core.review WHERE kind = 'unmatched_stop'), 'decided', 'review decided by evidence');
    PERFORM t.is((SELECT count(*) FROM core.job WHERE kind = 'settle'), 1::bigint, 'to be settled');
    SELECT * INTO c FROM t.stop(p, -1, 2000, now() - interval '1 hour', 'TAG00000001', now(), true);
    PERFORM t.is(c, a, 'repeated afterwards: the same answer');
    PERFORM t.is((SELECT count(*) FROM core.review WHERE state = 'open'), 0::bigint, 'and nothing new');
$$);
SELECT t.test('a waiting stop is not joined to a start after it, of another tag, or with a higher register', $$
    p := t.house('H'); w := t.card('TAG00000001', 1000000, 99); PERFORM t.card('TAG00000002', 100000);
    PERFORM t.stop(p, -1, 2000, now() - interval '1 hour', 'TAG00000001', now(), true);
    PERFORM t.start(p, 'TAG00000001', 1000, now() - interval '30 minutes', 1, now(), true);
    PERFORM t.start(p, 'TAG00000002', 1000, now() - interval '2 hours', 2, now(), true);
    PERFORM t.start(p, 'TAG00000001', 3000, now() - interval '3 hours', 2, now(), true);
    PERFORM t.is((SELECT state FROM core.unmatched_stop), 'waiting', 'still waiting');
    PERFORM t.is((SELECT count(*) FROM core.session WHERE stopped_at IS NOT NULL), 0::bigint, 'none stopped');
$$);
SELECT t.test('a stop of a number that nobody gave out, without the tag, ends no start that comes after it', $$
    p := t.house('H'); w := t.card('TAG00000001', 1000000, 99);
    FOR r IN SELECT * FROM (VALUES (1999999998, true, now() - interval '1 minute', 1), (1999999997, false, now(), 2)) v(number, queued, at, gun) LOOP
        PERFORM t.stop(p, r.number, 1300, now(), NULL, now());
        SELECT * INTO a FROM t.start(p, 'TAG00000001', 1300, r.at, r.gun, now(), r.queued);
        PERFORM t.is((SELECT state FROM core.session z WHERE z.transaction_id = a.transaction_id), 'open', 'runs: ' || r.number);
        PERFORM t.stop(p, a.transaction_id, 1700, now() + interval '5 minutes', NULL, now() + interval '5 minutes');
        PERFORM t.is((SELECT z.state || (meter_stop_mwh - meter_start_mwh) FROM core.session z WHERE z.transaction_id = a.transaction_id), 'stopped400000', 'its own Stop counts: ' || r.number);
    END LOOP;
    PERFORM t.is((SELECT string_agg(kind || state, ',') FROM core.review), 'unmatched_stopopen,unmatched_stopopen', 'the Stops wait for somebody');
$$);
SELECT t.test('a number of another pile ends nothing here, with the tag neither; one of nobody does with it', $$
    p := t.house('H'); m := t.house('I'); w := t.card('TAG00000001', 1000000, 99);
    SELECT * INTO b FROM t.start(m, 'TAG00000001', 1000, now());
    PERFORM t.stop(p, b.transaction_id, 1300, now(), 'TAG00000001', now());
    PERFORM t.start(p, 'TAG00000001', 1000, now() - interval '1 hour', 1, now(), true);
    PERFORM t.is((SELECT string_agg(state, ',') FROM core.session), 'open,open', 'of another');
    PERFORM t.stop(p, 1999999998, 1400, now() - interval '30 minutes', 'TAG00000001', now(), true);
    PERFORM t.is((SELECT state || meter_stop_mwh FROM core.session WHERE station_id = p), 'stopped1400000', 'after its start');
    PERFORM t.stop(p, 1999999997, 2400, now() - interval '10 minutes', 'TAG00000001', now(), true);
    PERFORM t.start(p, 'TAG00000001', 2000, now() - interval '20 minutes', 2, now(), true);
    PERFORM t.is((SELECT state || meter_stop_mwh FROM core.session WHERE station_id = p AND connector = 2), 'stopped2400000', 'before it');
$$);
SELECT t.test('a live stop ends no live start that comes after it', $$
    p := t.house('H'); w := t.card('TAG00000001', 1000000, 99);
    PERFORM t.stop(p, -1, 1300, now(), 'TAG00000001', now());
    PERFORM t.start(p, 'TAG00000001', 1300, now(), 1, now());
    PERFORM t.is((SELECT state FROM core.session), 'open', 'the next one of the same card, in the same second');
    PERFORM t.stop(p, -1, 1300, now() + interval '1 s', 'TAG00000001', now() + interval '1 s');
    PERFORM t.is((SELECT state FROM core.session), 'stopped', 'and a stop after it does');
$$);
SELECT t.test('a session that a Stop had ended before it came is not billed while its own Stop says otherwise', $$
    p := t.house('H'); w := t.card('TAG00000001', 1000000, 99);
    PERFORM t.stop(p, -1, 1300, now() - interval '1 hour', NULL, now(), true);
    SELECT * INTO a FROM t.start(p, 'TAG00000001', 1000, now() - interval '2 hours', 1, now(), true);
    PERFORM t.is((SELECT state FROM core.session), 'stopped', 'joined');
    PERFORM t.stop(p, a.transaction_id, 1700, now() - interval '50 minutes', NULL, now(), true);
    PERFORM t.is((SELECT string_agg(blocks::text, ',') FROM core.review WHERE kind = 'stop_conflict'), 'true', 'blocks');
    PERFORM t.is((t.settle(a.transaction_id, 100)).outcome, 'refused', 'not billed');
$$);
SELECT t.test('a stop with -1 or 0 ends the only session that it can mean', $$
    p := t.house('H'); w := t.card('TAG00000001', 1000000, 99);
    FOR n IN SELECT unnest(ARRAY[-1, 0]) LOOP
        SELECT * INTO a FROM t.start(p, 'TAG00000001', 1000 + n, now() - interval '2 hours' + n * interval '1 second', 1, now(), true);
        PERFORM t.stop(p, n, 2000 + n, now() - interval '1 hour', NULL, now(), true);
        PERFORM t.is((SELECT state FROM core.session WHERE transaction_id = a.transaction_id), 'stopped', 'with ' || n);
        SELECT * INTO b FROM t.stop(p, n, 2000 + n, now() - interval '1 hour', NULL, now(), true);
        PERFORM t.is((SELECT count(*) FROM core.review WHERE state = 'open' AND kind <> 'presumed_ended'), 0::bigint, 'repeated: nothing new');
    END LOOP;
$$);
SELECT t.test('of two running sessions the tag decides, else the register, else nobody', $$
    p := t.house('H'); w := t.card('TAG00000001', 1000000, 99); PERFORM t.card('TAG00000002', 100000);
    SELECT * INTO a FROM t.start(p, 'TAG00000001', 1000, now() - interval '2 hours', 1, now(), true);
    SELECT * INTO b FROM t.start(p, 'TAG00000002', 700000, now() - interval '2 hours', 2, now(), true);
    PERFORM t.stop(p, -1, 900000, now() - interval '1 hour', NULL, now(), true);
    PERFORM t.is((SELECT state FROM core.session WHERE transaction_id = b.transaction_id), 'open', '899 kWh in an hour fit the first not, 200 neither');
    PERFORM t.is((SELECT count(*) FROM core.unmatched_stop WHERE state = 'waiting'), 1::bigint, 'nobody');
    PERFORM t.stop(p, -1, 701000, now() - interval '1 hour', NULL, now(), true);
    PERFORM t.is((SELECT state FROM core.session WHERE transaction_id = b.transaction_id), 'stopped', 'the register');
    SELECT * INTO b FROM t.start(p, 'TAG00000002', 1500, now() - interval '50 minutes', 2, now(), true);
    PERFORM t.stop(p, -1, 2000, now() - interval '40 minutes', 'TAG00000001', now(), true);
    PERFORM t.is((SELECT state FROM core.session WHERE transaction_id = a.transaction_id), 'stopped', 'the tag');
    PERFORM t.is((SELECT state FROM core.session WHERE transaction_id = b.transaction_id), 'open', 'not the other');
$$);
SELECT t.test('a stop of another card ends no session of this one, and is joined to its own when that comes', $$
    p := t.house('H'); w := t.card('TAG00000001', 1000000, 99); PERFORM t.card('TAG00000002', 100000);
    FOR r IN SELECT * FROM unnest(ARRAY[-1, 0]) WITH ORDINALITY v(number, n) LOOP
        SELECT * INTO a FROM t.start(p, 'TAG00000001', 1000 * r.n, now() - interval '10 minutes' * r.n, 1, now() - interval '10 minutes' * r.n);
        PERFORM t.stop(p, r.number, 1200 * r.n, now() - r.n * interval '1 s', 'TAG00000002', now());
        PERFORM t.is((SELECT z.state FROM core.session z WHERE z.transaction_id = a.transaction_id), 'open', 'not his: ' || r.number);
        SELECT * INTO b FROM t.start(p, 'TAG00000002', 1000 * r.n, now() - interval '20 s' * r.n, 2, now(), true);
        PERFORM t.is((SELECT z.state || meter_stop_mwh FROM core.session z WHERE z.transaction_id = b.transaction_id), 'stopped' || 1200000 * r.n, 'its own: ' || r.number);
        PERFORM t.stop(p, a.transaction_id, 1400 * r.n, now());
        PERFORM t.is((SELECT z.state FROM core.session z WHERE z.transaction_id = a.transaction_id), 'stopped', 'his own: ' || r.number);
    END LOOP;
    PERFORM t.is((SELECT count(*) FROM core.review WHERE state = 'open'), 0::bigint, 'nothing is left to decide');
$$);
SELECT t.test('stops with -1 of one second and register by two tags are two, and each repeated is one', $$
    p := t.house('H'); PERFORM t.card('TAG00000001', 1000000), t.card('TAG00000002', 1000000);
    FOR n IN 1..2 LOOP
        SELECT * INTO a FROM t.start(p, 'TAG0000000' || n, 0, now() - interval '2 hours', n::int, now(), true, NULL);
    END LOOP;
    FOR n IN 1..3 LOOP
        SELECT string_agg(z.outcome || z.status, ',') INTO x FROM unnest(ARRAY['TAG00000001', 'TAG00000002', 'tag00000002']) tag,
            LATERAL t.stop(p, -1, 5000, now() - interval '1 hour', tag, now(), true, NULL) z;
        PERFORM t.is(x, 'doneAccepted,doneAccepted,doneAccepted', 'answers');
        PERFORM t.is((SELECT string_agg(connector || state || tag_hint || stop_tag_key, ',') FROM core.session),
            (SELECT string_agg(connector || 'stopped' || tag_hint || tag_key, ',') FROM core.session), 'each ended by its own tag');
        PERFORM t.is((SELECT string_agg(id_tag, ',' ORDER BY id_tag) FROM core.session_message WHERE kind = 'stop'), 'TAG00000001,TAG00000002', 'kept');
        PERFORM t.is((SELECT count(*) FROM core.unmatched_stop), 2::bigint, 'reports');
    END LOOP;
    PERFORM t.is((SELECT count(*) FROM core.review), 0::bigint, 'nothing to decide');
$$);
SELECT t.test('a stop with -1 by another card of the same customer ends the session, in either order', $$
    p := t.house('H'); w := t.card('TAG00000001', 1000000, 99); PERFORM t.card('TAG00000002', 100000);
    UPDATE core.card SET customer_id = (SELECT customer_id FROM core.card ORDER BY id LIMIT 1);
    PERFORM t.start(p, 'TAG00000001', 1000, now() - interval '2 hours', 1, now(), true);
    PERFORM t.stop(p, -1, 2000, now() - interval '1 hour', 'TAG00000002', now(), true);
    PERFORM t.stop(p, -1, 4000, now() - interval '30 minutes', 'TAG00000002', now(), true);
    PERFORM t.start(p, 'TAG00000001', 3000, now() - interval '50 minutes', 1, now(), true);
    PERFORM t.is((SELECT string_agg(state || meter_stop_mwh, ',' ORDER BY started_at) FROM core.session), 'stopped2000000,stopped4000000', 'ended');
$$);
SELECT t.test('a session whose tag could not be read is ended by -1 with any', $$
    p := t.house('H'); w := t.card('TAG00000001', 1000000, 99);
    PERFORM inbound.unusable(p, 'StartTransaction', now() - interval '1 hour', '[2,"u","StartTransaction",{"connectorId":1,"meterStart":1000}]', 'OccurenceConstraintViolation', 'idTag');
    PERFORM t.stop(p, -1, 2000, now(), 'TAG00000001', now());
    PERFORM t.is((SELECT meter_stop_mwh FROM core.session), 2000000::bigint, 'ended');
$$);
SELECT t.test('of a pile without a clock no stop is taken for the one before, and a repeat is one', $$
    p := t.house('H'); w := t.card('TAG00000001', 1000000, 99);
    -- Within one boot and over two, registers that begin at 0 each time.
    FOR n IN 1..4 LOOP
        UPDATE core.station SET boot_number = 1 + n / 3 WHERE id = p;
        SELECT * INTO a FROM t.start(p, 'TAG00000001', 0, '1970-01-01 00:00:20+00', 1, now() + n * interval '10 minutes');
        FOR m IN 1..2 LOOP
            SELECT * INTO b FROM t.stop(p, -1, 400, '1970-01-01 00:05:00+00', 'TAG00000001', now() + n * interval '10 minutes' + m * interval '1 minute');
            PERFORM t.is(b.outcome || b.status, 'doneAccepted', 'confirmed');
        END LOOP;
        PERFORM t.is((SELECT z.meter_stop_mwh FROM core.session z WHERE z.transaction_id = a.transaction_id), 400000::bigint, 'ended: ' || n);
    END LOOP;
    PERFORM t.is((SELECT count(*) || ' ' || count(meter_stop_mwh) FROM core.session), '4 4', 'four sessions');
    PERFORM t.is((SELECT count(*) FROM core.session_message WHERE kind = 'stop'), 4::bigint, 'four Stops');
    PERFORM t.is((SELECT count(*) FROM core.review WHERE kind IN ('unmatched_stop', 'stop_conflict')), 0::bigint, 'no repeat is anything else');
    UPDATE core.station SET boot_number = 3 WHERE id = p;
    PERFORM t.stop(p, -1, 400, '1970-01-01 00:05:00+00', 'TAG00000001', now() + interval '1 hour');
    PERFORM t.is((SELECT kind FROM core.review WHERE kind IN ('unmatched_stop', 'stop_conflict')), 'unmatched_stop', 'after a boot nobody knows: kept');
$$);
SELECT t.test('of two running sessions the one that went past the register is not meant', $$
    p := t.house('H'); w := t.card('TAG00000001', 1000000, 99);
    SELECT * INTO a FROM t.start(p, 'TAG00000001', 1000, now() - interval '2 hours', 1, now(), true);
    SELECT * INTO b FROM t.start(p, 'TAG00000001', 1000, now() - interval '2 hours', 2, now(), true);
    INSERT INTO core.meter_reading (station, at, connector, hash, received_at, transaction_id, import_mwh)
    VALUES (p, now() - interval '90 minutes', 2, 1, now(), b.transaction_id, 5000000), (p, now() - interval '90 minutes', 1, 2, now(), a.transaction_id, 3000000);
    PERFORM t.stop(p, -1, 3000, now() - interval '1 hour', NULL, now(), true);
    PERFORM t.is((SELECT string_agg(state, ',' ORDER BY connector) FROM core.session), 'stopped,open', 'the other');
$$);
SELECT t.test('a stop with -1 ends no session that began after it, and none that was given up', $$
    p := t.house('H'); PERFORM t.card('TAG00000001', 1000000, 99), t.card('TAG00000002', 1000000, 99);
    SELECT * INTO a FROM t.start(p, 'TAG00000001', 1000, now() - interval '10 minutes', 1, now() - interval '10 minutes');
    PERFORM t.stop(p, -1, 2000, now() - interval '1 hour', 'TAG00000001', now(), true);
    PERFORM t.is((SELECT state FROM core.session), 'open', 'it runs on');
    SELECT * INTO b FROM t.start(p, 'TAG00000002', 1000, now() - interval '2 hours', 2, now() - interval '2 hours');
    PERFORM inbound.presume_ended(b.transaction_id, now());
    PERFORM core.review_decide(id, 'lost', NULL, NULL, 'me') FROM core.review WHERE kind = 'presumed_ended';
    PERFORM t.stop(p, -1, 2000, now() - interval '1 hour', 'TAG00000002', now(), true);
    PERFORM t.is((SELECT state || (stopped_at IS NULL) FROM core.session WHERE transaction_id = b.transaction_id), 'losttrue', 'nobody asks for it again');
    PERFORM t.is((SELECT count(*) FROM core.unmatched_stop u JOIN core.review r ON r.dedupe_key = 'unmatched_stop:' || u.digest WHERE u.state = 'waiting' AND r.state = 'open'), 2::bigint, 'both are kept and reviewed');
$$);
SELECT t.test('a start out of a queue is joined to the first of the stops that wait for it', $$
    p := t.house('H'); w := t.card('TAG00000001', 1000000, 99);
    PERFORM t.stop(p, -1, wh, now() - wh * interval '1 s', 'TAG00000001', now() - interval '5 minutes', true) FROM unnest(ARRAY[2000, 3000, 2500]) wh;
    SELECT * INTO a FROM t.start(p, 'TAG00000001', 1000, now() - interval '1 hour', 1, now(), true);
    PERFORM t.is((SELECT state || meter_stop_mwh FROM core.session), 'stopped3000000', 'its end');
    PERFORM t.is((SELECT string_agg(state || meter_stop_mwh, ',' ORDER BY at) FROM core.unmatched_stop), 'joined3000000,waiting2500000,waiting2000000', 'the others wait');
$$);
SELECT t.test('a stop with -1 finds its session in review', $$
    p := t.house('H'); w := t.card('TAG00000001', 1000000, 99);
    SELECT * INTO a FROM t.start(p, 'TAG00000001', 1000, now() - interval '3 hours', 1, now() - interval '3 hours');
    PERFORM inbound.presume_ended(a.transaction_id, clock_timestamp() - interval '20 minutes');
    PERFORM ledger.settlement_review(uid, 'register_jumps', '{}', NULL) FROM core.session;
    PERFORM t.stop(p, -1, 21000, now() - interval '1 hours', 'TAG00000001', now(), true);
    PERFORM t.is((SELECT state || meter_stop_mwh FROM core.session), 'review21000000', 'ended, and not billed before the decision');
    PERFORM core.review_decide(id, 'bill', NULL, '{"meter_stop_mwh":2000000}', 'me') FROM core.review WHERE kind = 'register_jumps';
    PERFORM t.is((SELECT state || meter_stop_mwh FROM core.session), 'stopped2000000', 'decided');
    PERFORM t.sound('decided');
$$);
SELECT t.test('a stop that has waited for a day is joined to no start', $$
    w := t.card('TAG00000001', 1000000, 99);
    FOR r IN SELECT * FROM (VALUES ('H', interval '1 minute', 'open'), ('I', interval '-1 minute', 'stopped')) v(house, over, state) LOOP
        p := t.house(r.house);
        PERFORM t.stop(p, -1, 2000, now() - interval '26 hours' - r.over, 'TAG00000001', now() - interval '24 hours' - r.over, true);
        SELECT * INTO a FROM t.start(p, 'TAG00000001', 1000, now() - interval '27 hours' - r.over, 1, now(), true);
        PERFORM t.is((SELECT z.state FROM core.session z WHERE z.transaction_id = a.transaction_id), r.state, 'after a day and ' || r.over);
    END LOOP;
$$);
SELECT t.test('a number that nobody gave out is answered, kept and reviewed; with the right tag it is matched', $$
    p := t.house('H'); w := t.card('TAG00000001', 1000000, 99);
    SELECT * INTO a FROM t.start(p, 'TAG00000001', 1000, now() - interval '2 hours', 1, now(), true);
    SELECT * INTO b FROM t.stop(p, 2000000000, 2000, now() - interval '1 hour', NULL, now(), true);
    PERFORM t.is(b.outcome, 'done', 'answered');
    PERFORM t.is((SELECT state FROM core.session), 'open', 'a number alone ends nothing');
    PERFORM t.is((SELECT count(*) FROM core.review WHERE kind = 'unmatched_stop'), 1::bigint, 'reviewed');
    PERFORM t.stop(p, 9223372036854775807, 2000, now() - interval '1 hour', 'TAG00000001', now(), true);
    PERFORM t.is((SELECT state FROM core.session), 'stopped', 'the largest number there is, with the tag');
$$);
SELECT t.test('-1 that fits no session is confirmed and reviewed once', $$
    p := t.house('H');
    FOR n IN 1..3 LOOP
        PERFORM t.is((t.stop(p, -1, 2000, now())).outcome, 'done', 'confirmed');
    END LOOP;
    PERFORM t.is((SELECT count(*) FROM core.review WHERE kind = 'unmatched_stop' AND frame IS NOT NULL), 1::bigint, 'one item, with the frame');
$$);
SELECT t.test('one pile cannot stop another''s session; it is reviewed', $$
    p := t.house('H'); m := t.house('I'); w := t.card('TAG00000001', 100000);
    SELECT * INTO a FROM t.start(p, 'TAG00000001', 1000, now());
    PERFORM t.is((t.stop(m, a.transaction_id, 2000, now(), 'TAG00000001')).outcome, 'done', 'confirmed');
    PERFORM t.is((SELECT state FROM core.session), 'open', 'not stopped');
    PERFORM t.is((SELECT detail ->> 'of_another_pile' FROM core.review WHERE kind = 'unmatched_stop'), 'true', 'review says so');
$$);
SELECT t.test('readings of a session are found by number, by connector and time, and never twice', $$
    p := t.house('H'); w := t.card('TAG00000001', 1000000, 99);
    SELECT * INTO a FROM t.start(p, 'TAG00000001', 1000, now() - interval '1 hour');
    SELECT * INTO b FROM t.start(p, 'TAG00000001', 7000, now() - interval '1 hour', 2);
    FOR n IN 1..2 LOOP
        INSERT INTO core.meter_reading (station, at, connector, hash, received_at, transaction_id, context, import_mwh)
        SELECT p, v.at, v.connector, v.hash, now(), v.tx, v.context, v.mwh FROM (VALUES
            (now() - interval '40 minutes', 1, 1, a.transaction_id, 'Sample.Periodic', 1100000),
            (now() - interval '40 minutes', 1, 2, a.transaction_id, 'Sample.Clock', 1100000),   -- the same second
            (now() - interval '30 minutes', 1, 3, NULL, 'Sample.Clock', 1200000),               -- no number
            (now() - interval '20 minutes', 1, 4, -1, 'Sample.Periodic', 1300000),              -- never learned it
            (now() - interval '10 minutes', 1, 5, b.transaction_id, 'Sample.Periodic', 1400000),-- the other connector's number
            (now() - interval '10 minutes', 2, 6, a.transaction_id, 'Sample.Periodic', 7100000),-- ours from the other connector
            (now() - interval '2 hours', 1, 7, NULL, 'Sample.Clock', 900000),                   -- before the start
            ('1970-01-01 00:00:00+00', 1, 8, NULL, 'Sample.Clock', 1),
            ('infinity', 1, 9, NULL, 'Sample.Clock', 1)) v(at, connector, hash, tx, context, mwh)
        ON CONFLICT DO NOTHING;
    END LOOP;
    PERFORM t.stop(p, a.transaction_id, 1500, now());
    SELECT string_agg(hash::text, ',' ORDER BY hash) INTO x FROM core.session z, core.session_readings(z) WHERE z.transaction_id = a.transaction_id;
    PERFORM t.is(x, '1,2,3,4,5', 'readings of the first');
    SELECT string_agg(hash::text, ',' ORDER BY hash) INTO x FROM core.session z, core.session_readings(z) WHERE z.transaction_id = b.transaction_id;
    PERFORM t.is(x, '6', 'readings of the second');
    SELECT * INTO s FROM core.session z WHERE z.transaction_id = a.transaction_id;
    PERFORM t.is(jsonb_array_length(ledger.settlement_input(s.uid)::jsonb -> 'readings'), 5, 'in the input');
    PERFORM t.settle(a.transaction_id, 100);
    INSERT INTO core.meter_reading (station, at, connector, hash, received_at, transaction_id, import_mwh)
    VALUES (p, now() - interval '5 minutes', 1, 10, now(), a.transaction_id, 1490000);
    PERFORM t.is((SELECT gross_minor FROM ledger.settlement), 100::bigint, 'a late reading changes no bill');
$$);
SELECT t.test('readings that name the session belong to it for a day on both sides of it, by a clock that was set', $$
    p := t.house('H'); w := t.card('TAG00000001', 1000000, 99);
    SELECT * INTO a FROM t.start(p, 'TAG00000001', 1000, now() - interval '3 hours', 1, now() - interval '3 hours');
    PERFORM t.stop(p, a.transaction_id, 1500, now() - interval '2 hours', NULL, now() - interval '2 hours');
    INSERT INTO core.meter_reading (station, at, connector, hash, received_at, transaction_id, import_mwh)
    SELECT p, v.at, 1, v.hash, now(), v.tx, 1100000 FROM (VALUES
        (now() - interval '26 hours', 1, a.transaction_id), (now() + interval '21 hours', 2, a.transaction_id),
        (now() - interval '28 hours', 3, a.transaction_id), (now() + interval '23 hours', 4, a.transaction_id),
        (now() - interval '4 hours', 5, NULL), (now() - interval '1 hour', 6, -1)) v(at, hash, tx);
    PERFORM t.is((SELECT string_agg(hash::text, ',' ORDER BY hash) FROM core.session z, core.session_readings(z)), '1,2', 'readings');
$$);
SELECT t.test('readings within a stop are stored once and belong to its session, also with -1', $$
    p := t.house('H'); w := t.card('TAG00000001', 100000);
    SELECT * INTO a FROM t.start(p, 'TAG00000001', 1000, now() - interval '1 hour', 1, now(), true);
    FOR n IN 1..2 LOOP
        PERFORM t.stop(p, -1, 2000, now(), NULL, now(), true, NULL, jsonb_build_array(
            jsonb_build_object('at', now() - interval '1 hour', 'connector', 0, 'hash', '-9223372036854775808', 'transaction_id', -1,
                'context', 'Transaction.Begin', 'import_mwh', 1000000, 'extra', '{"a":1}'::jsonb),
            jsonb_build_object('at', now(), 'hash', '2', 'context', 'Transaction.End', 'import_mwh', '2000000')));
    END LOOP;
    PERFORM t.is((SELECT count(*) FROM core.meter_reading), 2::bigint, 'stored');
    PERFORM t.is((SELECT count(*) FROM core.session z, core.session_readings(z)), 2::bigint, 'found');
$$);
SELECT t.test('what cannot be trusted is stored, in review, and not billed before the decision', $$
    p := t.house('H'); w := t.card('TAG00000001', 10000000, 99);
    FOR r IN SELECT * FROM (VALUES
            ('missing_meter_stop', NULL::bigint, now() + interval '1 hour', now() + interval '1 hour', 0::bigint),
            ('negative_energy', 900, now() + interval '1 hour', now() + interval '1 hour', 0),
            ('implausible_energy', 1000000, now() + interval '1 hour', now() + interval '1 hour', 0),
            ('stop_before_start', 1000, now() - interval '1 hour', now() + interval '1 hour', 0),
            ('stop_stale_time', 1100, now() + interval '1 minute', now() + interval '1 hour', NULL),
            ('stop_implausible_time', 1100, timestamptz '1970-01-01 00:00:10+00', now() + interval '1 hour', NULL),
            ('stop_implausible_time', 1100, now() + interval '3 days', now() + interval '1 hour', NULL))
            v(kind, wh, at, received_at, offset_us) LOOP
        n := COALESCE(n, 0) + 1;
        SELECT * INTO a FROM t.start(p, 'TAG00000001', 1000, now() + n * interval '1 ms');
        SELECT * INTO b FROM t.stop(p, a.transaction_id, r.wh, r.at, NULL, r.received_at, false, r.offset_us);
        PERFORM t.is(b.outcome, 'done', 'confirmed: ' || r.kind);
        PERFORM t.is((SELECT string_agg(v.kind, ',') FROM core.review v JOIN core.session z ON z.uid = v.session_uid
                      WHERE z.transaction_id = a.transaction_id AND v.blocks AND v.frame IS NOT NULL), r.kind, 'review');
        PERFORM t.is((SELECT state FROM core.session WHERE transaction_id = a.transaction_id), 'review', 'state: ' || r.kind);
        PERFORM t.is((t.settle(a.transaction_id, 100)).outcome, 'refused', 'not billed: ' || r.kind);
    END LOOP;
    PERFORM t.is((SELECT count(*) FROM ledger.settlement), 0::bigint, 'no bill');
    PERFORM t.is((SELECT count(*) FROM core.job WHERE kind = 'settle'), 0::bigint, 'no job');
$$);
SELECT t.test('a decision with its correction bills what was held back; lost frees the hold', $$
    p := t.house('H'); w := t.card('TAG00000001', 100000, 9);
    SELECT * INTO a FROM t.start(p, 'TAG00000001', 1000, now());
    PERFORM t.stop(p, a.transaction_id, 900, now() + interval '10 minutes');
    SELECT id INTO n FROM core.review WHERE kind = 'negative_energy';
    PERFORM t.is(core.review_decide(n, 'bill', 'read the meter', '{"meter_stop_mwh":"1200000"}', 'me'), 'done', 'decision');
    PERFORM t.is(core.review_decide(n, 'lost', NULL, NULL, 'other'), 'repeat', 'a second decision changes nothing');
    PERFORM t.is((SELECT state || meter_stop_mwh FROM core.session), 'stopped1200000', 'session');
    SELECT uid INTO x FROM core.session;
    PERFORM t.is((t.settle(a.transaction_id, 100)).outcome, 'busy', 'a bill made of the old facts is void');
    PERFORM t.is(ledger.settlement_input(x::uuid)::jsonb #>> '{session,meter_stop_mwh}', '1200000', 'new input');
    PERFORM t.is((t.settle(a.transaction_id, 100)).outcome, 'done', 'billed');
    SELECT * INTO b FROM t.start(p, 'TAG00000001', 1300, now() + interval '20 minutes', 1, now() + interval '20 minutes');
    PERFORM t.stop(p, b.transaction_id, NULL, now() + interval '30 minutes');
    PERFORM t.is(core.review_decide((SELECT id FROM core.review WHERE kind = 'missing_meter_stop'), 'lost', NULL, NULL, 'me'), 'done', 'lost');
    PERFORM t.is((SELECT held FROM ledger.account_balance WHERE account_id = w), 0::bigint, 'nothing held');
    PERFORM t.is((t.settle(b.transaction_id, 100)).outcome, 'refused', 'never billed');
    PERFORM t.refused(format('SELECT core.review_decide(%s, ''maybe'', NULL, NULL, ''me'')', n), '22023', 'no such decision');
    PERFORM t.sound('decisions');
$$);
SELECT t.test('a session whose stop did not come is billed provisionally, and anew when it comes', $$
    p := t.house('H'); w := t.card('TAG00000001', 100000, 9);
    SELECT * INTO a FROM t.start(p, 'TAG00000001', 1000, now() - interval '2 hours');
    INSERT INTO core.meter_reading (station, at, connector, hash, received_at, transaction_id, import_mwh)
    VALUES (p, now() - interval '90 minutes', 1, 1, now(), a.transaction_id, 6000000);
    PERFORM t.start(p, 'TAG00000001', 9000, now(), 1);
    SELECT * INTO s FROM core.session WHERE transaction_id = a.transaction_id;
    PERFORM t.is(s.state, 'presumed_ended', 'state');
    PERFORM t.is(ledger.settlement_input(s.uid)::jsonb #>> '{session,meter_stop_mwh}', '6000000', 'the last register is the end');
    UPDATE core.session SET presumed_ended_at = clock_timestamp() - interval '16 minutes' WHERE transaction_id = a.transaction_id;
    PERFORM inbound.sweep();
    PERFORM t.is((SELECT count(*) FROM core.job WHERE kind = 'settle' AND key = s.uid::text), 1::bigint, 'the sweep queues it');
    PERFORM t.settle(a.transaction_id, 500);
    PERFORM t.is((SELECT provisional FROM ledger.settlement), true, 'provisional');
    UPDATE core.job SET state = 'done' WHERE kind = 'settle';
    PERFORM t.stop(p, a.transaction_id, 8000, now() - interval '10 minutes', NULL, now(), true);
    PERFORM t.is((SELECT state FROM core.session WHERE uid = s.uid), 'stopped', 'the real stop counts');
    PERFORM t.is((t.settle(a.transaction_id, 700)).outcome, 'busy', 'only with a new input');
    PERFORM ledger.settlement_input(s.uid);
    PERFORM t.is((t.settle(a.transaction_id, 700)).outcome, 'done', 'booked anew');
    PERFORM t.is((SELECT string_agg(version || state || gross_minor, ',' ORDER BY version) FROM ledger.settlement), '1reversed500,2posted700', 'versions');
    PERFORM t.is((SELECT posted FROM ledger.account_balance WHERE account_id = w), 99300::bigint, 'money');
    PERFORM t.sound('rebooked');
$$);
SELECT t.test('a session that is presumed ended and reviewed is billed once that is accepted', $$
    p := t.house('H'); w := t.card('TAG00000001', 100000, 9);
    SELECT * INTO a FROM t.start(p, 'TAG00000001', 1000, now() - interval '3 hours', 1, now() - interval '3 hours');
    PERFORM inbound.presume_ended(a.transaction_id, clock_timestamp() - interval '20 minutes');
    SELECT * INTO s FROM core.session;
    PERFORM ledger.settlement_review(s.uid, k, '{}', NULL) FROM unnest(ARRAY['implausible_energy', 'register_falls']) k;
    PERFORM t.is((SELECT state FROM core.session), 'review', 'reviewed');
    PERFORM core.review_decide(id, 'bill', NULL, NULL, 'me') FROM core.review WHERE kind = 'implausible_energy';
    PERFORM t.is((SELECT state FROM core.session), 'review', 'one of two');
    PERFORM core.review_decide(id, 'bill', NULL, NULL, 'me') FROM core.review WHERE kind = 'register_falls';
    PERFORM t.is((SELECT state FROM core.session), 'presumed_ended', 'presumed ended again');
    PERFORM t.is((SELECT count(*) FROM core.job WHERE kind = 'settle' AND key = s.uid::text AND run_at <= clock_timestamp()), 1::bigint, 'its settlement is due');
    PERFORM t.is(ledger.settlement_input(s.uid) IS NOT NULL, true, 'rated');
    PERFORM t.is((t.settle(a.transaction_id, 500)).outcome, 'done', 'billed');
    PERFORM t.is((SELECT posted || '/' || held FROM ledger.account_balance WHERE account_id = w), '99500/0', 'money and hold');
    PERFORM t.sound('billed');
$$);
SELECT t.test('what is presumed ended is not settled before its time because an item was decided', $$
    p := t.house('H'); w := t.card('TAG00000001', 100000, 9);
    SELECT * INTO a FROM t.start(p, 'TAG00000001', 1000, now() - interval '1 hour', 1, now() - interval '1 hour');
    PERFORM inbound.presume_ended(a.transaction_id, now());
    PERFORM core.review_decide(id, 'bill', NULL, NULL, 'me') FROM core.review WHERE kind = 'presumed_ended';
    PERFORM t.is((SELECT run_at - now() FROM core.job WHERE kind = 'settle'), interval '15 minutes', 'due then');
$$);
SELECT t.test('a Stop with the doubt that was decided of a bill before it is decided on its own', $$
    p := t.house('H'); w := t.card('TAG00000001', 1000000, 9);
    FOREACH n IN ARRAY ARRAY[0, 1, 2] LOOP
        SELECT * INTO a FROM t.start(p, 'TAG00000001', 0, now() - interval '3 hours' + n * interval '1 s', 1 + n::int % 2, now() - interval '3 hours');
        PERFORM inbound.presume_ended(a.transaction_id, clock_timestamp() - interval '20 minutes');
        SELECT * INTO s FROM core.session z WHERE z.transaction_id = a.transaction_id;
        PERFORM ledger.settlement_review(s.uid, 'implausible_energy', '{}', NULL);
        IF n > 0 THEN
            PERFORM core.review_decide(id, 'bill', NULL, NULL, 'me') FROM core.review WHERE session_uid = s.uid AND blocks;
            PERFORM ledger.settlement_input(s.uid);
            PERFORM t.is((t.settle(a.transaction_id, 500)).outcome, 'done', 'billed');
        END IF;
        IF n = 2 THEN
            PERFORM core.review_open('implausible_energy', false, 'harmless', p, s.uid, now(), '{}', NULL);
        END IF;
        PERFORM t.stop(p, a.transaction_id, 9100000, now() - interval '2 hours', 'TAG00000001', now(), true, NULL);
        PERFORM t.is((SELECT z.state FROM core.session z WHERE z.uid = s.uid), 'review', 'state');
        PERFORM t.sound('a decision is waited for');
        SELECT count(*), min(id) INTO r FROM core.review WHERE session_uid = s.uid AND blocks AND state = 'open' AND kind = 'implausible_energy';
        PERFORM t.is(r.count, 1::bigint, 'by one item, decided before: ' || n);
        PERFORM core.review_decide(r.min, 'bill', NULL, '{"meter_stop_mwh":9000000}', 'me');
        PERFORM t.is((SELECT z.state || meter_stop_mwh FROM core.session z WHERE z.uid = s.uid), 'stopped9000000', 'and decided');
        PERFORM ledger.settlement_input(s.uid);
        PERFORM t.is((t.settle(a.transaction_id, 700)).outcome, 'done', 'billed by it');
        PERFORM t.sound('billed');
    END LOOP;
$$);
SELECT t.test('a session in review without an open item that blocks is a broken invariant', $$
    p := t.house('H'); w := t.card('TAG00000001', 100000, 9);
    SELECT * INTO a FROM t.start(p, 'TAG00000001', 1000, now());
    PERFORM core.review_open('harmless', false, 'x', p, uid, now(), '{}', NULL) FROM core.session;
    UPDATE core.session SET state = 'review';
    PERFORM t.is((SELECT string_agg(invariant, ',') FROM ledger.invariants()), 'inv_review_idle', 'found');
    UPDATE core.review SET blocks = true;
    PERFORM t.sound('waits for a decision');
$$);
SELECT t.test('a session whose late Stop is rejected is never billed: its provisional bill is taken back', $$
    p := t.house('H'); w := t.card('TAG00000001', 3000, 9);
    SELECT * INTO a FROM t.start(p, 'TAG00000001', 1000, now() - interval '5 hours', 1, now() - interval '5 hours');
    PERFORM inbound.presume_ended(a.transaction_id, now() - interval '1 hour');
    SELECT * INTO s FROM core.session;
    PERFORM ledger.settlement_input(s.uid); PERFORM t.settle(a.transaction_id, 5000);
    PERFORM t.stop(p, a.transaction_id, 500, now());
    PERFORM t.is((SELECT state FROM core.session), 'review', 'doubtful');
    PERFORM core.review_decide(id, 'lost', 'no', NULL, 'me') FROM core.review WHERE kind = 'negative_energy';
    PERFORM t.is((SELECT state FROM core.session), 'lost', 'state');
    PERFORM t.is((SELECT string_agg(state || gross_minor, ',') FROM ledger.settlement), 'reversed5000', 'bill');
    PERFORM t.is((SELECT string_agg(kind || actor, ',' ORDER BY id) FROM ledger.journal WHERE session_uid = s.uid), 'settlesettlement,reverseme', 'journals');
    PERFORM t.is((SELECT string_agg(x.purpose || y.posted || '/' || y.held, ',' ORDER BY x.purpose) FROM ledger.account x JOIN ledger.account_balance y ON y.account_id = x.id),
        'arrears0/0,bonus0/0,wallet3000/0', 'money');
    PERFORM t.is((t.settle(a.transaction_id, 100)).outcome, 'refused', 'never billed');
    PERFORM t.sound('rejected');
$$);
SELECT t.test('arrears of a provisional bill that were paid come back as money when it is booked anew', $$
    p := t.house('H'); w := t.card('TAG00000001', 1000, 9);
    SELECT * INTO a FROM t.start(p, 'TAG00000001', 1000, now() - interval '5 hours', 1, now() - interval '5 hours');
    PERFORM inbound.presume_ended(a.transaction_id, now() - interval '1 hour');
    SELECT * INTO s FROM core.session;
    PERFORM ledger.settlement_input(s.uid); PERFORM t.settle(a.transaction_id, 1800);
    PERFORM t.is((SELECT to_arrears_minor FROM ledger.settlement), 800::bigint, 'owed');
    PERFORM ledger.top_up('test', '1', w, 300, 0, 'me');
    PERFORM ledger.top_up('test', '2', w, 10000, 0, 'me');
    PERFORM t.stop(p, a.transaction_id, 1500, now() - interval '4 hours');
    PERFORM ledger.settlement_input(s.uid); PERFORM t.is((t.settle(a.transaction_id, 500)).outcome, 'done', 'booked anew');
    PERFORM t.is((SELECT string_agg(x.purpose || y.posted, ',' ORDER BY x.purpose) FROM ledger.account x JOIN ledger.account_balance y ON y.account_id = x.id),
        'arrears0,bonus0,wallet10800', 'balances');
    PERFORM t.is(ledger.free_minor(w), 10800::bigint, 'all of it can be spent');
    PERFORM t.sound('booked anew');
    UPDATE ledger.account_balance y SET posted = -1 FROM ledger.account x WHERE x.id = y.account_id AND x.purpose = 'arrears';
    PERFORM t.is((SELECT count(*) FROM ledger.invariants() WHERE invariant = 'inv_arrears'), 1::bigint, 'arrears below zero are found');
$$);
SELECT t.test('arrears that were paid in part are taken back in part', $$
    p := t.house('H'); w := t.card('TAG00000001', 1000, 9);
    SELECT * INTO a FROM t.start(p, 'TAG00000001', 1000, now() - interval '5 hours', 1, now() - interval '5 hours');
    PERFORM inbound.presume_ended(a.transaction_id, now() - interval '1 hour');
    SELECT * INTO s FROM core.session;
    PERFORM ledger.settlement_input(s.uid); PERFORM t.settle(a.transaction_id, 1800);
    PERFORM ledger.top_up('test', '1', w, 300, 0, 'me');
    PERFORM ledger.reverse(journal_id, 'me', 'x') FROM ledger.settlement;
    PERFORM t.is((SELECT string_agg(x.purpose || y.posted, ',' ORDER BY x.purpose) FROM ledger.account x JOIN ledger.account_balance y ON y.account_id = x.id),
        'arrears0,bonus0,wallet1300', 'balances');
    PERFORM t.is((SELECT string_agg(x.purpose || e.side || e.amount_minor, ',' ORDER BY e.line) FROM ledger.entry e JOIN ledger.account x ON x.id = e.account_id
        JOIN ledger.journal j ON j.id = e.journal_id WHERE j.kind = 'reverse' AND x.purpose IN ('wallet', 'arrears')), 'walletC1000,arrearsC800,arrearsD300,walletC300', 'the mirror, and what was paid');
$$);
SELECT t.test('idTag of a stop: judged, never ConcurrentTx, and a stranger''s is an alarm, not a refusal', $$
    p := t.house('H'); w := t.card('TAG00000001', 1000000, 99); PERFORM t.card('TAG00000002', 100000);
    SELECT * INTO a FROM t.start(p, 'TAG00000001', 1000, now());
    PERFORM t.is((t.stop(p, a.transaction_id, 1100, now() + interval '5 minutes', 'TAG00000002')).status, 'Accepted', 'judged');
    PERFORM t.is((SELECT kind || blocks FROM core.review), 'stop_by_strangerfalse', 'alarm');
    PERFORM t.is((SELECT state FROM core.session), 'stopped', 'ended');
    UPDATE core.card SET customer_id = (SELECT customer_id FROM core.card ORDER BY id LIMIT 1);
    SELECT * INTO b FROM t.start(p, 'TAG00000001', 1200, now() + interval '10 minutes', 1, now() + interval '10 minutes');
    PERFORM t.stop(p, b.transaction_id, 1300, now() + interval '15 minutes', 'TAG00000002', now() + interval '15 minutes');
    PERFORM t.is((SELECT count(*) FROM core.review), 1::bigint, 'another card of the same customer is none');
    SELECT * INTO b FROM t.start(p, 'TAG00000001', 1400, now() + interval '20 minutes', 1, now() + interval '20 minutes');
    PERFORM t.is((t.stop(p, b.transaction_id, 1500, now() + interval '25 minutes', NULL, now() + interval '25 minutes')).status, NULL, 'no tag, no verdict');
$$);
SELECT t.test('settlement waits 5 s, and 120 s for what came from a queue or over a new connection', $$
    p := t.house('H'); w := t.card('TAG00000001', 1000000, 99);
    SELECT * INTO a FROM t.start(p, 'TAG00000001', 1000, now());
    PERFORM t.stop(p, a.transaction_id, 1100, now() + interval '5 minutes');
    SELECT * INTO b FROM t.start(p, 'TAG00000001', 1000, now(), 2);
    PERFORM t.stop(p, b.transaction_id, 1100, now() + interval '5 minutes', NULL, now() + interval '5 minutes', true);
    PERFORM t.is((SELECT string_agg(round(extract(epoch FROM run_at - created_at))::text, ',' ORDER BY id) FROM core.job WHERE kind = 'settle'), '5,120', 'delays');
    SELECT * INTO a FROM t.start(p, 'TAG00000001', 2000, now() + interval '10 minutes', 1, now() + interval '10 minutes');
    PERFORM inbound.take_over(p, 2, 'x', now() + interval '11 minutes');
    PERFORM t.stop(p, a.transaction_id, 2100, now() + interval '12 minutes', NULL, now() + interval '12 minutes');
    PERFORM t.is((SELECT round(extract(epoch FROM run_at - created_at)) FROM core.job WHERE kind = 'settle' ORDER BY id DESC LIMIT 1), 120::numeric, 'after a take-over');
$$);
SELECT t.test('a stop whose readings nobody can store is confirmed as refused and kept whole', $$
    p := t.house('H'); w := t.card('TAG00000001', 100000);
    SELECT * INTO a FROM t.start(p, 'TAG00000001', 1000, now());
    SELECT * INTO b FROM t.stop(p, a.transaction_id, 2000, now(), NULL, now(), false, 0, '[{"at":"yesterday-ish","hash":"1"}]');
    PERFORM t.is(b.outcome, 'refused', 'answer');
    PERFORM t.is((SELECT state FROM core.session), 'open', 'nothing half-way');
    PERFORM t.is((SELECT function_name || sqlstate || (frame IS NOT NULL) FROM core.inbound_refused), 'stop22007true', 'evidence');
    PERFORM t.is((SELECT count(*) FROM core.review WHERE kind = 'refused' AND blocks AND session_uid IS NOT NULL), 1::bigint, 'review');
    PERFORM t.stop(p, a.transaction_id, 2000, now() + interval '1 minute');
    PERFORM t.is((SELECT state FROM core.session), 'review', 'and its session is not billed before');
$$);
SELECT t.test('a remote stop whose fate was unknown is settled by the stop', $$
    p := t.house('H'); w := t.card('TAG00000001', 100000);
    SELECT * INTO a FROM t.start(p, 'TAG00000001', 1000, now());
    INSERT INTO core.command (station_id, action, payload, state, deadline, actor, sent_at)
    VALUES (p, 'RemoteStopTransaction', jsonb_build_object('transactionId', a.transaction_id), 'unknown', now(), 'me', now());
    PERFORM t.stop(p, a.transaction_id, 1100, now() + interval '5 minutes');
    PERFORM t.is((SELECT state FROM core.command), 'accepted', 'command');
$$);
SELECT t.test('in any order and however often repeated, one session''s messages make the same input', $$
    p := t.house('H'); w := t.card('TAG00000001', 1000000, 99);
    FOR r IN SELECT v AS steps, row_number() OVER () AS nth FROM unnest(ARRAY['srt', 'str', 'rst', 'rts', 'tsr', 'trs', 'ssrrtt', 'tstrsrt', 'rtsrts', 'ttrrss', 'strts']) v LOOP
        -- The same session a day earlier each time, on a pile that has been away ever since.
        FOR n IN 1..length(r.steps) LOOP
            CASE substr(r.steps, n, 1)
                WHEN 's' THEN PERFORM t.start(p, 'TAG00000001', 1000, now() - r.nth * interval '1 day', 1, now() + n * interval '1 s', true, NULL);
                WHEN 't' THEN PERFORM t.stop(p, -1, 2000, now() - r.nth * interval '1 day' + interval '1 hour', 'TAG00000001', now() + n * interval '1 s', true, NULL);
                ELSE INSERT INTO core.meter_reading (station, at, connector, hash, received_at, transaction_id, import_mwh)
                    VALUES (p, now() - r.nth * interval '1 day' + interval '30 minutes', 1, 1, now(), -1, 1500000) ON CONFLICT DO NOTHING;
            END CASE;
        END LOOP;
        SELECT * INTO s FROM core.session z WHERE z.started_at = now() - r.nth * interval '1 day';
        PERFORM t.is(s.state, 'stopped', r.steps);
        SELECT concat_ws(' ', j #>> '{session,meter_start_mwh}', j #>> '{session,meter_stop_mwh}', j #>> '{readings,0,import_mwh}', jsonb_array_length(j -> 'readings'),
            (j #>> '{session,stopped_at}')::timestamptz - (j #>> '{session,started_at}')::timestamptz, (j #>> '{readings,0,at}')::timestamptz - s.started_at)
        INTO x FROM (SELECT ledger.settlement_input(s.uid)::jsonb AS j) q;
        PERFORM t.is(x, '1000000 2000000 1500000 1 01:00:00 00:30:00', r.steps);
    END LOOP;
    PERFORM t.is((SELECT count(*) FROM core.session), 11::bigint, 'sessions');
    PERFORM t.is((SELECT count(*) FROM core.review WHERE state = 'open' AND blocks), 0::bigint, 'nothing blocks');
$$);
SELECT t.test('a Stop without number and tag ends no session that its register cannot be of, though it is the only one', $$
    p := t.house('H'); w := t.card('TAG00000001', 1000000, 9); w := t.card('TAG00000002', 1000000, 9);
    SELECT * INTO a FROM t.start(p, 'TAG00000001', 1000, now() - interval '1 hour', 1, now() - interval '1 hour');
    FOREACH n IN ARRAY ARRAY[900, 3830412] LOOP
        PERFORM t.is((t.stop(p, -1, n, now() - interval '10 minutes', NULL, now(), true, NULL)).outcome, 'done', 'confirmed');
    END LOOP;
    PERFORM t.is((SELECT string_agg(state, ',') FROM core.unmatched_stop), 'waiting,waiting', 'they wait');
    PERFORM t.is((SELECT count(*) FROM core.review WHERE kind = 'unmatched_stop' AND state = 'open'), 2::bigint, 'in review');
    PERFORM t.is((SELECT state FROM core.session), 'open', 'the session goes on');
    -- No start takes it that cannot have come so far; the other connector's was still in the queue.
    PERFORM t.start(p, 'TAG00000002', 5000, now() - interval '40 minutes', 2, now(), true, NULL);
    PERFORM t.start(p, 'TAG00000002', 3800000, now() - interval '30 minutes', 2, now(), true, NULL);
    PERFORM t.is((SELECT string_agg(state || COALESCE(meter_stop_mwh::text, ''), ',' ORDER BY transaction_id) FROM core.session), 'open,presumed_ended,stopped3830412000', 'it joins its own');
    PERFORM t.stop(p, 0, 2000, now() - interval '5 minutes', NULL, now());
    PERFORM t.is((SELECT meter_stop_mwh FROM core.session WHERE transaction_id = a.transaction_id), 2000000::bigint, 'and one that fits ends the first');
$$);

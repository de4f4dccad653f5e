-- A session in review waits for a person: accepted it is billed, rejected it never is.
\ir role_helpers.psql
SELECT t.world();
-- Four sessions in review, by whatever rule; each with its blocking item.
CREATE FUNCTION t.reviewed(p_kind text, p_hours integer) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    pile bigint := (SELECT id FROM core.station WHERE identity = 'CP-A');
    number bigint;
    item bigint;
BEGIN
    SELECT x.transaction_id INTO number FROM t.start(pile, 'TAGA000012345', 1000, now() - make_interval(hours => p_hours), 1, now() - make_interval(hours => p_hours)) x;
    PERFORM t.stop(pile, number, 3000, now() - make_interval(hours => p_hours, mins => -10), NULL, now() - make_interval(hours => p_hours, mins => -10));
    PERFORM core.review_open(p_kind, true, number::text, pile, (SELECT uid FROM core.session WHERE transaction_id = number), now(), '{}', NULL);
    UPDATE core.session SET state = 'review' WHERE transaction_id = number;
    DELETE FROM core.job WHERE kind = 'settle';
    SELECT id INTO item FROM core.review WHERE kind = p_kind;
    RETURN item;
END
$$;
CREATE TABLE t.item AS SELECT kind, t.reviewed(kind, n::int) AS id
FROM unnest(ARRAY['accepted', 'rejected', 'corrected', 'twice']) WITH ORDINALITY k (kind, n);
CREATE FUNCTION t.id(p_kind text) RETURNS bigint LANGUAGE sql AS $$ SELECT id FROM t.item WHERE kind = p_kind $$;
CREATE FUNCTION t.session(p_kind text, p_column text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    answer text;
BEGIN
    EXECUTE format('SELECT s.%I::text FROM query.session s JOIN query.review r USING (session_uid) WHERE r.kind = %L LIMIT 1', p_column, p_kind) INTO answer;
    RETURN answer;
END
$$;
CREATE FUNCTION t.jobs(p_kind text) RETURNS int LANGUAGE sql AS $$
    SELECT count(*)::int FROM core.job j JOIN core.review r ON j.key = r.session_uid::text WHERE r.kind = p_kind AND j.kind = 'settle' $$;

SELECT t.is((SELECT (state, is_blocking, site, pile, age_s >= 0)::text FROM query.review WHERE review_id = t.id('accepted')), '(open,t,S-A,CP-A,t)', 'an open item');
SELECT t.is(t.session('accepted', 'is_in_review') || t.session('accepted', 'review_kinds'), 'trueaccepted', 'its session says so');

SELECT t.is(t.act('test.operator', format('management.decide_review(%s, ''accept'', ''the meter was read by hand'')', t.id('accepted'))) - 'sessionUid' - 'reviewId',
    '{"decision": "bill", "sessionState": "stopped", "repeated": false}'::jsonb, 'accepted');
SELECT t.is((SELECT (state, decision, note, decided_by)::text FROM query.review WHERE review_id = t.id('accepted')),
    '(decided,bill,"the meter was read by hand",test.operator)', 'the decision read back');
SELECT t.is(t.jobs('accepted'), 1, 'its settlement is queued');
SELECT t.is(t.act('test.operator', format('management.decide_review(%s, ''accept'', ''again'')', t.id('accepted'))) ->> 'repeated', 'true', 'accepted again');
SELECT t.is(t.jobs('accepted'), 1, 'one settlement');
SELECT t.no('test.operator', format('management.decide_review(%s, ''reject'', ''no'')', t.id('accepted')), 'review-decided', 'review_id');
SELECT t.is((SELECT count(*)::int FROM query.audit WHERE action = 'DecideReview' AND actor = 'test.operator'), 1, 'one row in the audit');

SELECT t.is(t.act('test.operator', format('management.decide_review(%s, ''reject'', ''a test of the fitter'')', t.id('rejected'))) ->> 'sessionState', 'lost', 'rejected');
SELECT t.is(t.session('rejected', 'state') || t.jobs('rejected'), 'lost0', 'never billed');
SELECT t.is(t.session('rejected', 'hold_amount'), NULL, 'nothing is held');

SELECT t.no('test.operator', format('management.decide_review(%s, %s)', t.id('corrected'), args), code, member) FROM (VALUES
    ($$'accept', 'x', meter_stop_kwh => 0.5$$, 'member-order', 'meter_stop_kwh'), ($$'accept', 'x', meter_start_kwh => 5$$, 'member-order', 'meter_stop_kwh'),
    ($$'accept', 'x', meter_start_kwh => -1$$, 'member-range', 'meter_start_kwh'), ($$'accept', 'x', meter_stop_kwh => 'NaN'$$, 'member-range', 'meter_stop_kwh'),
    ($$'accept', 'x', meter_stop_kwh => 1.0000001$$, 'member-decimals', 'meter_stop_kwh'), ($$'accept', 'x', stopped_at => 'infinity'$$, 'member-range', 'stopped_at'),
    ($$'accept', 'x', started_at => '1970-01-01Z'$$, 'member-range', 'started_at'), ($$'accept', 'x', stopped_at => now() - interval '9 hours'$$, 'member-order', 'stopped_at'),
    ($$'reject', 'x', meter_stop_kwh => 2$$, 'review-correction', 'decision'), ($$'perhaps', 'x'$$, 'member-value', 'decision'), ($$NULL, 'x'$$, 'member-missing', 'decision'),
    ($$'accept', NULL$$, 'member-missing', 'note'), ($$'accept', ''$$, 'member-text', 'note')) AS c (args, code, member);
SELECT t.is((SELECT state FROM query.review WHERE review_id = t.id('corrected')), 'open', 'a refused decision decides nothing');
SELECT t.is(t.act('test.operator', format('management.decide_review(%s, ''accept'', ''the display said 2.5'', meter_stop_kwh => ''2.5'')', t.id('corrected'))) ->> 'sessionState', 'stopped', 'corrected');
SELECT t.is(t.session('corrected', 'energy_kwh'), '1.500000', 'by that register');
SELECT t.is(t.act('test.operator', format('management.decide_review(%s, ''accept'', ''x'', meter_stop_kwh => 2.50)', t.id('corrected'))) ->> 'repeated', 'true', 'the same decision again');
SELECT t.no('test.operator', format('management.decide_review(%s, ''accept'', ''x'', meter_stop_kwh => 2.6)', t.id('corrected')), 'review-decided', 'review_id');
\echo 'ok - accepted is billed, rejected is not, and a correction makes sense'

-- A session is billed when its last blocking item is decided.
SELECT core.review_open('second', true, 'second', station_id, session_uid, now(), '{}', NULL) FROM core.review WHERE kind = 'twice';
SELECT t.is(t.act('test.operator', format('management.decide_review(%s, ''accept'', ''one of two'')', t.id('twice'))) ->> 'sessionState', 'review', 'another item still blocks');
SELECT t.is(t.act('test.operator', format('management.decide_review(%s, ''accept'', ''two of two'')', (SELECT review_id FROM query.review WHERE kind = 'second'))) ->> 'sessionState', 'stopped', 'none does');
\echo 'ok - the last blocking item lets the session go'

-- An item of no session is noted; what is settled is not decided again; what is not there is unknown.
SELECT core.review_open('queue stuck', false, 'k', (SELECT id FROM core.station WHERE identity = 'CP-A'), NULL, now(), '{}', NULL);
SELECT t.is(t.act('test.operator', format('management.decide_review(%s, ''accept'', ''seen'')', (SELECT review_id FROM query.review WHERE kind = 'queue stuck'))) ->> 'decision', 'noted', 'noted');
SELECT core.review_open('late', true, 'late', station_id, session_uid, now(), '{}', NULL) FROM core.review WHERE kind = 'accepted';
SELECT t.is(ledger.settlement_input(session_uid) IS NOT NULL, true, 'rated by the correction') FROM core.review WHERE kind = 'corrected';
SELECT t.is(x.outcome, 'done', 'settled') FROM core.session s JOIN core.review r ON r.session_uid = s.uid AND r.kind = 'corrected', LATERAL t.settle(s.transaction_id, 300) x;
SELECT core.review_open('later', true, 'later', station_id, session_uid, now(), '{}', NULL) FROM core.review WHERE kind = 'corrected';
SELECT t.no('test.operator', format('management.decide_review(%s, ''reject'', ''x'')', (SELECT review_id FROM query.review WHERE kind = 'later')), 'review-settled', 'review_id');
SELECT t.no('test.operator', 'management.decide_review(999999, ''accept'', ''x'')', 'review-unknown', 'review_id');
SELECT t.no('test.operator', 'management.decide_review(NULL, ''accept'', ''x'')', 'review-unknown', 'review_id');
SELECT t.sound('after the decisions');
\echo 'ok - what is settled, unknown or without a session is told apart'

-- What cannot be billed cannot be accepted: the refusal names what is missing.
CREATE FUNCTION t.doubted(p_start bigint, p_stop bigint) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    pile bigint := (SELECT id FROM core.station WHERE identity = 'CP-B');
    number bigint;
    moment timestamptz := now() - interval '2 hours' + (SELECT count(*) FROM core.session) * interval '1 minute';
BEGIN
    SELECT x.transaction_id INTO number FROM t.start(pile, 'TAGB000012345', p_start, moment, 1, moment) x;
    IF p_stop IS DISTINCT FROM -1 THEN
        PERFORM t.stop(pile, number, p_stop, moment + interval '30 seconds', NULL, moment + interval '30 seconds');
    END IF;
    RETURN number;
END
$$;
CREATE FUNCTION t.decide(p_number bigint, p_rest text) RETURNS text LANGUAGE sql AS $$
    SELECT format('management.decide_review(%s, %s)', r.id, p_rest) FROM core.review r JOIN core.session s ON s.uid = r.session_uid
    WHERE s.transaction_id = p_number AND r.blocks ORDER BY r.state = 'open' DESC, r.id LIMIT 1 $$;
CREATE FUNCTION t.input(p_number bigint) RETURNS text LANGUAGE sql AS $$
    SELECT ledger.settlement_input(uid)::jsonb #>> '{session,meter_start_mwh}' || '-' || (ledger.settlement_input(uid)::jsonb #>> '{session,meter_stop_mwh}')
    FROM core.session WHERE transaction_id = p_number $$;
SELECT t.doubted(1000, NULL) AS stopless, t.doubted(NULL, 3000) AS startless, t.doubted(-5, 900) AS negative, t.doubted(1000, NULL) AS metered \gset
SELECT t.no('test.operator', t.decide(:stopless, $$'accept', 'x'$$), 'review-missing', 'meter_stop_kwh');
SELECT t.no('test.operator', t.decide(:startless, $$'accept', 'x'$$), 'review-missing', 'meter_start_kwh');
SELECT t.no('test.operator', t.decide(:negative, $$'accept', 'x'$$), 'review-missing', 'meter_start_kwh');
SELECT t.is((SELECT string_agg(DISTINCT s.state || r.state, ',') FROM core.session s JOIN core.review r ON r.session_uid = s.uid AND r.blocks
    WHERE s.transaction_id IN (:stopless, :startless, :negative)), 'reviewopen', 'a refused decision decides nothing');
SELECT t.act('test.operator', t.decide(:stopless, $$'accept', 'read', meter_stop_kwh => 1.5$$)), t.act('test.operator', t.decide(:startless, $$'accept', 'read', meter_start_kwh => 1.5$$)),
    t.act('test.operator', t.decide(:negative, $$'accept', 'read', meter_start_kwh => 0.2$$));
SELECT t.is(t.input(:stopless) || ' ' || t.input(:startless) || ' ' || t.input(:negative), '1000000-1500000 1500000-3000000 200000-900000', 'billed by what was given');
INSERT INTO core.meter_reading (station, at, connector, hash, received_at, transaction_id, import_mwh)
SELECT station_id, started_at + interval '10 s', 1, 1, now(), transaction_id, 1250000 FROM core.session WHERE transaction_id = :metered;
SELECT t.act('test.operator', t.decide(:metered, $$'accept', 'the last reading will do'$$));
SELECT t.is(t.input(:metered), '1000000-1250000', 'nothing is missing where a reading tells it');
SELECT t.doubted(1000, 900) AS untariffed \gset
UPDATE core.session SET tariff_version_id = NULL WHERE transaction_id = :untariffed;
BEGIN;
DELETE FROM core.tariff_assignment;
SELECT t.no('test.operator', t.decide(:untariffed, $$'accept', 'x'$$), 'review-tariff', 'decision');
SELECT t.is(t.act('test.operator', t.decide(:untariffed, $$'reject', 'x'$$)) ->> 'sessionState', 'lost', 'rejected it needs nothing');
ROLLBACK;
\echo 'ok - what is missing has to be given before a session can be accepted'

-- A session that still charges keeps its hold.
SELECT t.act('test.admin', $$operation.top_up(customer => 'C-B', amount => '9000.00', currency => 'CNY', channel => 'alipay', external_no => 'more')$$);
SELECT t.doubted(-7, -1) AS running \gset
CREATE FUNCTION t.held(p_number bigint) RETURNS bigint LANGUAGE sql AS $$
    SELECT count(*) FROM ledger.hold h JOIN core.session s ON s.uid = h.session_uid WHERE s.transaction_id = p_number AND h.state = 'active' $$;
SELECT t.is(t.held(:running), 1::bigint, 'money is set aside');
SELECT t.no('test.operator', t.decide(:running, $$'reject', 'x'$$), 'review-charging', 'decision');
SELECT t.is(t.held(:running), 1::bigint, 'and stays so');
SELECT t.stop((SELECT id FROM core.station WHERE identity = 'CP-B'), :running, 10);
SELECT t.is(t.act('test.operator', t.decide(:running, $$'reject', 'x'$$)) ->> 'sessionState', 'lost', 'once it has ended');
SELECT t.is(t.held(:running), 0::bigint, 'nothing is held');
SELECT t.doubted(1000, -1) AS unreadable \gset
SELECT inbound.unusable((SELECT id FROM core.station WHERE identity = 'CP-B'), 'StopTransaction', now(),
    format('[2,"u","StopTransaction",{"transactionId":%s,"timestamp":"x"}]', :unreadable), 'FormationViolation', 'meterStop');
SELECT t.no('test.operator', t.decide(:unreadable, $$'accept', 'x'$$), 'review-missing', 'meter_stop_kwh');
SELECT t.is(t.act('test.operator', t.decide(:unreadable, $$'reject', 'x'$$)) ->> 'sessionState', 'lost', 'a Stop that nobody can read is a Stop');
SELECT t.sound('after the refusals');
\echo 'ok - a session that still charges is not given up'

-- Energy that nobody can have delivered is corrected or rejected, never accepted as it is: the connector of
-- 120 kW gives 1.6 kWh at most in half a minute.
SELECT t.doubted(1000, 2601) AS impossible, t.doubted(1000, 4000) AS hurried, t.doubted(1000, 4000) AS refused,
    t.doubted(1000, 9000) AS underrated \gset
SELECT t.is((SELECT string_agg(DISTINCT s.state || r.kind || r.state, ',') FROM core.session s JOIN core.review r ON r.session_uid = s.uid AND r.blocks
    WHERE s.transaction_id IN (:impossible, :hurried, :refused, :underrated)), 'reviewimplausible_energyopen', 'each waits for a decision');
SELECT t.no('test.operator', t.decide(:impossible, args), 'review-implausible', 'meter_stop_kwh') FROM (VALUES
    ($$'accept', 'it will be right'$$), ($$'accept', 'x', meter_stop_kwh => 2.600001$$), ($$'accept', 'x', meter_start_kwh => 1.000999$$)) AS c (args);
SELECT t.is((t.refusal('test.operator', 'SELECT ' || t.decide(:impossible, $$'accept', 'x'$$))).message ~ ' 1\.6 kWh at most', true, 'the refusal says how much it can be');
SELECT t.act('test.operator', t.decide(:impossible, $$'accept', 'the meter was read', meter_stop_kwh => 2.6$$));
SELECT t.is(t.input(:impossible), '1000000-2600000', 'billed by the correction');
SELECT t.act('test.operator', t.decide(:hurried, format($$'accept', 'the pile''s clock was wrong', stopped_at => %L$$,
    (SELECT started_at + interval '90 s' FROM core.session WHERE transaction_id = :hurried))));
SELECT t.is(t.input(:hurried), '1000000-4000000', 'billed by its true time');
SET TimeZone = 'Asia/Tokyo';
SELECT t.is(t.act('test.operator', t.decide(:hurried, format($$'accept', 'again', stopped_at => %L$$, (SELECT stopped_at FROM core.session WHERE transaction_id = :hurried)))) ->> 'repeated',
    'true', 'the same instant, told in another zone');
RESET TimeZone;
SELECT t.is(t.act('test.operator', t.decide(:refused, $$'reject', 'a broken meter'$$)) ->> 'sessionState', 'lost', 'or rejected');
SELECT t.no('test.operator', t.decide(:underrated, $$'accept', 'x'$$), 'review-implausible', 'meter_stop_kwh');
SELECT t.act('test.operator', $$management.set_connector_power('CP-B', 1, 960)$$);
SELECT t.act('test.operator', t.decide(:underrated, $$'accept', 'the connector gives 960 kW'$$));
SELECT t.act('test.operator', $$management.set_connector_power('CP-B', 1, 120)$$);
-- Another item of the session does not let it through, nor does one that blocks nothing bring such a correction in.
SELECT t.doubted(1000, 4000) AS other \gset
SELECT core.review_open('another', true, 'another', station_id, uid, now(), '{}', NULL), core.review_open('free', false, 'free', station_id, uid, now(), '{}', NULL)
FROM core.session WHERE transaction_id = :other;
SELECT t.no('test.operator', format('management.decide_review(%s, %s)', id, CASE kind WHEN 'free' THEN $$'accept', 'x', meter_stop_kwh => 3.9$$ ELSE $$'accept', 'x'$$ END),
    'review-implausible', 'meter_stop_kwh') FROM core.review WHERE kind IN ('another', 'free');
SELECT t.is(t.act('test.operator', format('management.decide_review(%s, ''accept'', ''seen'')', id)) ->> 'sessionState', 'review', 'seen it can be all the same')
FROM core.review WHERE kind = 'free';
\echo 'ok - impossible energy is corrected or rejected, never accepted as it is'

-- A register that jumps between two readings: who decides says what the meter counted; of the readings those
-- stay that lead from the one end to the other.
CREATE FUNCTION t.told(p_number bigint, VARIADIC p_told bigint[]) RETURNS void LANGUAGE sql AS $$
    INSERT INTO core.meter_reading (station, at, connector, hash, received_at, transaction_id, context, import_mwh)
    SELECT s.station_id, s.started_at + n * interval '10 minutes', 1, n, now(), p_number, 'Sample.Periodic', told * 1000
    FROM core.session s, unnest(p_told) WITH ORDINALITY u (told, n) WHERE s.transaction_id = p_number $$;
CREATE FUNCTION t.readings(p_number bigint) RETURNS text LANGUAGE sql AS $$
    SELECT string_agg((r ->> 'import_mwh')::bigint / 1000 || '', ' ' ORDER BY n)
    FROM core.session s, jsonb_array_elements(ledger.settlement_input(s.uid)::jsonb -> 'readings') WITH ORDINALITY x (r, n) WHERE s.transaction_id = p_number $$;
SELECT x.transaction_id AS jumpy FROM t.start((SELECT id FROM core.station WHERE identity = 'CP-B'), 'TAGB000012345', 1000, now() - interval '20 hours', 1, now() - interval '20 hours') x \gset
SELECT t.told(:jumpy, 2000, 3000, 90000, 91000, 92000);
SELECT t.stop((SELECT id FROM core.station WHERE identity = 'CP-B'), :jumpy, 93000, now() - interval '19 hours', NULL, now() - interval '19 hours');
SELECT t.is(ledger.settlement_review(uid, 'register_jumps', '{}', NULL), 'done', 'the engine does not trust it') FROM core.session WHERE transaction_id = :jumpy;
SELECT t.no('test.operator', t.decide(:jumpy, $$'accept', 'x'$$), 'review-missing', 'meter_stop_kwh');
SELECT t.no('test.operator', t.decide(:jumpy, format($$'accept', 'x', stopped_at => %L$$, now() - interval '18 hours')), 'review-missing', 'meter_stop_kwh');
BEGIN;
SELECT t.act('test.operator', t.decide(:jumpy, $$'accept', 'the meter was changed at 3 kWh', meter_start_kwh => 87$$));
SELECT t.is(t.readings(:jumpy), '90000 91000 92000', 'by the new meter');
ROLLBACK;
BEGIN;
SELECT t.act('test.operator', t.decide(:jumpy, $$'accept', 'the old meter says 5', meter_stop_kwh => 5$$));
SELECT t.is(t.readings(:jumpy), '2000 3000', 'by the old meter');
ROLLBACK;
SELECT t.act('test.operator', t.decide(:jumpy, $$'accept', 'read: 93 is right', meter_stop_kwh => 93$$));
SELECT t.is(t.readings(:jumpy), '2000', 'what the connector can have gone by');
SELECT t.sound('after the corrections');
\echo 'ok - a register that jumps is stated by whoever decides'

-- A tariff that the engine refuses prices nothing: accepting takes another one that held when the session began.
SELECT t.doubted(1000, 1400) AS unpriced \gset
SELECT t.is(ledger.settlement_review(uid, kind, '{}', NULL), 'done', 'the engine refuses it') FROM core.session, unnest(ARRAY['tariff_invalid']) kind WHERE transaction_id = :unpriced;
SELECT t.no('test.operator', t.decide(:unpriced, $$'accept', 'x'$$), 'review-tariff', 'decision');
SELECT t.act('test.operator', format('management.publish_tariff(''T-MENDED'', %L, valid_from => ''2020-01-01Z'', charge_point_id => ''CP-B'')', t.document('0.7')));
SELECT t.is(t.act('test.operator', t.decide(:unpriced, $$'accept', 'by the mended tariff'$$)) ->> 'sessionState', 'stopped', 'accepted');
SELECT t.is(ledger.settlement_input(uid)::jsonb #>> '{tariff,elements,0,price_components,0,price}', '0.7', 'priced by it') FROM core.session WHERE transaction_id = :unpriced;
SELECT t.is((SELECT f.code FROM core.session s JOIN core.tariff_version v ON v.id = s.tariff_version_id JOIN core.tariff f ON f.id = v.tariff_id WHERE s.transaction_id = :unpriced), 'T-MENDED', 'and frozen');
\echo 'ok - a session that its tariff cannot price is accepted once another can'

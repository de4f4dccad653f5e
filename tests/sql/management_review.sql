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

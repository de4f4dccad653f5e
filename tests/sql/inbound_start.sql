-- StartTransaction: one session for one real start, whatever is repeated, refused or doubted.
SELECT t.test('a start repeated gives the same id and verdict, one session and one hold', $$
    p := t.house('H'); w := t.card('TAG00000001', 100000);
    SELECT * INTO a FROM t.start(p, 'TAG00000001', 1000, now());
    SELECT * INTO b FROM t.start(p, 'TAG00000001', 1000, now());
    PERFORM t.is(a.outcome || a.status, 'doneAccepted', 'first');
    PERFORM t.is(b, a, 'the answer again');
    PERFORM t.is((SELECT count(*) FROM core.session), 1::bigint, 'sessions');
    PERFORM t.is((SELECT count(*) FROM ledger.hold), 1::bigint, 'holds');
    PERFORM t.is((SELECT held FROM ledger.account_balance WHERE account_id = w), 20352::bigint, 'held');
$$);
SELECT t.test('a start repeated with another message id, by another connection, is the same start', $$
    p := t.house('H'); w := t.card('TAG00000001', 100000);
    SELECT * INTO a FROM inbound.start(p, 1, 'TAG00000001', 1000000, now(), 'x', NULL, now(), false, 0, false, '[2,"1","StartTransaction",{}]', NULL);
    PERFORM inbound.take_over(p, 1, '10.0.0.1', now());
    SELECT * INTO b FROM inbound.start(p, 1, 'tag00000001', 1000000, now(), 'y', NULL, now() + interval '1 minute', true, NULL, false, '[2,"2","StartTransaction",{}]', NULL);
    PERFORM t.is(b, a, 'the answer again, without regard to case');
    PERFORM t.is((SELECT count(*) FROM core.session), 1::bigint, 'sessions');
$$);
SELECT t.test('a start repeated after its stop opens nothing and answers as first', $$
    p := t.house('H'); w := t.card('TAG00000001', 100000);
    SELECT * INTO a FROM t.start(p, 'TAG00000001', 1000, now());
    PERFORM t.stop(p, a.transaction_id, 2000, now() + interval '10 minutes');
    SELECT * INTO b FROM t.start(p, 'TAG00000001', 1000, now(), 1, now() + interval '1 hour', true);
    PERFORM t.is(b, a, 'the answer again');
    PERFORM t.is((SELECT string_agg(state, ',') FROM core.session), 'stopped', 'states');
$$);
SELECT t.test('a start repeated is told the verdict, the expiry and the parent of the first, whatever became of its card', $$
    p := t.house('H'); w := t.card('TAG00000001', 100000);
    INSERT INTO core.tag_group (parent) VALUES ('PARENT1') RETURNING id INTO n;
    INSERT INTO core.tag_group (parent) VALUES ('PARENT2') RETURNING id INTO m;
    -- First as an accepted card, then as a blocked one that is freed again.
    FOR r IN SELECT * FROM (VALUES (1, 'active', 'Accepted', 'blocked'), (2, 'blocked', 'Blocked', 'active')) v(connector, status, verdict, later) LOOP
        UPDATE core.card SET status = r.status, expires_at = now() + interval '1 day', group_id = n;
        SELECT * INTO a FROM t.start(p, 'TAG00000001', 1000, now(), r.connector);
        PERFORM t.is((a.outcome, a.status, a.expiry, a.parent)::text, ('done', r.verdict, now() + interval '1 day', 'PARENT1')::text, 'first');
        SELECT * INTO b FROM t.start(p, 'TAG00000001', 1000, now(), r.connector);
        PERFORM t.is(b, a, 'again');
        UPDATE core.card SET status = r.later, expires_at = now() + interval '2 days', group_id = m;
        SELECT * INTO b FROM t.start(p, 'TAG00000001', 1000, now(), r.connector);
        PERFORM t.is(b, a, 'after another status, expiry and parent');
        UPDATE core.card SET expires_at = NULL, group_id = NULL;
        SELECT * INTO b FROM t.start(p, 'TAG00000001', 1000, now(), r.connector);
        PERFORM t.is(b, a, 'after no expiry and no parent');
    END LOOP;
    PERFORM t.is((SELECT count(*) FROM core.session), 2::bigint, 'sessions');
$$);
SELECT t.test('a start counts not itself: repeated it is no ConcurrentTx', $$
    p := t.house('H'); w := t.card('TAG00000001', 100000);
    PERFORM t.start(p, 'TAG00000001', 1000, now());
    SELECT * INTO b FROM t.start(p, 'TAG00000001', 1000, now());
    PERFORM t.is(b.status, 'Accepted', 'verdict');
$$);
SELECT t.test('a verdict is replayed unchanged, also when the card was blocked meanwhile', $$
    p := t.house('H'); w := t.card('TAG00000001', 100000);
    PERFORM t.start(p, 'TAG00000001', 1000, now());
    UPDATE core.card SET status = 'blocked';
    SELECT * INTO b FROM t.start(p, 'TAG00000001', 1000, now());
    PERFORM t.is(b.status, 'Accepted', 'verdict');
$$);
SELECT t.test('two genuine starts a second apart are two sessions, the first presumed ended', $$
    p := t.house('H'); w := t.card('TAG00000001', 100000);
    SELECT * INTO a FROM t.start(p, 'TAG00000001', 1000, now() - interval '1 second');
    SELECT * INTO b FROM t.start(p, 'TAG00000001', 1000, now());
    PERFORM t.is(a.transaction_id <> b.transaction_id, true, 'two ids');
    PERFORM t.is(b.status, 'Accepted', 'the presumed ended one is not counted as running');
    PERFORM t.is((SELECT string_agg(state, ',' ORDER BY transaction_id) FROM core.session), 'presumed_ended,open', 'states');
    PERFORM t.is((SELECT count(*) FROM core.review WHERE kind = 'presumed_ended' AND state = 'open'), 1::bigint, 'reviewed');
$$);
SELECT t.test('a start of before, told later, does not end the session that runs', $$
    p := t.house('H'); w := t.card('TAG00000001', 1000000, 99);
    SELECT * INTO a FROM t.start(p, 'TAG00000001', 5000, now() - interval '10 minutes', 1, now() - interval '10 minutes');
    SELECT * INTO b FROM t.start(p, 'TAG00000001', 1000, now() - interval '2 hours', 1, now(), true);
    PERFORM t.is((SELECT string_agg(state, ',' ORDER BY transaction_id) FROM core.session), 'open,open', 'both');
    PERFORM t.is((SELECT count(*) FROM core.review), 0::bigint, 'nor is it reviewed');
$$);
SELECT t.test('the same start with another meterStart keeps the first and blocks the bill', $$
    p := t.house('H'); w := t.card('TAG00000001', 100000);
    SELECT * INTO a FROM t.start(p, 'TAG00000001', 1000, now());
    SELECT * INTO b FROM t.start(p, 'TAG00000001', 900, now());
    SELECT * INTO b FROM t.start(p, 'TAG00000001', 900, now());
    PERFORM t.is(b.transaction_id, a.transaction_id, 'id');
    PERFORM t.is((SELECT count(*) FROM core.session_message WHERE kind = 'start_conflict'), 1::bigint, 'kept once');
    PERFORM t.stop(p, a.transaction_id, 2000, now() + interval '10 minutes');
    PERFORM t.is((SELECT state FROM core.session), 'review', 'state');
    PERFORM t.is((SELECT count(*) FROM core.job WHERE kind = 'settle'), 0::bigint, 'no settlement');
    SELECT * INTO b FROM t.settle(a.transaction_id, 100);
    PERFORM t.is(b.outcome, 'refused', 'settling it by force');
    PERFORM t.is(ledger.settlement_input(uid), NULL, 'no input either') FROM core.session;
$$);
SELECT t.test('each other register of a start is reviewed once, whatever was decided of those before; one that was told is a repeat', $$
    p := t.house('H'); w := t.card('TAG00000001', 100000);
    SELECT * INTO a FROM t.start(p, 'TAG00000001', 1000, now());
    PERFORM t.start(p, 'TAG00000001', wh, now()) FROM unnest(ARRAY[1100, 1100, 1000]) wh;
    PERFORM t.is((SELECT string_agg(state || blocks, ',') FROM core.review), 'opentrue', 'the second');
    PERFORM core.review_decide(id, 'bill', NULL, '{"meter_start_mwh":1050000}', 'me') FROM core.review;
    FOR n IN 1..2 LOOP
        FOREACH m IN ARRAY ARRAY[1000, 1050, 1100] LOOP
            SELECT * INTO b FROM t.start(p, 'TAG00000001', m, now());
            PERFORM t.is(b.transaction_id, a.transaction_id, 'the same start');
            PERFORM t.is((SELECT count(*) FROM core.review WHERE state = 'open')::int, n::int - 1, 'open before and after a third: ' || m);
        END LOOP;
        PERFORM t.start(p, 'TAG00000001', 1900, now());
    END LOOP;
    PERFORM t.is((SELECT string_agg(detail ->> 'then_mwh', ',' ORDER BY id) FROM core.review), '1100000,1900000', 'items');
    PERFORM t.is((SELECT string_agg(meter_mwh::text, ',' ORDER BY meter_mwh) FROM core.session_message WHERE kind = 'start_conflict'), '1100000,1900000', 'evidence');
    PERFORM t.stop(p, a.transaction_id, 2000, now() + interval '10 minutes');
    PERFORM t.is((SELECT state FROM core.session), 'review', 'not billed before');
$$);
SELECT t.test('a start is a business key: another tag, connector, time or pile is another start', $$
    p := t.house('H'); m := t.house('I'); w := t.card('TAG00000001', 1000000, 9); PERFORM t.card('TAG00000002', 100000);
    SELECT count(DISTINCT q.transaction_id) INTO n FROM (
        SELECT (t.start(p, 'TAG00000001', 1000, now())).transaction_id
        UNION ALL SELECT (t.start(p, 'TAG00000001', 1000, now(), 2)).transaction_id
        UNION ALL SELECT (t.start(p, 'TAG00000002', 1000, now())).transaction_id
        UNION ALL SELECT (t.start(m, 'TAG00000001', 1000, now())).transaction_id
        UNION ALL SELECT (t.start(p, 'TAG00000001', 1000, now() + interval '1 ms')).transaction_id) q;
    PERFORM t.is(n, 5::bigint, 'ids');
$$);
SELECT t.test('a pile cannot write a key of two meanings into its tag', $$
    PERFORM t.is(inbound.digest('1', '2|3', '4') <> inbound.digest('1', '2', '3|4'), true, 'separators');
    PERFORM t.is(inbound.digest('1', NULL) <> inbound.digest('1', ''), true, 'absent is not empty');
$$);
SELECT t.test('every refused start gets a positive id, and its energy is recorded', $$
    p := t.house('H'); w := t.card('TAG00000001', 0); PERFORM t.card('TAGBLOCKED1', 5000); PERFORM t.card('TAGEXPIRED1', 5000);
    UPDATE core.card SET status = 'blocked' WHERE tag_key = core.tag_key('TAGBLOCKED1');
    UPDATE core.card SET expires_at = now() - interval '1 day' WHERE tag_key = core.tag_key('TAGEXPIRED1');
    FOR r IN SELECT * FROM (VALUES ('NOBODY', 'Invalid'), ('TAGBLOCKED1', 'Blocked'), ('TAGEXPIRED1', 'Expired'),
            ('TAG00000001', 'Blocked'), ('', 'Invalid')) v(tag, verdict) LOOP
        SELECT * INTO a FROM t.start(p, r.tag, 1000, now() + random() * interval '1 second');
        PERFORM t.is(a.status, r.verdict, 'verdict on ' || r.tag);
        PERFORM t.is(a.transaction_id > 0, true, 'id for ' || r.tag);
        PERFORM t.stop(p, a.transaction_id, 2000, now() + interval '10 minutes');
    END LOOP;
    PERFORM t.is((SELECT string_agg(DISTINCT state, ',') FROM core.session), 'stopped', 'all are to be settled');
    PERFORM t.is((SELECT count(*) FROM ledger.hold), 0::bigint, 'no hold');
$$);
SELECT t.test('an unknown tag is settled on the site''s suspense account and shown in review', $$
    p := t.house('H');
    SELECT * INTO a FROM t.start(p, 'NOBODY', 1000, now());
    PERFORM t.stop(p, a.transaction_id, 2000, now() + interval '10 minutes');
    SELECT * INTO b FROM t.settle(a.transaction_id, 106);
    PERFORM t.is((SELECT x.code || e.side || e.amount_minor FROM ledger.entry e JOIN ledger.account x ON x.id = e.account_id
                  WHERE e.journal_id = b.journal AND x.purpose = 'suspense'), 'suspense:HD106', 'debit');
    PERFORM t.is((SELECT kind || blocks FROM core.review), 'unknown_tagfalse', 'review');
    PERFORM t.sound('suspense');
$$);
SELECT t.test('an empty account that charges anyway ends in arrears, and its wallet is never below the floor', $$
    p := t.house('H'); w := t.card('TAG00000001', 50);
    SELECT * INTO a FROM t.start(p, 'TAG00000001', 1000, now() - interval '3 hours', 1, now(), true);
    PERFORM t.is(a.status, 'Blocked', 'below the minimum');
    PERFORM t.is((SELECT unsecured FROM core.session), true, 'unsecured');
    PERFORM t.stop(p, a.transaction_id, 2000, now() - interval '2 hours', NULL, now(), true);
    PERFORM t.settle(a.transaction_id, 212);
    PERFORM t.is((SELECT posted FROM ledger.account_balance WHERE account_id = w), 0::bigint, 'wallet');
    PERFORM t.is((SELECT b.posted FROM ledger.account_balance b JOIN ledger.account x ON x.id = b.account_id
                  WHERE x.purpose = 'arrears'), 162::bigint, 'arrears');
    PERFORM t.sound('arrears');
$$);
SELECT t.test('the second session of an account that may have one is ConcurrentTx and still recorded', $$
    p := t.house('H'); w := t.card('TAG00000001', 100000);
    PERFORM t.start(p, 'TAG00000001', 1000, now());
    SELECT * INTO b FROM t.start(p, 'TAG00000001', 5000, now(), 2);
    PERFORM t.is(b.status, 'ConcurrentTx', 'verdict');
    PERFORM t.is((SELECT count(*) FROM core.session WHERE state = 'open'), 2::bigint, 'both are sessions');
    PERFORM t.is((SELECT count(*) FROM ledger.hold), 1::bigint, 'one hold');
$$);
SELECT t.test('the tariff version is frozen at the start, by the time of the event', $$
    p := t.house('H'); w := t.card('TAG00000001', 100000);
    UPDATE core.tariff_version SET valid_to = now() - interval '1 day';
    INSERT INTO core.tariff_version (tariff_id, version, valid_from, state, document, published_by)
    SELECT tariff_id, 2, valid_to, 'active', t.document('2.0'), 'test' FROM core.tariff_version;
    PERFORM t.start(p, 'TAG00000001', 1000, now() - interval '2 days', 1, now(), true);
    PERFORM t.start(p, 'TAG00000001', 1000, now(), 2);
    PERFORM t.is((SELECT string_agg(v.version::text, ',' ORDER BY s.started_at) FROM core.session s
                  JOIN core.tariff_version v ON v.id = s.tariff_version_id), '1,2', 'versions');
$$);
SELECT t.test('the narrowest assignment wins: customer, fleet, group, connector, pile, site, then the default', $$
    p := t.house('H'); w := t.card('TAG00000001', 100000, 99);
    SELECT customer_id INTO n FROM core.card;
    SELECT site_id INTO m FROM core.station WHERE id = p;
    DELETE FROM core.tariff_assignment;
    SELECT * INTO r FROM core.tariff_pick(n, NULL, NULL, p, 1, m, now());
    PERFORM t.is(r.tariff_version_id, NULL, 'nothing assigned');
    UPDATE core.site SET default_tariff_id = (SELECT min(id) FROM core.tariff);
    FOR r IN SELECT * FROM (VALUES ('site', m, 0), ('station', p, 0), ('connector', p, 1), ('customer', n, 0)) v(scope, target, connector) LOOP
        INSERT INTO core.tariff (code, name, currency) VALUES ('T-' || r.scope, r.scope, 'CNY') RETURNING id INTO w;
        INSERT INTO core.tariff_version (tariff_id, version, valid_from, state, document, published_by)
        VALUES (w, 1, '2020-01-01', 'active', t.document(), 'test');
        INSERT INTO core.tariff_assignment (scope, target_id, connector, tariff_id, actor) VALUES (r.scope, r.target, r.connector, w, 'test');
        SELECT x.code INTO x FROM core.tariff_pick(n, NULL, NULL, p, 1, m, now()) k
            JOIN core.tariff_version v ON v.id = k.tariff_version_id JOIN core.tariff x ON x.id = v.tariff_id;
        PERFORM t.is(x, 'T-' || r.scope, 'winner');
    END LOOP;
    SELECT x.code INTO x FROM core.tariff_pick(n + 1, NULL, NULL, p, 2, m, now()) k
        JOIN core.tariff_version v ON v.id = k.tariff_version_id JOIN core.tariff x ON x.id = v.tariff_id;
    PERFORM t.is(x, 'T-station', 'another customer at the other connector');
$$);
SELECT t.test('without a tariff the tag is refused, and the bill waits in review until there is one', $$
    p := t.house('H'); w := t.card('TAG00000001', 100000);
    DELETE FROM core.tariff_assignment;
    PERFORM t.is((inbound.authorize(p, 'TAG00000001', now())).status, 'Blocked', 'authorize');
    SELECT * INTO a FROM t.start(p, 'TAG00000001', 1000, now());
    PERFORM t.is(a.status, 'Blocked', 'start');
    PERFORM t.stop(p, a.transaction_id, 2000, now() + interval '10 minutes');
    PERFORM t.is((SELECT state FROM core.session), 'review', 'state');
    UPDATE core.site SET default_tariff_id = (SELECT min(id) FROM core.tariff);
    PERFORM t.is(core.review_decide((SELECT id FROM core.review WHERE kind = 'no_tariff'), 'bill', NULL, NULL, 'me'), 'done', 'decided');
    PERFORM t.is(ledger.settlement_input(uid) IS NOT NULL, true, 'then it is rated') FROM core.session;
$$);
SELECT t.test('an account in another currency does not pay here: suspense, and a review', $$
    p := t.house('H'); w := t.card('TAG00000001', 100000);
    SELECT customer_id INTO n FROM core.card;
    UPDATE core.card SET account_id = ledger.open_customer_accounts(n, 'EUR');
    SELECT * INTO a FROM t.start(p, 'TAG00000001', 1000, now());
    PERFORM t.is(a.status, 'Blocked', 'verdict');
    PERFORM t.is((SELECT x.code FROM core.session s JOIN ledger.account x ON x.id = s.account_id), 'suspense:H', 'account');
    PERFORM t.is((SELECT count(*) FROM core.review WHERE kind = 'currency_mismatch'), 1::bigint, 'review');
$$);
SELECT t.test('a card of no customer, of none with an account, or of a closed account is Blocked and settled on suspense', $$
    p := t.house('H'); w := t.card('TAG00000001', 100); PERFORM t.card('TAG00000002', 100); PERFORM t.card('TAG00000003', 100);
    UPDATE core.card SET account_id = NULL, customer_id = NULL WHERE tag_key = core.tag_key('TAG00000001');
    UPDATE core.card SET account_id = NULL WHERE tag_key = core.tag_key('TAG00000002');
    UPDATE ledger.account SET closed_at = now() WHERE id = (SELECT account_id FROM core.card WHERE tag_key = core.tag_key('TAG00000003'));
    FOR n IN 1..3 LOOP
        SELECT * INTO a FROM t.start(p, 'TAG0000000' || n, 5, now(), 1);
        PERFORM t.is(a.outcome || a.status, 'doneBlocked', 'card ' || n);
    END LOOP;
    PERFORM t.is((SELECT string_agg(DISTINCT z.code, ',') FROM core.session y JOIN ledger.account z ON z.id = y.account_id), 'suspense:H', 'account');
    PERFORM t.is((SELECT count(*) FROM core.review WHERE kind = 'account_closed'), 1::bigint, 'review');
    SELECT * INTO a FROM t.start(p, 'TAG00000002', 5, now(), 2, now(), false, 0, true);
    PERFORM t.is(a.outcome || a.status, 'doneBlocked', 'unsecured');
$$);
SELECT t.test('a start without register, with a negative one, or on connector 0 is recorded and blocked', $$
    p := t.house('H'); w := t.card('TAG00000001', 1000000, 99);
    FOR r IN SELECT * FROM (VALUES (NULL::bigint, 1, 'implausible_meter_start'), (-5, 2, 'implausible_meter_start'), (5, 0, 'implausible_connector')) v(wh, connector, kind) LOOP
        SELECT * INTO a FROM t.start(p, 'TAG00000001', r.wh, now(), r.connector);
        PERFORM t.is(a.outcome || (a.transaction_id > 0), 'donetrue', 'answer');
        PERFORM t.is((SELECT string_agg(kind, ',') FROM core.review v JOIN core.session z ON z.uid = v.session_uid
                      WHERE z.transaction_id = a.transaction_id AND v.blocks), r.kind, 'review');
        PERFORM t.stop(p, a.transaction_id, 100, now() + interval '10 minutes');
    END LOOP;
    PERFORM t.is((SELECT string_agg(DISTINCT state, ',') FROM core.session), 'review', 'states');
    PERFORM t.is((SELECT count(*) FROM core.job WHERE kind = 'settle'), 0::bigint, 'no settlement');
$$);
SELECT t.test('unsecured: the start goes through without its hold, and a job places it later', $$
    p := t.house('H'); w := t.card('TAG00000001', 100000);
    SELECT * INTO a FROM t.start(p, 'TAG00000001', 1000, now(), 1, now(), false, 0, true);
    PERFORM t.is(a.status, 'Accepted', 'verdict');
    PERFORM t.is((SELECT unsecured FROM core.session), true, 'flag');
    PERFORM t.is((SELECT count(*) FROM ledger.hold), 0::bigint, 'no hold');
    SELECT * INTO r FROM core.job WHERE kind = 'hold';
    PERFORM t.is(inbound.job_run(r.kind, r.key), 'done', 'the job');
    PERFORM t.is((SELECT unsecured FROM core.session), false, 'flag later');
    PERFORM t.is(inbound.job_run(r.kind, r.key), 'repeat', 'the job again');
    PERFORM t.is((SELECT sum(amount_minor)::bigint FROM ledger.hold), 20352::bigint, 'hold');
    PERFORM t.sound('late hold');
$$);
SELECT t.test('a constraint that fails at the last is confirmed, kept and given the same id again', $$
    p := t.house('H'); w := t.card('TAG00000001', 100000);
    ALTER TABLE core.session ADD CONSTRAINT trouble CHECK (meter_start_mwh <> 13000);
    SELECT * INTO a FROM t.start(p, 'TAG00000001', 13, now());
    PERFORM t.is(a.outcome || (a.transaction_id > 0), 'refusedtrue', 'answer');
    SELECT * INTO b FROM t.start(p, 'TAG00000001', 13, now());
    PERFORM t.is(b, a, 'the same again');
    PERFORM t.is((SELECT count(*) FROM core.session), 0::bigint, 'nothing half-way');
    PERFORM t.is((SELECT held FROM ledger.account_balance WHERE account_id = w), 0::bigint, 'nothing held');
    PERFORM t.is((SELECT string_agg(DISTINCT sqlstate, ',') FROM core.inbound_refused), '23514', 'evidence');
    PERFORM t.is((SELECT count(*) FROM core.review WHERE kind = 'refused'), 1::bigint, 'one review');
    SELECT * INTO b FROM t.start(p, 'TAG00000001', 14, now());
    PERFORM t.is(b.outcome, 'done', 'the next member of the batch is not harmed');
$$);
SELECT t.test('each member defers the constraints and settles them itself: the good of a batch are done, the bad refused', $$
    p := t.house('H'); w := t.card('TAG00000001', 1000000, 99);
    CREATE FUNCTION t.late_check() RETURNS trigger LANGUAGE plpgsql AS $f$ BEGIN
        -- True only once the whole member has been written.
        IF NEW.meter_start_mwh = 13000 OR NOT EXISTS (SELECT FROM core.session_message m WHERE m.transaction_id = NEW.transaction_id) THEN
            RAISE EXCEPTION 'late' USING ERRCODE = '23514';
        END IF;
        RETURN NULL;
    END $f$;
    CREATE CONSTRAINT TRIGGER late AFTER INSERT ON core.session DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION t.late_check();
    SELECT string_agg(q.outcome, ',') INTO x FROM unnest(ARRAY[11, 12, 13, 14]) v, LATERAL t.start(p, 'TAG00000001', v, now() + v * interval '1 s') q;
    PERFORM t.is(x, 'done,done,refused,done', 'outcomes');
    PERFORM t.is((SELECT count(*) FROM core.session), 3::bigint, 'sessions');
$$);
SELECT t.test('a start of an unknown pile is refused with an id', $$
    SELECT * INTO a FROM t.start(999999, 'TAG00000001', 13, now());
    PERFORM t.is(a.outcome || (a.transaction_id > 0), 'refusedtrue', 'answer');
$$);
SELECT t.test('a remote start whose fate was unknown is settled by the session that it made', $$
    p := t.house('H'); w := t.card('TAG00000001', 100000);
    INSERT INTO core.command (station_id, action, payload, state, deadline, actor, sent_at)
    VALUES (p, 'RemoteStartTransaction', '{"idTag":"TAG00000001","connectorId":1}', 'unknown', now() + interval '1 minute', 'me', now()),
           (p, 'RemoteStartTransaction', '{"idTag":"TAG00000002","connectorId":1}', 'unknown', now() + interval '1 minute', 'me', now());
    SELECT * INTO a FROM t.start(p, 'TAG00000001', 1000, now());
    PERFORM t.is((SELECT string_agg(c.state || (c.session_uid IS NOT NULL), ',' ORDER BY c.id) FROM core.command c), 'acceptedtrue,unknownfalse', 'commands');
$$);

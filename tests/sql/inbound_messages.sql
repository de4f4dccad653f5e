-- Boot, status, authorize and the rest; connections by epoch; what nobody could read.
SELECT t.test('a boot is counted once, also when its outcome was unknown and it runs again', $$
    p := t.house('H');
    FOR n IN 1..2 LOOP
        SELECT * INTO a FROM inbound.boot(p, now(), 'Vendor', 'Model', 'S1', 'B1', 'F1', 'icc', 'ims', 'mt', 'ms');
        PERFORM t.is(a.outcome || a.registration || a.boot_number || COALESCE(a.interval_s, -1), 'doneaccepted1-1', 'answer ' || n);
    END LOOP;
    UPDATE core.station SET heartbeat_s = 77 WHERE id = p;
    SELECT * INTO a FROM inbound.boot(p, now() + interval '1 s', 'V2', 'M', NULL, NULL, NULL, NULL, NULL, NULL, NULL);
    PERFORM t.is(a.boot_number || ' ' || a.interval_s, '2 77', 'the next one, with an interval of its own');
    PERFORM t.is((SELECT vendor || COALESCE(serial, '-') FROM core.station WHERE id = p), 'V2-', 'what it says of itself');
$$);
SELECT t.test('a pile that the operator keeps pending or rejects stays so', $$
    p := t.house('H');
    FOREACH x IN ARRAY ARRAY['pending', 'rejected'] LOOP
        UPDATE core.station SET registration = x WHERE id = p;
        PERFORM t.is((inbound.boot(p, clock_timestamp(), 'V', 'M', NULL, NULL, NULL, NULL, NULL, NULL, NULL)).registration, x, x);
    END LOOP;
    PERFORM t.is((inbound.boot(999999, now(), 'V', 'M', NULL, NULL, NULL, NULL, NULL, NULL, NULL)).outcome, 'refused', 'an unknown one');
$$);
SELECT t.test('a boot settles the reset that was sent for it', $$
    p := t.house('H');
    INSERT INTO core.command (station_id, action, payload, state, deadline, actor, sent_at) VALUES (p, 'Reset', '{}', 'unknown', now(), 'me', now()), (p, 'ClearCache', '{}', 'unknown', now(), 'me', now());
    PERFORM inbound.boot(p, now(), 'V', 'M', NULL, NULL, NULL, NULL, NULL, NULL, NULL);
    PERFORM t.is((SELECT string_agg(action || state, ',' ORDER BY id) FROM core.command), 'Resetaccepted,ClearCacheunknown', 'commands');
$$);
SELECT t.test('a status is history and shown, an older one history only; an unknown connector is made', $$
    p := t.house('H');
    PERFORM inbound.status(p, 1, 'Charging', 'NoError', NULL, NULL, NULL, now(), 'x', now());
    PERFORM inbound.status(p, 1, 'Available', 'NoError', NULL, NULL, NULL, now() - interval '1 hour', 'x', now() + interval '1 s');
    PERFORM inbound.status(p, 7, 'Faulted', 'OtherError', 'i', 'v', 'e', NULL, NULL, now());
    PERFORM inbound.status(p, 0, 'Available', 'NoError', NULL, NULL, NULL, now(), 'x', now());
    PERFORM t.is((SELECT string_agg(number || COALESCE(status, '-'), ',' ORDER BY number) FROM core.connector), '0Available,1Charging,2-,7Faulted', 'shown');
    PERFORM t.is((SELECT count(*) FROM core.status_event), 4::bigint, 'history');
    PERFORM inbound.status(p, 7, 'Faulted', 'OtherError', 'i', 'v', 'e', NULL, NULL, now());
    PERFORM t.is((SELECT count(*) FROM core.status_event), 4::bigint, 'run again, nothing new');
$$);
SELECT t.test('a status of a clock ahead does not hide those that come after the clock was set', $$
    p := t.house('H');
    PERFORM inbound.status(p, 1, 'Charging', 'NoError', NULL, NULL, NULL, now() + interval '5 hours', 'x', now());
    PERFORM inbound.status(p, 1, 'Finishing', 'NoError', NULL, NULL, NULL, now() + interval '1 s', 'x', now() + interval '1 s');
    PERFORM t.is((SELECT status FROM core.connector WHERE number = 1), 'Finishing', 'shown');
$$);
SELECT t.test('no status time is too strange to be kept', $$
    p := t.house('H');
    FOREACH x IN ARRAY ARRAY['infinity', '-infinity', '1970-01-01 00:00:00+00', '294276-12-31 00:00:00+00'] LOOP
        PERFORM t.is(inbound.status(p, 1, 'Available', 'NoError', NULL, NULL, NULL, x::timestamptz, x, now()), 'done', x);
    END LOOP;
    PERFORM t.is((SELECT count(*) FROM core.status_event_default), 4::bigint, 'in no month of ours');
    PERFORM t.is((SELECT status_at FROM core.connector WHERE number = 1), now(), 'shown as of now');
$$);
SELECT t.test('a status whose values no column takes is confirmed as refused and kept', $$
    p := t.house('H');
    PERFORM t.is(inbound.status(p, 5000, 'Available', 'NoError', NULL, NULL, NULL, now(), 'x', now()), 'refused', 'connector 5000');
    PERFORM t.is((SELECT count(*) FROM core.inbound_refused), 1::bigint, 'kept');
$$);
SELECT t.test('authorize: each verdict, never ConcurrentTx, and a running session may always be stopped', $$
    p := t.house('H'); w := t.card('TAG00000001', 10000); PERFORM t.card('TAGEMPTY001', 99); PERFORM t.card('TAGENOUGH01', 100);
    PERFORM t.card('TAGBLOCKED1', 10000); PERFORM t.card('TAGEXPIRED1', 10000);
    UPDATE core.card SET status = 'blocked' WHERE tag_key = core.tag_key('TAGBLOCKED1');
    UPDATE core.card SET expires_at = now() WHERE tag_key = core.tag_key('TAGEXPIRED1');
    PERFORM t.is((inbound.authorize(p, v, now())).status, z, v)
    FROM (VALUES ('TAG00000001', 'Accepted'), ('tag00000001', 'Accepted'), ('TAGEMPTY001', 'Blocked'), ('TAGENOUGH01', 'Accepted'), ('TAGBLOCKED1', 'Blocked'),
        ('TAGEXPIRED1', 'Expired'), ('NOBODY', 'Invalid'), ('', 'Invalid'), (NULL, 'Invalid')) AS q(v, z);
    PERFORM t.start(p, 'TAG00000001', 1, now());
    PERFORM t.is((SELECT posted - held FROM ledger.account_balance WHERE account_id = w), 0::bigint, 'all is held');
    PERFORM t.is((inbound.authorize(p, 'TAG00000001', now())).status, 'Accepted', 'to stop');
    UPDATE core.customer SET status = 'blocked' WHERE code = 'C-TAGENOUGH01';
    PERFORM t.is((inbound.authorize(p, 'TAGENOUGH01', now())).status, 'Blocked', 'a blocked customer');
$$);
SELECT t.test('the parent group and the expiry are told', $$
    p := t.house('H'); w := t.card('TAG00000001', 10000);
    INSERT INTO core.tag_group (parent) VALUES ('FLEET') RETURNING id INTO n;
    UPDATE core.card SET group_id = n, expires_at = now() + interval '1 day';
    SELECT * INTO a FROM inbound.authorize(p, 'TAG00000001', now());
    PERFORM t.is(a.parent || (a.expiry = now() + interval '1 day'), 'FLEETtrue', 'authorize');
    SELECT * INTO a FROM t.start(p, 'TAG00000001', 1, now());
    PERFORM t.is(a.parent || (a.expiry = now() + interval '1 day'), 'FLEETtrue', 'start');
$$);
SELECT t.test('an unreadable start gets an id and can never be billed; repeated it is the same; its stop finds it', $$
    p := t.house('H');
    SELECT * INTO a FROM inbound.unusable(p, 'StartTransaction', now(), '[2,"1","StartTransaction",{"idTag":7}]', 'TypeConstraintViolation', 'idTag');
    SELECT * INTO b FROM inbound.unusable(p, 'StartTransaction', now(), ' [ 2, "a\"b" ,"StartTransaction",{"idTag":7}]', 'TypeConstraintViolation', 'idTag');
    PERFORM t.is(a.outcome || (a.transaction_id > 0), 'donetrue', 'answer');
    PERFORM t.is(b.transaction_id, a.transaction_id, 'another message id');
    PERFORM t.is((inbound.unusable(p, 'StartTransaction', now(), '[2,"3","StartTransaction",{"idTag":8}]', 'x', 'y')).transaction_id <> a.transaction_id, true, 'other content');
    PERFORM t.is((SELECT count(*) FROM core.review WHERE kind = 'unusable' AND blocks AND frame LIKE '%idTag%'), 2::bigint, 'reviews');
    PERFORM t.stop(p, a.transaction_id, 2000, now() + interval '10 minutes');
    PERFORM t.is((SELECT state FROM core.session WHERE transaction_id = a.transaction_id), 'review', 'its stop');
    PERFORM t.is((t.settle(a.transaction_id, 5)).outcome, 'refused', 'no bill');
$$);
SELECT t.test('a start that could not be read is the same after its Stop, unless its clock tells nothing', $$
    p := t.house('H'); w := t.card('TAG00000001', 1000000); m := 0;
    FOR r IN SELECT * FROM (VALUES ('"yesterday"', true), ('"24/11/2026 10:00:00"', true), ('"0001-00-00T00:00:00Z"', true), ('20261124', true),
            ('"0000-00-00T00:00:00Z"', false), ('"1970-01-01"', false), ('" "', false), ('null', false)) v(told, known) LOOP
        m := m + 1;
        x := format('[2,"%%s","StartTransaction",{"connectorId":1,"idTag":"TAG00000001","meterStart":%s000,"timestamp":%s}]', m, r.told);
        SELECT * INTO a FROM inbound.unusable(p, 'StartTransaction', now() - interval '2 hours', format(x, '1'), 'x', 'timestamp');
        SELECT * INTO b FROM inbound.unusable(p, 'StartTransaction', now() - interval '2 hours', format(x, '2'), 'x', 'timestamp');
        PERFORM t.is(b, a, 'before the Stop: ' || r.told);
        PERFORM t.stop(p, a.transaction_id, m * 1000 + 500, now() - interval '1 hour', 'TAG00000001', now() - interval '1 hour');
        SELECT * INTO b FROM inbound.unusable(p, 'StartTransaction', now(), format(x, '3'), 'x', 'timestamp');
        PERFORM t.is(b.transaction_id = a.transaction_id, r.known, 'after it: ' || r.told);
        PERFORM t.is(core.review_blocks(z.uid), true, 'waits for a decision: ' || r.told) FROM core.session z WHERE z.transaction_id IN (a.transaction_id, b.transaction_id);
        PERFORM t.stop(p, b.transaction_id, m * 1000 + 900, now() - interval '30 minutes') WHERE NOT r.known;
    END LOOP;
    PERFORM t.is((SELECT count(*) || ' ' || count(DISTINCT session_uid) FROM core.review WHERE kind = 'unusable'), '12 12', 'an item for each');
    PERFORM t.is((t.start(p, 'TAG00000001', 99000, now(), 2)).status, 'Accepted', 'and the card is free');
$$);
SELECT t.test('a start whose time no clock can mean is given up at its Stop', $$
    p := t.house('H'); w := t.card('TAG00000001', 1000000);
    SELECT * INTO a FROM t.start(p, 'TAG00000001', 1000, '294276-12-31 00:00:00+00', 1, now() - interval '1 hour', false, NULL);
    PERFORM t.stop(p, a.transaction_id, 1500, now() - interval '30 minutes');
    SELECT * INTO b FROM t.start(p, 'TAG00000001', 1000, '294276-12-31 00:00:00+00', 1, now(), false, NULL);
    PERFORM t.is(b.transaction_id <> a.transaction_id, true, 'another session');
$$);
SELECT t.test('an unreadable stop or reading is confirmed and reviewed once', $$
    p := t.house('H');
    FOR n IN 1..2 LOOP
        PERFORM t.is((inbound.unusable(p, v, now(), format('[2,"%s","%s",{}]', n, v), 'OccurenceConstraintViolation', 'meterStop')).outcome, 'done', v)
        FROM unnest(ARRAY['StopTransaction', 'MeterValues', 'SecurityEventNotification']) v;
    END LOOP;
    PERFORM t.is((SELECT count(*) FROM core.review), 3::bigint, 'reviews');
    PERFORM t.is((inbound.unusable(999999, 'StartTransaction', now(), 'x', 'y', 'z')).outcome, 'refused', 'of an unknown pile');
$$);
SELECT t.test('an unreadable stop ends its session as presumed, when it came', $$
    p := t.house('H'); w := t.card('TAG00000001', 100000);
    SELECT * INTO a FROM t.start(p, 'TAG00000001', 1000, now() - interval '1 hour', 1, now() - interval '1 hour');
    PERFORM inbound.unusable(p, 'StopTransaction', now(), format('[2,"u","StopTransaction",{"transactionId":%s}]', a.transaction_id), 'OccurenceConstraintViolation', 'meterStop');
    SELECT * INTO s FROM core.session;
    PERFORM t.is(s.state || (s.presumed_ended_at = now()) || (s.stopped_at IS NULL), 'presumed_endedtruetrue', 'ended');
    SELECT * INTO b FROM t.start(p, 'TAG00000001', 2000, now(), 2, now());
    PERFORM t.is(b.status, 'Accepted', 'the card may charge elsewhere');
$$);
SELECT t.test('an unreadable message keeps what can be read, and nothing that cannot', $$
    p := t.house('H');
    PERFORM t.card('TAG0000000001', 100000);
    FOR a IN SELECT f.* FROM (VALUES
            ('{"connectorId":1,"idTag":"TAG0000000001","meterStart":5}', 1, 5000::bigint, true),
            ('{"connectorId":"2","idTag":"x","meterStart":-7}', 2, -7000, false),
            ('{"connectorId":0,"idTag":7,"meterStart":1.5}', NULL, NULL, false),
            ('{"connectorId":99999999999,"idTag":[],"meterStart":9999999999999999}', NULL, NULL, false),
            ('{"connectorId":1e999999,"idTag":"TAG0000000001"}', NULL, NULL, false),
            ('{"idTag":"\ud800","connectorId":1}', 1, NULL, false), ('{"idTag":"\ud83d\udd0c\udc00\uD83D","connectorId":1}', 1, NULL, false), ('[]', NULL, NULL, false), ('7', NULL, NULL, false))
            AS f (payload, connector, meter, owned) LOOP
        SELECT * INTO b FROM inbound.unusable(p, 'StartTransaction', now(), '[2,"1","StartTransaction",' || a.payload || ']', 'x', 'y');
        PERFORM t.is(b.outcome, 'done', a.payload);
        PERFORM t.is((SELECT (s.connector, s.meter_start_mwh, s.customer_id IS NOT NULL)::text FROM core.session s
                      WHERE s.transaction_id = b.transaction_id), (a.connector, a.meter, a.owned)::text, a.payload);
    END LOOP;
    PERFORM t.is((SELECT count(*) FROM core.session), 9::bigint, 'sessions');
$$);
SELECT t.test('what could not be read is the same again under another message id, quoted or bare', $$
    p := t.house('H');
    FOREACH x IN ARRAY ARRAY['"q1"', '"q\"2"', '7', '8', ' 123456789012345678901234567890123456 ', '-1', '5.5e+1', 'null', '"{}"'] LOOP
        PERFORM t.is((inbound.unusable(p, 'StartTransaction', now(), '[2,' || x || ',"StartTransaction",{"connectorId":1,"meterStart":"x"}]', 'x', 'y')).outcome, 'done', x);
    END LOOP;
    PERFORM t.is((SELECT count(*) FROM core.session), 1::bigint, 'one session');
    PERFORM t.is((SELECT count(*) FROM core.review), 1::bigint, 'one review');
    PERFORM inbound.unusable(p, 'StartTransaction', now(), '[2,7,"StartTransaction",{"connectorId":1,"meterStart":"y"}]', 'x', 'y');
    PERFORM t.is((SELECT count(*) FROM core.session), 2::bigint, 'another content is another start');
$$);
SELECT t.test('what jsonb cannot hold is kept word by word, and read as far as it can be', $$
    p := t.house('H');
    FOR a IN SELECT f.* FROM (VALUES ('"x":"\u0000"', 1), ('"\u0000":1', 1), ('"x":1,"x":2', 1), ('"x":' || repeat('1', 70), 1),
            ('"x":' || repeat('[', 20) || repeat(']', 20), 1), ('"x":1e999999', NULL),
            ('"x":' || repeat('[', 60000) || repeat(']', 60000), NULL)) AS f (member, connector) LOOP
        x := '[2,1,"StartTransaction",{"connectorId":1,"idTag":"T","meterStart":5,' || a.member || '}]';
        SELECT * INTO b FROM inbound.unusable(p, 'StartTransaction', now(), x, 'x', 'y');
        PERFORM t.is(b.outcome, 'done', left(a.member, 20));
        PERFORM t.is((SELECT (s.connector, s.meter_start_mwh)::text FROM core.session s WHERE s.transaction_id = b.transaction_id),
            (a.connector, a.connector * 5000)::text, left(a.member, 20));
        PERFORM t.is((SELECT count(*) FROM core.session_message g WHERE g.transaction_id = b.transaction_id AND g.frame = x), 1::bigint, 'the frame');
    END LOOP;
    PERFORM inbound.unusable(p, 'StartTransaction', now(), '[2,1,"StartTransaction",{"connectorId":1,"idTag":"T\u0000"}]', 'x', 'y');
    PERFORM t.is((SELECT count(*) FROM core.session WHERE tag_key = core.tag_key('T')), 5::bigint, 'a tag with a NUL is not the tag without');
    PERFORM t.is((SELECT count(*) FROM core.review), 8::bigint, 'each in review');
$$);
SELECT t.test('notes and data transfers are kept; no vendor is known', $$
    p := t.house('H');
    PERFORM inbound.note(p, 'SecurityEventNotification', now(), '{"type":"x"}'), inbound.note(p, 'SecurityEventNotification', now(), '{"type":"x"}');
    SELECT * INTO a FROM inbound.data_transfer(p, 'v', 'm', 'd', now());
    PERFORM t.is(a.status || COALESCE(a.data, '-'), 'UnknownVendorId-', 'answer');
    PERFORM t.is((SELECT string_agg(action, ',' ORDER BY action) FROM core.station_event), 'DataTransfer,SecurityEventNotification', 'kept');
$$);
SELECT t.test('each take-over has the next epoch; only its own epoch closes a connection', $$
    p := t.house('H'); w := t.card('TAG00000001', 100000, 9);
    SELECT * INTO r FROM t.start(p, 'TAG00000001', 1000, now());
    SELECT * INTO a FROM inbound.take_over(p, 1, '10.0.0.1', now());
    SELECT * INTO b FROM inbound.take_over(p, 2, '10.0.0.2', now());
    PERFORM t.is(b.epoch - a.epoch, 1::bigint, 'epochs');
    PERFORM t.is(b.open_transactions, r.transaction_id::text, 'open transactions');
    PERFORM t.is(inbound.connection_close(p, a.epoch, now(), 'late'), 'done', 'the old one''s close');
    PERFORM t.is((SELECT closed_at FROM core.station_connection WHERE station_id = p), NULL, 'changes nothing');
    PERFORM inbound.connection_close(p, b.epoch, now(), 'bye');
    PERFORM t.is((SELECT close_reason FROM core.station_connection WHERE station_id = p), 'bye', 'the own one''s does');
    PERFORM t.is((inbound.take_over(999999, 1, 'x', now())).outcome, 'refused', 'an unknown pile');
$$);
SELECT t.test('a node learns of each take-over after its own, also one of itself that it never heard of, and one closed since', $$
    p := t.house('H'); m := t.house('I');
    PERFORM inbound.take_over(p, 1, 'x', now());
    SELECT epoch INTO n FROM inbound.take_over(p, 1, 'x', now());
    PERFORM t.is((SELECT c.epoch FROM inbound.connections_moved(1) c WHERE c.station = p), n, 'its own');
    SELECT epoch INTO n FROM inbound.take_over(p, 2, 'x', now());
    PERFORM inbound.connection_close(p, n, now(), 'closed before it was taken over');
    PERFORM t.is((SELECT c.epoch FROM inbound.connections_moved(1) c WHERE c.station = p), n, 'closed since');
    PERFORM inbound.take_over(m, 2, 'x', now() - interval '6 minutes');
    PERFORM t.is((SELECT count(*) FROM inbound.connections_moved(1) c WHERE c.station = m), 0::bigint, 'long ago');
$$);
SELECT t.test('the directory tells all, then what changed, by seq; a boot is no change', $$
    p := t.house('H'); m := t.house('I');
    INSERT INTO core.station_key (station_id, key_hash) VALUES (p, repeat('a', 64)), (p, repeat('b', 64)), (p, repeat('c', 64));
    UPDATE core.station_key SET state = 'revoked', revoked_at = now() WHERE key_hash = repeat('b', 64);
    PERFORM inbound.sequence();
    SELECT max(d.seq), count(*) INTO n, w FROM inbound.directory(0) d;
    PERFORM t.is(w, 2::bigint, 'all');
    PERFORM t.is((SELECT d.key_hashes FROM inbound.directory(NULL) d WHERE d.station = p), repeat('a', 64) || ',' || repeat('c', 64), 'keys that live');
    PERFORM t.is((SELECT count(*) FROM inbound.directory(n)), 0::bigint, 'nothing since');
    UPDATE core.station SET boot_number = 5 WHERE id = p;
    PERFORM inbound.sequence();
    PERFORM t.is((SELECT count(*) FROM inbound.directory(n)), 0::bigint, 'a boot');
    UPDATE core.station SET blocked = true WHERE id = m;
    PERFORM t.is((SELECT count(*) FROM inbound.directory(n)), 0::bigint, 'not yet in sequence');
    PERFORM inbound.sequence();
    PERFORM t.is((SELECT string_agg(d.station::text || d.blocked, ',') FROM inbound.directory(n) d), m || 'true', 'the blocked one');
$$);
SELECT t.test('the sequencer numbers without gap or repeat', $$
    INSERT INTO core.outbox (kind) SELECT 'x' FROM generate_series(1, 100);
    PERFORM inbound.sequence();
    INSERT INTO core.outbox (kind) SELECT 'x' FROM generate_series(1, 50);
    PERFORM inbound.sequence(), inbound.sequence();
    PERFORM t.is((SELECT count(DISTINCT seq) || '/' || min(seq) || '/' || max(seq) FROM core.outbox), '150/1/150', 'seq');
    PERFORM t.is((SELECT seq FROM core.stream WHERE name = 'outbox'), 150::bigint, 'newest');
$$);

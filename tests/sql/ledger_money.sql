-- Holds, top-ups and settlements.
SELECT t.test('a hold takes what is wanted, or what there is, but never less than the minimum', $$
    w := t.card('TAG00000001', 1000);
    SELECT * INTO a FROM ledger.place_hold('00000000-0000-0000-0000-000000000001', w, 600, 100, now());
    PERFORM t.is(a.status || a.held_minor, 'done600', 'wanted');
    SELECT * INTO a FROM ledger.place_hold('00000000-0000-0000-0000-000000000002', w, 600, 100, now());
    PERFORM t.is(a.status || a.held_minor, 'done400', 'what there is');
    SELECT * INTO a FROM ledger.place_hold('00000000-0000-0000-0000-000000000003', w, 600, 100, now());
    PERFORM t.is(a.status || a.held_minor, 'short0', 'nothing left');
    SELECT * INTO a FROM ledger.place_hold('00000000-0000-0000-0000-000000000001', w, 600, 100, now());
    PERFORM t.is(a.status || a.held_minor, 'repeat600', 'again');
    PERFORM t.is((SELECT held FROM ledger.account_balance WHERE account_id = w), 1000::bigint, 'held');
    PERFORM t.is((ledger.place_hold(gen_random_uuid(), ledger.open_account('psp', 'x', 'CNY'), 1, 1, now())).status, 'none', 'an account without balance');
    PERFORM t.is((ledger.place_hold(gen_random_uuid(), 999999, 1, 1, now())).status, 'none', 'no account');
$$);
SELECT t.test('bonus is held and spent before principal', $$
    p := t.house('H'); w := t.card('TAG00000001', 0);
    PERFORM ledger.top_up('test', '1', w, 10000, 1000, 'me');
    SELECT * INTO a FROM t.start(p, 'TAG00000001', 1000, now());
    PERFORM t.is((SELECT string_agg(x.purpose || h.amount_minor, ',' ORDER BY h.amount_minor) FROM ledger.hold h JOIN ledger.account x ON x.id = h.account_id), 'bonus1000,wallet10000', 'holds');
    PERFORM t.stop(p, a.transaction_id, 2000, now() + interval '10 minutes');
    PERFORM t.settle(a.transaction_id, 1500);
    PERFORM t.is((SELECT from_bonus_minor || ',' || from_wallet_minor || ',' || to_arrears_minor FROM ledger.settlement), '1000,500,0', 'split');
    PERFORM t.is((SELECT string_agg(state, ',') FROM ledger.hold), 'captured,captured', 'holds after');
    PERFORM t.sound('bonus');
$$);
SELECT t.test('a postpaid customer pays by receivable: the ceiling bounds the hold, not what was delivered', $$
    p := t.house('H'); w := t.card('TAG00000001', 0);
    SELECT customer_id INTO n FROM core.card;
    m := ledger.open_customer_accounts(n, 'CNY', true, 30000);
    UPDATE core.card SET account_id = m;
    SELECT * INTO a FROM t.start(p, 'TAG00000001', 1000, now());
    PERFORM t.is(a.status, 'Accepted', 'first');
    SELECT * INTO b FROM t.start(p, 'TAG00000001', 1000, now(), 2);
    PERFORM t.is((SELECT string_agg(amount_minor::text, ',' ORDER BY amount_minor DESC) FROM ledger.hold), '20352,9648', 'up to the ceiling');
    PERFORM t.is((inbound.authorize(p, 'TAG00000001', now())).status, 'Accepted', 'a payer with an open session is let in to stop');
    PERFORM t.stop(p, a.transaction_id, 2000, now() + interval '10 minutes');
    PERFORM t.settle(a.transaction_id, 40000);
    PERFORM t.is((SELECT posted || '/' || held FROM ledger.account_balance WHERE account_id = m), '40000/9648', 'owed above the ceiling');
    PERFORM t.stop(p, b.transaction_id, 2000, now() + interval '10 minutes');
    SELECT * INTO a FROM t.start(p, 'TAG00000001', 3000, now() + interval '20 minutes', 1, now() + interval '20 minutes');
    PERFORM t.is(a.status, 'Blocked', 'and then no more');
    PERFORM t.sound('postpaid');
$$);
SELECT t.test('a top-up pays arrears first; the number of the channel is its key', $$
    p := t.house('H'); w := t.card('TAG00000001', 0);
    SELECT * INTO a FROM t.start(p, 'TAG00000001', 1000, now(), 1, now(), true);
    PERFORM t.stop(p, a.transaction_id, 2000, now() + interval '10 minutes', NULL, now() + interval '10 minutes');
    PERFORM t.settle(a.transaction_id, 300);
    SELECT * INTO a FROM ledger.top_up('wechat', '42', w, 1000, 0, 'me');
    SELECT * INTO b FROM ledger.top_up('wechat', '42', w, 1000, 0, 'me');
    SELECT * INTO c FROM ledger.top_up('wechat', '42', w, 1001, 0, 'me');
    PERFORM t.is(a.outcome || b.outcome || c.outcome, 'donerepeatconflict', 'outcomes');
    PERFORM t.is(b.journal, a.journal, 'one journal');
    PERFORM t.is((ledger.top_up('alipay', '42', w, 1, 0, 'me')).outcome, 'done', 'another channel''s number is another');
    PERFORM t.is((SELECT string_agg(x.purpose || y.posted, ',' ORDER BY x.purpose) FROM ledger.account x JOIN ledger.account_balance y ON y.account_id = x.id), 'arrears0,bonus0,wallet701', 'balances');
    PERFORM t.sound('top-up');
$$);
SELECT t.test('no top-up of zero, less than zero, or into an account that is none of a customer''s', $$
    w := t.card('TAG00000001', 0);
    PERFORM t.refused(format('SELECT ledger.top_up(''a'', ''1'', %s, %s, 0, ''me'')', w, v), '22023', v::text) FROM unnest(ARRAY[0, -5]) v;
    PERFORM t.refused(format('SELECT ledger.top_up(''a'', ''1'', %s, 5, -1, ''me'')', w), '22023', 'negative bonus');
    PERFORM t.refused(format('SELECT ledger.top_up(''a'', ''1'', %s, 5, 0, ''me'')', v), '23514', 'account ' || v)
    FROM unnest(ARRAY[999999, ledger.open_account('psp', 'x', 'CNY')]) v;
$$);
SELECT t.test('bonus and arrears beside a wallet that stands alone are opened when they are needed, and once', $$
    p := t.house('H'); w := t.card('TAG00000001', 0);
    INSERT INTO core.customer (code) VALUES ('ALONE') RETURNING id INTO n;
    m := ledger.open_account('wallet', 'ALONE', 'CNY', n);
    UPDATE core.card SET customer_id = n, account_id = m;
    FOR i IN 1..2 LOOP
        SELECT * INTO a FROM t.start(p, 'TAG00000001', 1000 * i, now() + i * interval '1 hour', 1, now() + i * interval '1 hour', true);
        PERFORM t.stop(p, a.transaction_id, 1000 * i + 500, now() + i * interval '1 hour 5 minutes', NULL, now() + i * interval '1 hour 5 minutes');
        PERFORM t.settle(a.transaction_id, 300);
        PERFORM ledger.top_up('test', i::text, m, 100, 50, 'me');
    END LOOP;
    PERFORM t.is((SELECT string_agg(x.code || '=' || y.posted, ' ' ORDER BY x.code) FROM ledger.account x JOIN ledger.account_balance y ON y.account_id = x.id WHERE x.customer_id = n),
        'arrears:ALONE:CNY=350 bonus:ALONE:CNY=50 wallet:ALONE:CNY=0', 'accounts');
    PERFORM t.sound('alone');
$$);
SELECT t.test('settlement posts once: the same again is the same journal, and the evidence is kept', $$
    p := t.house('H'); w := t.card('TAG00000001', 100000);
    SELECT * INTO a FROM t.start(p, 'TAG00000001', 1000, now());
    PERFORM t.is((t.settle(a.transaction_id, 530)).outcome, 'refused', 'while it runs');
    PERFORM t.stop(p, a.transaction_id, 2000, now() + interval '10 minutes');
    SELECT * INTO b FROM t.settle(a.transaction_id, 530);
    SELECT * INTO c FROM t.settle(a.transaction_id, 530);
    PERFORM t.is(b.outcome || (b.journal > 0), 'donetrue', 'first');
    PERFORM t.is(c.journal, b.journal, 'again');
    SELECT * INTO c FROM t.settle(a.transaction_id, 999);
    PERFORM t.is(c.journal, b.journal, 'and with another bill');
    PERFORM t.is((SELECT gross_minor || '/' || length(input_sha256) || '/' || version FROM ledger.settlement), '530/32/1', 'evidence');
    PERFORM t.is((SELECT string_agg(charge_code || amount_minor, ',' ORDER BY seq) FROM ledger.settlement_line), 'ENERGY_ELEC265,ENERGY_SERVICE265', 'lines');
    PERFORM t.is((SELECT string_agg(x.code || y.side || y.amount_minor, ',' ORDER BY y.line) FROM ledger.entry y JOIN ledger.account x ON x.id = y.account_id WHERE journal_id = b.journal),
        'wallet:C-TAG00000001:CNYD530,rev.elec:HC250,rev.service:HC250,vat.out:60000:CNYC30', 'entries');
    PERFORM t.is((SELECT kind FROM core.outbox), 'session_settled', 'event');
    PERFORM t.is((SELECT held FROM ledger.account_balance WHERE account_id = w), 0::bigint, 'hold ended');
    PERFORM t.sound('settled');
$$);
SELECT t.test('a session of nothing is settled without a journal', $$
    p := t.house('H'); w := t.card('TAG00000001', 100000);
    SELECT * INTO a FROM t.start(p, 'TAG00000001', 1000, now());
    PERFORM t.stop(p, a.transaction_id, 1000, now() + interval '1 minute');
    SELECT * INTO b FROM t.settle(a.transaction_id, 0);
    PERFORM t.is(b.outcome || COALESCE(b.journal::text, '-'), 'done-', 'outcome');
    PERFORM t.is((SELECT state FROM core.session), 'settled', 'state');
    PERFORM t.sound('nothing');
$$);
SELECT t.test('a bill whose parts do not add up is refused, whichever part it is', $$
    p := t.house('H'); w := t.card('TAG00000001', 100000);
    SELECT * INTO a FROM t.start(p, 'TAG00000001', 1000, now());
    PERFORM t.stop(p, a.transaction_id, 2000, now() + interval '10 minutes');
    SELECT uid INTO x FROM core.session;
    FOR r IN SELECT * FROM (VALUES ('{gross_minor}', '"531"'), ('{lines,0,amount_minor}', '"264"'), ('{groups,0,net_minor}', '"501"'),
            ('{groups,0,vat_minor}', '"29"'), ('{totals,0,net_minor}', '"251"'), ('{credit_minor}', '"1"'), ('{gross_minor}', '"-530"'),
            ('{lines,0,direction}', '"export"'), ('{evidence}', 'null'), ('{gross_minor}', 'null'), ('{totals,0,charge_code}', '"BEER"')) v(path, value) LOOP
        PERFORM t.refused(format('SELECT ledger.settle(%L, jsonb_set(t.bill(530), %L, %L), '''', sha256(''i''), sha256(''o''))', x, r.path, r.value), '22023', r.path || r.value);
    END LOOP;
    PERFORM t.is((SELECT count(*) FROM ledger.settlement), 0::bigint, 'no bill');
$$);
SELECT t.test('a settlement and its lines never change', $$
    p := t.house('H'); w := t.card('TAG00000001', 100000);
    SELECT * INTO a FROM t.start(p, 'TAG00000001', 1000, now());
    PERFORM t.stop(p, a.transaction_id, 2000, now() + interval '10 minutes'); PERFORM t.settle(a.transaction_id, 530);
    PERFORM t.refused('UPDATE ledger.settlement SET gross_minor = 1, net_minor = 1, vat_minor = 0', '42501', 'amount');
    PERFORM t.refused('UPDATE ledger.settlement SET evidence = ''x''', '42501', 'evidence');
    PERFORM t.refused('DELETE FROM ledger.settlement', '42501', 'delete');
    PERFORM t.refused('UPDATE ledger.settlement_line SET amount_minor = 0', '42501', 'line');
    PERFORM t.refused('DELETE FROM ledger.settlement_line', '42501', 'line');
    UPDATE ledger.settlement SET state = 'reversed';
    PERFORM t.refused('UPDATE ledger.settlement SET state = ''posted''', '42501', 'a reversed one stays so');
$$);
SELECT t.test('a settlement in review keeps its input, and is reviewed again after a decision', $$
    p := t.house('H'); w := t.card('TAG00000001', 100000);
    SELECT * INTO a FROM t.start(p, 'TAG00000001', 1000, now());
    PERFORM t.stop(p, a.transaction_id, 2000, now() + interval '10 minutes');
    SELECT uid INTO x FROM core.session;
    PERFORM t.is(ledger.settlement_review(x::uuid, 'no_evidence', '{"why":"x"}', '\x0102'), 'done', 'first');
    PERFORM t.is((SELECT state FROM core.session), 'review', 'state');
    PERFORM t.is((SELECT input FROM core.review), '\x0102'::bytea, 'input');
    PERFORM core.review_decide(id, 'bill', NULL, NULL, 'me') FROM core.review;
    PERFORM t.is((SELECT state FROM core.session), 'stopped', 'state after');
    PERFORM ledger.settlement_review(x::uuid, 'no_evidence', '{}', '\x03');
    PERFORM t.is((SELECT string_agg(state, ',' ORDER BY id) FROM core.review), 'decided,open', 'again');
    PERFORM t.is(ledger.settlement_review(gen_random_uuid(), 'x', '{}', NULL), 'refused', 'no such session');
$$);
SELECT t.test('the settlement input is the same text for the same facts, and has calendar, states and readings in order', $$
    p := t.house('H'); w := t.card('TAG00000001', 100000);
    UPDATE core.site SET region = 'CN-GD';
    INSERT INTO core.day_calendar VALUES ('CN-GD', (now() AT TIME ZONE 'Asia/Shanghai')::date, 'holiday'), ('CN-BJ', now()::date, 'holiday');
    SELECT * INTO a FROM t.start(p, 'TAG00000001', 1000, now() - interval '1 minute');
    INSERT INTO core.meter_reading (station, at, connector, hash, received_at, transaction_id, import_mwh, soc_ppm) VALUES
        (p, now(), 1, 2, now(), a.transaction_id, 1200000, NULL), (p, now() - interval '30 s', 1, 3, now(), a.transaction_id, 1100000, 5),
        (p, now() - interval '30 s', 1, 4, now(), a.transaction_id, NULL, 500000);
    PERFORM inbound.status(p, 1, 'Charging', 'NoError', NULL, NULL, NULL, now() - interval '20 s', NULL, now());
    PERFORM t.stop(p, a.transaction_id, 1300, now());
    SELECT ledger.settlement_input(uid) INTO x FROM core.session;
    PERFORM t.is(ledger.settlement_input(uid), x, 'again') FROM core.session;
    SELECT x::jsonb AS j INTO r;
    PERFORM t.is(r.j #>> '{readings,0,import_mwh}' || jsonb_array_length(r.j -> 'readings'), '11000002', 'readings');
    PERFORM t.is(r.j #>> '{calendar,0,day_type}' || jsonb_array_length(r.j -> 'calendar'), 'holiday1', 'calendar');
    PERFORM t.is(r.j #>> '{states,0,state}', 'Charging', 'states');
    PERFORM t.is(r.j #>> '{session,meter_stop_mwh}' || (r.j #>> '{session,zone}') || (r.j #>> '{session,exponent}'), '1300000Asia/Shanghai2', 'session');
    PERFORM t.is(r.j #>> '{session,stopped_at}' ~ '^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$', true, 'times');
    PERFORM t.is(r.j #>> '{tariff,elements,0,price_components,0,price}', '1.2', 'the published document');
    SET LOCAL TimeZone = 'America/New_York';
    PERFORM t.is(ledger.settlement_input(uid), x, 'whatever the session''s time zone') FROM core.session;
$$);

SELECT t.test('the days of the calendar are those of the site''s zone', $$
    p := t.house('H'); w := t.card('TAG00000001', 1000000);
    UPDATE core.site SET region = 'CN-GD';
    -- From 04:00 to 05:00 in Shanghai, which is the evening before by UTC.
    INSERT INTO core.day_calendar SELECT 'CN-GD', (now() AT TIME ZONE 'UTC')::date - days, kind FROM (VALUES (3, 'workday'), (2, 'holiday'), (1, 'workday')) v(days, kind);
    FOR r IN SELECT (((now() AT TIME ZONE 'UTC')::date - 3) + time '20:00') AT TIME ZONE 'UTC' AS at LOOP
        SELECT * INTO a FROM t.start(p, 'TAG00000001', 1000, r.at, 1, r.at);
        PERFORM t.stop(p, a.transaction_id, 2000, r.at + interval '1 hour', NULL, r.at + interval '1 hour');
    END LOOP;
    PERFORM t.is((SELECT ledger.settlement_input(uid)::jsonb -> 'calendar' FROM core.session),
        jsonb_build_array(jsonb_build_object('date', (now() AT TIME ZONE 'UTC')::date - 2, 'day_type', 'holiday')), 'calendar');
$$);
SELECT t.test('what readings of one instant are worth does not hang on their order', $$
    FOR r IN SELECT * FROM (VALUES ('ORDERA', 1, 2), ('ORDERB', 2, 1)) v (code, low, high) LOOP
        p := t.house(r.code);
        w := t.card(r.code || 'TAG', 100000);
        SELECT x.transaction_id INTO n FROM t.start(p, r.code || 'TAG', 1000, now() - interval '1 hour', 1, now() - interval '1 hour') x;
        PERFORM t.stop(p, n, 9000, now());
        INSERT INTO core.meter_reading (station, at, connector, hash, received_at, transaction_id, import_mwh, power_import_mw)
        VALUES (p, now() - interval '30 minutes', 1, r.low, now(), n, 4000000, 1), (p, now() - interval '30 minutes', 1, r.high, now(), n, 4300000, 2);
        SELECT * INTO s FROM core.session y WHERE y.transaction_id = n;
        SELECT string_agg(q.import_mwh::text, ' ') INTO x FROM ledger.settlement_readings(s, now(), 120000, true) q;
        PERFORM t.is(x, '4000000 4300000', r.code);
        SELECT string_agg(e ->> 'import_mwh', ' ') INTO x FROM jsonb_array_elements(ledger.settlement_input(s.uid)::jsonb -> 'readings') e;
        PERFORM t.is(x, '4000000 4300000', r.code || ', its input');
    END LOOP;
$$);

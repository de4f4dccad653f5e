-- Who was granted site A does not learn of site B: not through views, not through refusals.
\ir role_helpers.psql
SELECT t.world();
-- A session at each site, so that there is something to see and to hide.
SELECT t.is(x.status, 'Accepted', 'a session at ' || n)
FROM unnest(ARRAY['A', 'B']) n, core.station p, LATERAL t.start(p.id, 'TAG' || n || '000012345', 1000) x
WHERE p.identity = 'CP-' || n;
INSERT INTO core.meter_reading (station, at, connector, hash, received_at, transaction_id, import_mwh)
SELECT s.station_id, now(), 1, 1, now(), s.transaction_id, 2000000 FROM core.session s;
INSERT INTO core.frame (station, at, direction, type, action, frame) SELECT id, now(), 'in', 2, 'Heartbeat', '[2,"1","Heartbeat",{}]' FROM core.station;
INSERT INTO core.review (kind, dedupe_key, station_id, site_id) SELECT 'test', p.identity, p.id, p.site_id FROM core.station p;
INSERT INTO core.door (identity, reason, first_at, last_at) VALUES ('CP-B', 'wrong key', now(), now());
SELECT t.act('test.admin', format('operation.remote_stop(%L, %s)', p.identity, s.transaction_id))
FROM core.session s JOIN core.station p ON p.id = s.station_id;

-- Every view: a row of B is shown to whoever sees all, and to nobody else.
CREATE FUNCTION t.sees(p_login text, p_view text, p_needle text) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    RETURN t.run(p_login, format('SELECT count(*) FROM query.%I v WHERE v::text LIKE %L', p_view, '%' || p_needle || '%'))::int > 0;
END
$$;
SELECT t.is(t.sees(login, v.view, v.needle || site), site = 'A' OR login = 'test.viewer',
            format('%s sees %s of %s', login, v.view, site))
FROM (VALUES ('site', 'S-'), ('pile', 'CP-'), ('connector_now', 'CP-'), ('session', 'CP-'), ('session_reading', 'CP-'),
             ('meter_reading', 'CP-'), ('account', 'wallet:C-'), ('account_ledger', 'wallet:C-'), ('conversation', 'CP-'),
             ('review', 'CP-'), ('command', 'CP-'), ('card', 'C-'), ('customer', 'C-')) AS v (view, needle),
     unnest(ARRAY['A', 'B']) site, unnest(ARRAY['test.viewer', 'test.viewer_a']) login;
SELECT t.is(t.sees('test.viewer_none', v.view, ''), v.view IN ('tariff'), 'who was granted nothing sees no ' || v.view)
FROM api.view v WHERE v.schema = 'query' AND v.view NOT IN ('login', 'audit', 'calendar_day');
SELECT t.is(t.sees('test.viewer_a', 'door', ''), false, 'the door is for those who see all');
SELECT t.is(t.sees(login, 'invariant', ''), login = 'test.viewer', login || ' sees the invariants of all sites')
FROM unnest(ARRAY['test.viewer', 'test.viewer_a']) login;
\echo 'ok - no view shows a site that was not granted'

-- Every action on something of B is answered as one on something that is not there.
SELECT t.no('test.operator_a', replace(a.call, '?', '-B'), a.code, a.member), t.no('test.operator_a', replace(a.call, '?', '-none'), a.code, a.member)
FROM (VALUES
    ('management.accept_pile(''CP?'')', 'pile-unknown', 'charge_point_id'),
    ('management.block_pile(''CP?'')', 'pile-unknown', 'charge_point_id'),
    ('management.set_pile_key(''CP?'', repeat(''a'', 64))', 'pile-unknown', 'charge_point_id'),
    ('management.register_connector(''CP?'', 2, ''DC'', 60)', 'pile-unknown', 'charge_point_id'),
    ('management.register_pile(''NEW'', ''S?'', ''IP54'')', 'site-unknown', 'site'),
    ('management.register_user(''NEW'', ''CNY'', ''S?'')', 'site-unknown', 'site'),
    ('management.register_card(''NEWTAG'', ''C?'')', 'customer-unknown', 'customer'),
    ('management.assign_tariff(''T-A'', site => ''S?'')', 'site-unknown', 'site'),
    ('management.assign_tariff(''T-A'', charge_point_id => ''CP?'')', 'pile-unknown', 'charge_point_id'),
    ('management.assign_tariff(''T-A'', customer => ''C?'')', 'customer-unknown', 'customer'),
    ('operation.remote_start(''CP?'', ''TAGA000012345'')', 'pile-unknown', 'charge_point_id')) AS a (call, code, member);
SELECT t.no('test.operator_a', 'management.set_card_status(''TAGB000012345'', ''blocked'')', 'card-unknown', 'id_tag');
SELECT t.no('test.operator_a', 'operation.remote_start(''CP-A'', ''TAGB000012345'')', 'card-unknown', 'id_tag');
SELECT t.no('test.operator_a', format('operation.wait(%s, 0)', (SELECT command_id FROM query.command WHERE pile = 'CP-B')), 'command-unknown', 'id');
SELECT t.no('test.operator_a', format('management.decide_review(%s, ''reject'', ''x'')', (SELECT review_id FROM query.review WHERE pile = 'CP-B')), 'review-unknown', 'review_id');
SELECT t.no('test.operator_a', format('operation.remote_stop(''CP-A'', %s)', (SELECT transaction_id FROM query.session WHERE pile = 'CP-B')), 'session-unknown', 'transaction_id');
SELECT t.no('test.cashier_a', 'operation.top_up(1, ''CNY'', ''cash'', ''x'', customer => ''C-B'')', 'customer-unknown', 'customer');
SELECT t.no('test.cashier_a', 'operation.top_up(1, ''CNY'', ''cash'', ''x'', account => ''wallet:C-B:CNY'')', 'account-unknown', 'account');
\echo 'ok - no refusal tells that it is there'
-- What belongs to no site takes somebody who sees all.
SELECT t.no('test.operator_a', call, 'site-denied', 'site') FROM (VALUES
    ('management.register_site(''S-C'', ''C'', ''car_park'', ''Asia/Shanghai'', ''CNY'')'),
    ('management.register_user(''C-C'', ''CNY'')'), ('management.register_card(''ANYBODY'')'),
    ('management.set_calendar_day(''CN'', ''2199-01-01'', ''holiday'')'),
    (format('management.publish_tariff(''T-C'', %L)', t.document()))) AS a (call);
\echo 'ok - what belongs to no site takes a login that sees all'

-- A tariff is changed by whoever was granted every place where it holds, under whatever name it is asked for.
SELECT t.act('test.admin', format('management.publish_tariff(''T-NONE'', %L)', t.document()));
SELECT t.act('test.admin', 'management.assign_tariff(''T-A'', charge_point_id => ''CP-B'', priority => 3)');
SELECT t.no('test.operator_a', format('management.publish_tariff(%L, %L, site => ''S-A'')', code, t.document('0')), 'site-denied', 'site')
FROM unnest(ARRAY['T-A', 'T-B', 'T-NONE']) code;
SELECT t.no('test.operator_a', format('management.publish_tariff(''T-A'', %L, site => ''S-A'')', t.document()), 'site-denied', 'site');
SELECT t.is((SELECT count(*) FROM core.tariff_version), 3::bigint, 'no version more');
DELETE FROM core.tariff_assignment WHERE priority = 3;
SELECT t.is(t.act('test.operator_a', format('management.publish_tariff(''T-A'', %L, site => ''S-A'')', t.document('0.9'))) ->> 'version', '2', 'the price at A');
SELECT t.is(t.act('test.operator_a', format('management.publish_tariff(''T-A2'', %L, charge_point_id => ''CP-A'')', t.document('0.8'))) ->> 'version', '1', 'a price of its own');
\echo 'ok - nobody changes the price of a site that was not granted'

-- What was granted works, and the audit of it is seen by that site's operators.
SELECT t.is(t.act('test.operator_a', 'management.register_connector(''CP-A'', 2, ''DC'', 60)') ->> 'connectorId', '2', 'a connector at A');
SELECT t.is(t.act('test.cashier_a', 'operation.top_up(''5.50'', ''CNY'', ''cash'', ''1'', customer => ''C-A'')') ->> 'balance', '105.50', 'a top-up at A');
SELECT t.is(t.run('test.operator_a', 'SELECT count(*) FROM query.audit WHERE site = ''S-B'''), '0', 'no audit of B');
SELECT t.is(t.run('test.operator_a', 'SELECT count(*) > 0 FROM query.audit WHERE site = ''S-A'''), 'true', 'the audit of A');
\echo 'ok - what was granted works'
-- And what is taken back is gone.
SELECT t.act('test.admin', 'management.grant_site(''test.operator_a'', ''S-A'', false)');
SELECT t.no('test.operator_a', 'management.accept_pile(''CP-A'')', 'pile-unknown', 'charge_point_id');
SELECT t.is(t.run('test.operator_a', 'SELECT count(*) FROM query.pile'), '0', 'no pile any more');
\echo 'ok - what is taken back is gone'

-- A barrier view gives no foreign row to a function in WHERE, nor to an error that a row provokes.
SELECT t.is(t.run('test.viewer_a', $$SELECT count(*) FROM query.site WHERE 1 / (CASE site WHEN 'S-B' THEN 0 ELSE 1 END) = 1$$), '1', 'a row of B divides nothing');
SELECT t.is(t.run('test.viewer_a', $$SELECT count(*) FROM query.customer WHERE customer !~~ '%B' AND CASE customer WHEN 'C-B' THEN 'x' ELSE '1' END::int = 1$$), '1', 'a customer of B casts nothing');
\echo 'ok - no function or error in WHERE meets a foreign row'

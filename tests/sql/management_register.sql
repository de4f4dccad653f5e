-- Registering sites, piles, connectors, customers and cards: what is taken is read back through a view,
-- what is not names its member, and the same again changes nothing.
\ir role_helpers.psql

-- Sites.
SELECT t.is(t.act('test.operator', $$management.register_site(site => 'S1', name => '一号站', kind => 'taxi_station',
    zone => 'Asia/Shanghai', currency => 'CNY', region => 'CN', address => '人民路 1 号', latitude => 31.230416,
    longitude => 121.473701, full_charge_within_s => 3600, grid_limit_kw => 630.5, own_supply_kw => 50,
    min_start_amount => '2.50', min_hold_amount => 20)$$), '{"site": "S1", "repeated": false}'::jsonb, 'a site');
SELECT t.is(t.run('test.viewer', $$SELECT (name, kind, zone, currency, region, latitude, longitude, full_charge_within_s,
    grid_limit_kw, own_supply_kw, min_start_amount, min_hold_amount, piles, is_open)::text FROM query.site WHERE site = 'S1'$$),
    '(一号站,taxi_station,Asia/Shanghai,CNY,CN,31.230416,121.473701,3600,630.500,50.000,2.50,20.00,0,t)', 'the site read back');
SELECT t.is(t.run('test.viewer', $$SELECT extract(epoch FROM created_local - (created_at AT TIME ZONE 'UTC')) / 3600 FROM query.site$$)::numeric,
    8::numeric, 'local time is eight hours on');
SELECT t.is((SELECT count(*)::int FROM query.account WHERE site = 'S1' AND purpose = 'revenue'), 5, 'its books are open');
SELECT t.is(t.act('test.operator', $$management.register_site('S1', '一号站', 'taxi_station', 'Asia/Shanghai', 'CNY', 'CN',
    '人民路 1 号', 31.230416, 121.473701, 3600, 630.5, 50, 2.5, 20.00)$$) ->> 'repeated', 'true', 'the same site again');
SELECT t.is((SELECT count(*)::int FROM core.audit WHERE action = 'RegisterSite'), 1, 'a repeat writes no audit');
SELECT t.no('test.operator', $$management.register_site('S1', '二号站', 'taxi_station', 'Asia/Shanghai', 'CNY')$$, 'taxi-promise', 'full_charge_within_s');
SELECT t.no('test.operator', $$management.register_site('S1', 'other', 'car_park', 'Asia/Shanghai', 'CNY')$$, 'registered-otherwise', 'site');
SELECT t.no('test.operator', format('management.register_site(%s)', args), code, member) FROM (VALUES
    ($$'S2', 'N', 'taxi_station', 'Asia/Shanghai', 'CNY', full_charge_within_s => 3601$$, 'taxi-promise', 'full_charge_within_s'),
    ($$'S2', 'N', 'harbour', 'Asia/Shanghai', 'CNY'$$, 'member-value', 'kind'),
    ($$'S2', 'N', NULL, 'Asia/Shanghai', 'CNY'$$, 'member-missing', 'kind'),
    ($$'S2', 'N', 'car_park', 'CST', 'CNY'$$, 'zone-unknown', 'zone'),
    ($$'S2', 'N', 'car_park', 'UTC+8', 'CNY'$$, 'zone-unknown', 'zone'),
    ($$'S2', 'N', 'car_park', 'asia/shanghai', 'CNY'$$, 'zone-unknown', 'zone'),
    ($$'S2', 'N', 'car_park', 'Asia/Nowhere', 'CNY'$$, 'zone-unknown', 'zone'),
    ($$'S2', 'N', 'car_park', '../etc/passwd', 'CNY'$$, 'zone-unknown', 'zone'),
    ($$'S2', 'N', 'car_park', 'Asia/Shanghai', 'XXX'$$, 'currency-unknown', 'currency'),
    ($$'S2', 'N', 'car_park', 'Asia/Shanghai', NULL$$, 'currency-unknown', 'currency'),
    ($$'', 'N', 'car_park', 'Asia/Shanghai', 'CNY'$$, 'member-text', 'site'),
    ($$' S2', 'N', 'car_park', 'Asia/Shanghai', 'CNY'$$, 'member-text', 'site'),
    ($$E'S\n2', 'N', 'car_park', 'Asia/Shanghai', 'CNY'$$, 'member-text', 'site'),
    ($$repeat('S', 65), 'N', 'car_park', 'Asia/Shanghai', 'CNY'$$, 'member-text', 'site'),
    ($$NULL, 'N', 'car_park', 'Asia/Shanghai', 'CNY'$$, 'member-missing', 'site'),
    ($$'S2', 'N', 'car_park', 'Asia/Shanghai', 'CNY', latitude => 90.1$$, 'member-range', 'latitude'),
    ($$'S2', 'N', 'car_park', 'Asia/Shanghai', 'CNY', latitude => 'NaN'$$, 'member-range', 'latitude'),
    ($$'S2', 'N', 'car_park', 'Asia/Shanghai', 'CNY', longitude => 1.1234567$$, 'member-decimals', 'longitude'),
    ($$'S2', 'N', 'car_park', 'Asia/Shanghai', 'CNY', grid_limit_kw => 0$$, 'member-range', 'grid_limit_kw'),
    ($$'S2', 'N', 'car_park', 'Asia/Shanghai', 'CNY', grid_limit_kw => 'Infinity'$$, 'member-range', 'grid_limit_kw'),
    ($$'S2', 'N', 'car_park', 'Asia/Tokyo', 'JPY', min_start_amount => 0.5$$, 'amount-decimals', 'min_start_amount'),
    ($$'S2', 'N', 'car_park', 'Asia/Shanghai', 'CNY', min_hold_amount => 0$$, 'member-range', 'min_hold_amount')) AS c (args, code, member);
\echo 'ok - a site is registered once, read back, and refused with its member'

-- Piles: the protection grade against the place, all of the digits.
SELECT t.is(t.act('test.operator', $$management.register_pile('CP-1', 'S1', 'IP54', key_hash => repeat('0a', 32), vendor => 'V')$$)
    ->> 'protection', 'IP54', 'a pile');
SELECT t.is(t.run('test.viewer', $$SELECT (site, protection, place, is_outdoors, registration, is_accepted, is_blocked,
    has_key, security_profile, is_online, connectors, vendor)::text FROM query.pile WHERE pile = 'CP-1'$$),
    '(S1,IP54,fixed,t,accepted,t,f,t,1,f,0,V)', 'the pile read back');
SELECT t.is(t.act('test.operator', $$management.register_pile('CP-1', 'S1', 'ip54', key_hash => repeat('0a', 32))$$) ->> 'repeated', 'true', 'the same pile again');
SELECT t.no('test.operator', $$management.register_pile('CP-1', 'S1', 'IP55')$$, 'registered-otherwise', 'charge_point_id');
SELECT t.no('test.operator', $$management.register_pile('cp-1', 'S1', 'IP54')$$, 'registered-otherwise', 'charge_point_id');
SELECT t.no('test.operator', $$management.register_pile('CP-1', 'S1', 'IP54', key_hash => repeat('0b', 32))$$, 'registered-otherwise', 'charge_point_id');
SELECT t.is((t.refusal('test.operator', format($$SELECT management.register_pile(%L, 'S1', 'IP%s%s', outdoors => %L)$$,
                format('P%s%s%s', a, b, outdoors), a, b, outdoors))).code,
            CASE WHEN a IN ('7', '8', '9') THEN 'protection-form'
                 WHEN outdoors AND (translate(a, 'X', '0')::int < 5 OR translate(b, 'X', '0')::int < 4) THEN 'protection-outdoors'
                 WHEN NOT outdoors AND (translate(a, 'X', '0')::int < 3 OR translate(b, 'X', '0')::int < 2) THEN 'protection-indoors' END,
            format('IP%s%s %s', a, b, CASE WHEN outdoors THEN 'outdoors' ELSE 'indoors' END))
FROM unnest(string_to_array('0 1 2 3 4 5 6 7 8 9 X', ' ')) a, unnest(string_to_array('0 1 2 3 4 5 6 7 8 9 X', ' ')) b,
     unnest(ARRAY[true, false]) outdoors;
SELECT t.no('test.operator', format('management.register_pile(%s)', args), code, member) FROM (VALUES
    ($$'P1', 'S1', 'IP5'$$, 'protection-form', 'protection'), ($$'P1', 'S1', '54'$$, 'protection-form', 'protection'),
    ($$'P1', 'S1', 'IK10'$$, 'protection-form', 'protection'), ($$'P1', 'S1', NULL$$, 'member-missing', 'protection'),
    ($$'P1', 'S1', 'IP5X4'$$, 'protection-form', 'protection'),
    ($$'', 'S1', 'IP54'$$, 'member-text', 'charge_point_id'), ($$repeat('桩', 22), 'S1', 'IP54'$$, 'member-text', 'charge_point_id'),
    ($$E'P\t1', 'S1', 'IP54'$$, 'member-text', 'charge_point_id'), ($$NULL, 'S1', 'IP54'$$, 'member-missing', 'charge_point_id'),
    ($$'P1', 'S9', 'IP54'$$, 'site-unknown', 'site'), ($$'P1', NULL, 'IP54'$$, 'site-unknown', 'site'),
    ($$'P1', 'S1', 'IP54', place => 'flying'$$, 'member-value', 'place'),
    ($$'P1', 'S1', 'IP54', security_profile => 4$$, 'member-range', 'security_profile'),
    ($$'P1', 'S1', 'IP54', heartbeat_s => 1$$, 'member-range', 'heartbeat_s'),
    ($$'P1', 'S1', 'IP54', key_hash => 'secret'$$, 'key-form', 'key_hash'),
    ($$'P1', 'S1', 'IP54', key_hash => repeat('0A', 32)$$, 'key-form', 'key_hash'),
    ($$'P1', 'S1', 'IP54', key_hash => repeat('0a', 32)$$, 'key-used', 'key_hash')) AS c (args, code, member);
SELECT t.is((SELECT count(*)::int FROM core.station WHERE identity = 'P1'), 0, 'a refused pile is not there');
SELECT t.act('test.operator', $$management.register_pile('CP-OLD', 'S1', 'IP54', in_service_since => '2020-01-01Z')$$);
SELECT t.is((SELECT registered_at FROM query.pile WHERE pile = 'CP-OLD'), '2020-01-01Z'::timestamptz, 'a pile in service since then');
SELECT t.is(t.act('test.operator', $$management.register_pile('CP-OLD', 'S1', 'IP54', in_service_since => '2020-01-01Z')$$) ->> 'repeated', 'true', 'the same instant again');
SELECT t.no('test.operator', $$management.register_pile('CP-OLD', 'S1', 'IP54', in_service_since => '2020-01-02Z')$$, 'registered-otherwise', 'charge_point_id');
SELECT t.no('test.operator', $$management.register_pile('P1', 'S1', 'IP54', in_service_since => now() + interval '1 min')$$, 'member-range', 'in_service_since');
SELECT t.no('test.operator', $$management.register_pile('P1', 'S1', 'IP54', in_service_since => '-infinity')$$, 'member-range', 'in_service_since');
SELECT t.act('test.operator', $$management.register_pile('充电桩 1', 'S1', 'IP65', place => 'mobile', accepted => false)$$);
SELECT t.is(t.run('test.viewer', $$SELECT registration || place FROM query.pile WHERE pile = '充电桩 1'$$), 'pendingmobile', 'a mobile pile that waits');
SELECT t.is((SELECT count(*)::int FROM core.place_history), 1, 'where it stands is history');
\echo 'ok - every protection grade is taken or refused by both digits, outdoors and indoors'

-- Its key, its acceptance, its block.
SELECT t.is(t.act('test.operator', $$management.set_pile_key('cp-1', repeat('1b', 32), keep_old => true)$$) ->> 'revoked', '0', 'a second key');
SELECT t.is((SELECT count(*)::int FROM core.station_key WHERE state = 'active'), 2, 'both hold');
SELECT t.is(t.act('test.operator', $$management.set_pile_key('CP-1', repeat('1b', 32))$$) ->> 'revoked', '1', 'the first ends');
SELECT t.is(t.act('test.operator', $$management.set_pile_key('CP-1', repeat('1b', 32))$$) ->> 'repeated', 'true', 'the same key again');
SELECT t.is((SELECT string_agg(key_hash || state, ' ' ORDER BY id) FROM core.station_key),
    repeat('0a', 32) || 'revoked ' || repeat('1b', 32) || 'active', 'one key is left');
SELECT t.no('test.operator', $$management.set_pile_key('CP-1', repeat('0a', 32))$$, 'key-used', 'key_hash');
SELECT t.no('test.operator', $$management.set_pile_key('CP-1', NULL)$$, 'member-missing', 'key_hash');
SELECT t.no('test.operator', $$management.set_pile_key('CP-9', repeat('1c', 32))$$, 'pile-unknown', 'charge_point_id');
SELECT t.is((SELECT count(*)::int FROM query.audit a WHERE a::text ~ '(0a){8}|(1b){8}'), 0, 'no hash in the audit');
SELECT t.is(t.act('test.operator', $$management.accept_pile('CP-1', false)$$) ->> 'registration', 'rejected', 'a pile rejected');
SELECT t.is(t.run('test.viewer', $$SELECT is_accepted FROM query.pile WHERE pile = 'CP-1'$$), 'false', 'and seen so');
SELECT t.is(t.act('test.operator', $$management.accept_pile('CP-1')$$) ->> 'repeated', 'false', 'accepted again');
SELECT t.is(t.act('test.operator', $$management.accept_pile('CP-1')$$) ->> 'repeated', 'true', 'and once more');
SELECT t.act('test.operator', $$management.block_pile('CP-1')$$);
SELECT t.is(t.run('test.viewer', $$SELECT is_blocked FROM query.pile WHERE pile = 'CP-1'$$), 'true', 'a pile blocked');
SELECT t.act('test.operator', $$management.block_pile('CP-1', false)$$);
SELECT t.is((SELECT count(*)::int > 5 FROM core.directory_change), true, 'the directory learns of all this');
SELECT t.is((SELECT string_agg(format('%s %s -> %s', action, args -> 'before', args -> 'after'), ', ' ORDER BY id)
    FROM core.audit WHERE action IN ('AcceptPile', 'BlockPile') AND target = 'CP-1'),
    'AcceptPile {"registration": "accepted"} -> {"registration": "rejected"}, AcceptPile {"registration": "rejected"} -> {"registration": "accepted"},'
    ' BlockPile {"blocked": false} -> {"blocked": true}, BlockPile {"blocked": true} -> {"blocked": false}', 'each change once in the audit');
SELECT t.no('test.operator', $$management.accept_pile('')$$, 'pile-unknown', 'charge_point_id');
SELECT t.no('test.operator', $$management.block_pile(NULL)$$, 'pile-unknown', 'charge_point_id');
\echo 'ok - a key is changed, a pile accepted and blocked, and no hash is shown'

-- Its switches: what is not named stays, and the nodes learn of a change by the stream that keys come by.
CREATE FUNCTION t.switches() RETURNS text LANGUAGE sql AS $$
    SELECT (is_strict, quirks, ping_s)::text FROM query.pile WHERE pile = 'CP-1' $$;
CREATE FUNCTION t.changes() RETURNS bigint LANGUAGE sql AS $$ SELECT count(*) FROM core.directory_change $$;
SELECT t.changes() AS changes \gset
SELECT t.is(t.switches(), '(f,,)', 'as registered');
SELECT t.is(t.act('test.operator', $$management.set_pile_switches('cp-1', strict => true, trace_readings => true, ping_s => 0)$$),
    '{"chargePointId": "CP-1", "strict": true, "quirks": "trace-readings", "pingS": 0, "repeated": false}'::jsonb, 'three at once');
SELECT t.is(t.switches(), '(t,trace-readings,0)', 'read back');
SELECT t.is(t.changes(), :changes + 1::bigint, 'one change for the directory');
SELECT t.is(t.act('test.admin', $$management.set_pile_switches('CP-1', strict => true, trace_readings => true, ping_s => 0)$$) ->> 'repeated', 'true', 'the same again');
SELECT t.is(t.act('test.admin', $$management.set_pile_switches('CP-1')$$) ->> 'repeated', 'true', 'nothing is asked for');
SELECT t.is(t.changes(), :changes + 1::bigint, 'a repeat is no change');
SELECT inbound.sequence();
SELECT t.is((SELECT (strict, quirks, ping_s)::text FROM (SELECT d.quirks ~ '\mstrict\M' AS strict, d.quirks ~ 'trace-readings' AS quirks, d.ping_s
    FROM inbound.directory(0) d WHERE d.identity = 'CP-1') d), '(t,t,0)', 'what the nodes are told');
UPDATE core.station SET quirks = 'of-old, no-server-ping' WHERE identity = 'CP-1';
SELECT t.is(t.act('test.operator', $$management.set_pile_switches('CP-1', strict => false, assume_ocpp16 => true, no_server_ping => false)$$) ->> 'quirks',
    'assume-ocpp1.6 of-old', 'each by itself');
SELECT t.is(t.switches(), '(f,"assume-ocpp1.6 of-old",0)', 'what was not named stayed');
SELECT t.is((SELECT count(*)::int FROM query.audit WHERE action = 'SetPileSwitches'), 2, 'two changes in the audit');
SELECT t.no(who, format('management.set_pile_switches(%s)', args), code, member) FROM (VALUES
    ('test.operator', $$'CP-9', strict => true$$, 'pile-unknown', 'charge_point_id'), ('test.operator', $$NULL, strict => true$$, 'pile-unknown', 'charge_point_id'),
    ('test.operator', $$'CP-1', ping_s => -1$$, 'member-range', 'ping_s'), ('test.operator', $$'CP-1', ping_s => 3601$$, 'member-range', 'ping_s')) AS c (who, args, code, member);
SELECT t.is((t.refusal(who, $$SELECT management.set_pile_switches('CP-1', strict => true)$$)).state, '42501', who) FROM unnest(ARRAY['test.viewer', 'test.cashier']) who;
SELECT t.is(t.switches(), '(f,"assume-ocpp1.6 of-old",0)', 'what is refused changes nothing');
UPDATE core.station SET quirks = NULL, ping_s = NULL WHERE identity = 'CP-1';
\echo 'ok - switches change one by one, and the nodes learn of it'

-- Connectors; one that the pile reported first is completed.
INSERT INTO core.connector (station_id, number, status) SELECT id, 2, 'Available' FROM core.station WHERE identity = 'CP-1';
SELECT t.act('test.operator', format($$management.register_connector('CP-1', %s, 'DC', 120.5, 'GB/T 20234.3')$$, n)) FROM generate_series(1, 2) n;
SELECT t.is(t.run('test.viewer', $$SELECT string_agg((connector, kind, max_power_kw, standard, status, is_registered)::text, ' ' ORDER BY connector)
    FROM query.connector_now WHERE pile = 'CP-1'$$), '(1,DC,120.500,"GB/T 20234.3",,t) (2,DC,120.500,"GB/T 20234.3",Available,t)', 'two connectors');
SELECT t.is(t.act('test.operator', $$management.register_connector('CP-1', 1, 'DC', 120.50, 'GB/T 20234.3')$$) ->> 'repeated', 'true', 'the same connector again');
SELECT t.no('test.operator', format('management.register_connector(%s)', args), code, member) FROM (VALUES
    ($$'CP-1', 1, 'AC', 120.5, 'GB/T 20234.3'$$, 'registered-otherwise', 'connector_id'),
    ($$'CP-1', 0, 'AC', 7$$, 'member-range', 'connector_id'), ($$'CP-1', 1001, 'AC', 7$$, 'member-range', 'connector_id'),
    ($$'CP-1', NULL, 'AC', 7$$, 'member-missing', 'connector_id'), ($$'CP-1', 3, 'XX', 7$$, 'member-value', 'kind'),
    ($$'CP-1', 3, 'AC', 0$$, 'member-range', 'max_power_kw'), ($$'CP-1', 3, 'AC', NULL$$, 'member-missing', 'max_power_kw'),
    ($$'CP-1', 3, 'AC', 7.0001$$, 'member-decimals', 'max_power_kw'), ($$'CP-9', 3, 'AC', 7$$, 'pile-unknown', 'charge_point_id')) AS c (args, code, member);
SELECT t.is(t.act('test.operator', $$management.set_connector_power('CP-1', 2, 60)$$),
    '{"chargePointId": "CP-1", "connectorId": 2, "maxPowerKw": "60.000", "repeated": false}'::jsonb, 'a rated power corrected');
SELECT t.is(t.run('test.viewer', $$SELECT max_power_kw FROM query.connector_now WHERE pile = 'CP-1' AND connector = 2$$), '60.000', 'and read back');
SELECT t.is(t.act('test.operator', $$management.set_connector_power('CP-1', 2, 60.0)$$) ->> 'repeated', 'true', 'the same again');
SELECT t.no('test.operator', format('management.set_connector_power(%s)', args), code, member) FROM (VALUES
    ($$'CP-1', 3, 60$$, 'connector-unknown', 'connector_id'), ($$'CP-1', NULL, 60$$, 'connector-unknown', 'connector_id'), ($$'CP-9', 2, 60$$, 'pile-unknown', 'charge_point_id'),
    ($$'CP-1', 2, 0$$, 'member-range', 'max_power_kw'), ($$'CP-1', 2, 'NaN'$$, 'member-range', 'max_power_kw'), ($$'CP-1', 2, NULL$$, 'member-missing', 'max_power_kw'),
    ($$'CP-1', 2, 7.0001$$, 'member-decimals', 'max_power_kw')) AS c (args, code, member);
\echo 'ok - connectors are registered once, completed if the pile came first, and their power is corrected'

-- Customers, prepaid and postpaid.
SELECT t.is(t.act('test.operator', $$management.register_user('C1', 'CNY', 'S1', name => '张三', phone => '13900001111', language => 'zh')$$),
    '{"customer": "C1", "account": "wallet:C1:CNY", "accounts": ["wallet:C1:CNY", "arrears:C1:CNY", "bonus:C1:CNY"], "repeated": false}'::jsonb, 'a prepaid customer');
SELECT t.is(t.act('test.operator', $$management.register_user('C2', 'CNY', kind => 'company', payment => 'postpaid', ceiling => '5000')$$)
    ->> 'account', 'receivable:C2:CNY', 'a postpaid customer');
SELECT t.is(t.run('test.viewer', $$SELECT string_agg((account, balance, held, available, floor_amount, ceiling_amount)::text, ' ' ORDER BY account)
    FROM query.account WHERE customer IN ('C1', 'C2')$$), '(arrears:C1:CNY,0.00,0.00,0.00,,) (bonus:C1:CNY,0.00,0.00,0.00,0.00,)'
    ' (receivable:C2:CNY,0.00,0.00,5000.00,,5000.00) (wallet:C1:CNY,0.00,0.00,0.00,0.00,)', 'their accounts');
SELECT t.is(t.run('test.viewer', $$SELECT (kind, language, status, home_site, cards)::text FROM query.customer WHERE customer = 'C1'$$), '(person,zh,active,S1,0)', 'the customer read back');
SELECT t.is(t.act('test.operator', $$management.register_user('C1', 'CNY', 'S1', name => '张三', phone => '13900001111', language => 'zh')$$) ->> 'repeated', 'true', 'the same customer again');
SELECT t.no('test.operator', format('management.register_user(%s)', args), code, member) FROM (VALUES
    ($$'C1', 'CNY', 'S1', name => '李四'$$, 'registered-otherwise', 'customer'), ($$'C1', 'EUR', 'S1', name => '张三', phone => '13900001111', language => 'zh'$$, 'registered-otherwise', 'customer'),
    ($$'C2', 'CNY', kind => 'company', payment => 'postpaid', ceiling => 5001$$, 'registered-otherwise', 'customer'),
    ($$'C3', 'CNY', payment => 'postpaid'$$, 'ceiling-postpaid', 'ceiling'), ($$'C3', 'CNY', ceiling => 10$$, 'ceiling-postpaid', 'ceiling'),
    ($$'C3', 'CNY', payment => 'postpaid', ceiling => -1$$, 'member-range', 'ceiling'), ($$'C3', 'CNY', payment => 'postpaid', ceiling => 0.001$$, 'amount-decimals', 'ceiling'),
    ($$'C3', 'CNY', payment => 'later'$$, 'member-value', 'payment'), ($$'C3', 'CNY', kind => 'robot'$$, 'member-value', 'kind'),
    ($$'C3', 'XXX'$$, 'currency-unknown', 'currency'), ($$'C3', 'CNY', 'S9'$$, 'site-unknown', 'site'), ($$NULL, 'CNY'$$, 'member-missing', 'customer'),
    ($$'C3', 'CNY', language => 'Chinese'$$, 'member-text', 'language'), ($$'C3', 'CNY', name => ''$$, 'member-text', 'name')) AS c (args, code, member);
\echo 'ok - customers get the accounts of their way to pay'

-- Cards. No answer, audit or view shows a whole tag.
SELECT t.is(t.act('test.operator', $$management.register_card('CARD00012345', 'C1', parent_group => 'G1', expires_at => '2099-01-01Z')$$) ->> 'tag', 'CA***2345', 'a card');
SELECT t.is(t.run('test.viewer', $$SELECT (tag, status, customer, account, parent_group)::text FROM query.card$$), '(CA***2345,active,C1,wallet:C1:CNY,G1)', 'the card read back');
SELECT t.is(t.act('test.operator', $$management.register_card('card00012345', 'C1', parent_group => 'G1', expires_at => '2099-01-01Z')$$) ->> 'repeated', 'true', 'the same card in small letters');
SELECT t.is(t.act('test.operator', $$management.register_card('COMPANY1', 'C2')$$) ->> 'repeated', 'false', 'a card on a receivable');
SELECT t.is(t.act('test.operator', $$management.register_card('NOBODYS1')$$) ->> 'repeated', 'false', 'a card of nobody');
SELECT t.no('test.operator', format('management.register_card(%s)', args), code, member) FROM (VALUES
    ($$'CARD00012345', 'C2'$$, 'registered-otherwise', 'id_tag'), ($$'CARD00012345', 'C1', status => 'blocked'$$, 'registered-otherwise', 'id_tag'),
    ($$'X', 'C9'$$, 'customer-unknown', 'customer'), ($$'X', 'C1', 'wallet:C2:CNY'$$, 'account-unknown', 'account'), ($$'X', NULL, 'wallet:C1:CNY'$$, 'account-unknown', 'account'),
    ($$'X', 'C1', 'bonus:C1:CNY'$$, 'account-unknown', 'account'), ($$repeat('X', 21), 'C1'$$, 'member-text', 'id_tag'), ($$'', 'C1'$$, 'member-text', 'id_tag'),
    ($$NULL, 'C1'$$, 'member-missing', 'id_tag'), ($$'X', 'C1', status => 'melted'$$, 'member-value', 'status'), ($$'X', 'C1', expires_at => 'infinity'$$, 'member-range', 'expires_at'),
    ($$'X', 'C1', parent_group => repeat('G', 21)$$, 'member-text', 'parent_group')) AS c (args, code, member);
SELECT t.is(t.act('test.operator', $$management.set_card_status('CARD00012345', 'blocked')$$) ->> 'status', 'blocked', 'a card blocked');
SELECT t.is((core.tag_check('card00012345', now())).status, 'Blocked', 'and it charges no more');
SELECT t.is(t.act('test.operator', $$management.set_card_status('CARD00012345', 'blocked')$$) ->> 'repeated', 'true', 'blocked again');
SELECT t.act('test.operator', $$management.set_card_status('CARD00012345', 'active')$$);
SELECT t.is((core.tag_check('CARD00012345', now())).status, 'Accepted', 'and it charges again');
SELECT t.no('test.operator', $$management.set_card_status('UNKNOWN', 'blocked')$$, 'card-unknown', 'id_tag');
SELECT t.no('test.operator', $$management.set_card_status('CARD00012345', 'gone')$$, 'member-value', 'status');
SELECT t.is((SELECT count(*)::int FROM query.audit a WHERE a::text ~* 'card00012345|张三|13900001111'), 0, 'no tag, name or phone in the audit');
SELECT t.is((SELECT string_agg(DISTINCT action, ' ' ORDER BY action) FROM query.audit WHERE actor = 'test.operator'),
    'AcceptPile BlockPile RegisterCard RegisterConnector RegisterPile RegisterSite RegisterUser SetCardStatus SetConnectorPower SetPileKey SetPileSwitches', 'all of it in the audit');
\echo 'ok - cards are registered and blocked, and no tag is shown'

-- Logins and days.
SELECT core.make_login('test.new', 'operator', 'list');
SELECT t.is(t.act('test.admin', $$management.grant_site('test.new', 'S1')$$) ->> 'repeated', 'false', 'a site granted');
SELECT t.is(t.act('test.admin', $$management.grant_site('test.new', 'S1')$$) ->> 'repeated', 'true', 'granted again');
SELECT t.is(t.run('test.admin', $$SELECT sites FROM query.login WHERE login = 'test.new'$$), 'S1', 'the grant read back');
SELECT t.is(t.act('test.admin', $$management.set_login('test.new', scope => 'all', label => 'night shift')$$) ->> 'scope', 'all', 'a scope');
SELECT t.is(t.run('test.admin', $$SELECT scope || label FROM query.login WHERE login = 'test.new'$$), 'allnight shift', 'the scope read back');
SELECT t.no('test.admin', $$management.grant_site('nobody', 'S1')$$, 'login-unknown', 'login');
SELECT t.no('test.admin', $$management.grant_site('test.new', 'S9')$$, 'site-unknown', 'site');
SELECT t.no('test.admin', $$management.set_login('nobody')$$, 'login-unknown', 'login');
SELECT t.no('test.admin', $$management.set_login('test.new', scope => 'some')$$, 'member-value', 'scope');
SELECT t.no('test.admin', $$management.set_login('test.admin', disabled => true)$$, 'login-own', 'login');
SELECT t.no('test.admin', $$management.set_login('test.admin', scope => 'list')$$, 'login-own', 'login');
SELECT t.is(t.act('test.operator', $$management.set_calendar_day('CN', '2199-10-01', 'holiday')$$) ->> 'dayType', 'holiday', 'a holiday');
SELECT t.is(t.run('test.viewer', $$SELECT day_type FROM query.calendar_day WHERE region = 'CN' AND date = '2199-10-01'$$), 'holiday', 'the holiday read back');
SELECT t.is(t.act('test.operator', $$management.set_calendar_day('CN', '2199-10-01', 'holiday')$$) ->> 'repeated', 'true', 'the same holiday');
SELECT t.is(t.act('test.operator', $$management.set_calendar_day('CN', '2199-10-01')$$) ->> 'dayType', NULL, 'taken away');
SELECT t.is((SELECT count(*)::int FROM query.calendar_day), 0, 'and gone');
SELECT t.act('test.operator', format($$management.set_calendar_day('CN', %L, 'holiday')$$, current_date - 1));
SELECT t.no('test.operator', format($$management.set_calendar_day('CN', %L, 'workday')$$, current_date - 1), 'calendar-begun', 'date');
SELECT t.no('test.operator', format($$management.set_calendar_day('CN', %L)$$, current_date - 1), 'calendar-begun', 'date');
SELECT t.no('test.operator', $$management.set_calendar_day('CN', NULL, 'x')$$, 'member-range', 'date');
SELECT t.no('test.operator', $$management.set_calendar_day('CN', 'infinity', 'x')$$, 'member-range', 'date');
SELECT t.no('test.operator', $$management.set_calendar_day('CN', '2199-01-01', 'Big Day')$$, 'member-text', 'day_type');
SELECT t.no('test.operator', $$management.set_calendar_day(NULL, '2199-01-01', 'x')$$, 'member-missing', 'region');
\echo 'ok - sites are granted, logins set, and days that have begun stay'

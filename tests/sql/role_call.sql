-- api.call: JSON to an action and back, with nothing let by unchecked.
\ir role_helpers.psql
SELECT t.world();
CREATE FUNCTION t.call(p_login text, p_action text, p_payload text) RETURNS jsonb LANGUAGE sql AS $$
    SELECT t.act(p_login, format('api.call(%L, %L)', p_action, p_payload)) $$;
CREATE FUNCTION t.no_call(p_login text, p_action text, p_payload text, p_code text, p_member text) RETURNS void LANGUAGE sql AS $$
    SELECT t.no(p_login, format('api.call(%L, %L)', p_action, p_payload), p_code, p_member) $$;

SELECT t.is(t.call('test.operator', 'RegisterPile', '{"chargePointId": "CP-J", "site": "S-A", "protection": "IP55", "outdoors": true, "heartbeatS": 60, "quirks": null}')
    ->> 'chargePointId', 'CP-J', 'members by name, null is absent');
SELECT t.is((SELECT heartbeat_s FROM query.pile WHERE pile = 'CP-J'), 60, 'read back');
SELECT t.is(t.call('test.operator', 'RegisterConnector', '{"chargePointId": "CP-J", "connectorId": 1, "kind": "AC", "maxPowerKw": "7.04"}') ->> 'connectorId', '1', 'a decimal text is a number');
SELECT t.is(t.call('test.operator', 'RegisterConnector', '{"chargePointId": "CP-J", "connectorId": 2, "kind": "AC", "maxPowerKw": 7.040}') ->> 'connectorId', '2', 'a JSON number too');
SELECT t.is((SELECT string_agg(max_power_kw::text, ' ') FROM query.connector_now WHERE pile = 'CP-J'), '7.040 7.040', 'both exact');
SELECT t.is(t.call('test.cashier', 'TopUp', '{"customer": "C-A", "amount": "0.10", "currency": "CNY", "channel": "cash", "externalNo": "1"}') ->> 'balance', '100.10', 'money in and out as text');
SELECT t.is(t.call('test.operator', 'PublishTariff', format('{"code": "J", "document": %s, "validFrom": "2026-01-31T12:00:00Z", "site": "S-A"}', t.document())) ->> 'version', '1', 'a document and a time');
SELECT t.is(t.call('test.operator', 'SetCalendarDay', '{"region": "CN", "date": "2199-01-01", "dayType": "holiday"}') ->> 'date', '2199-01-01', 'a date');
SELECT t.is(t.call('test.operator', 'RemoteStart', '{"chargePointId": "CP-A", "idTag": "TAGA000012345", "connectorId": 1, "idempotencyKey": "k"}') ->> 'state', 'queued', 'a command');
SELECT t.is(t.call('test.operator', 'RemoteStart', '{"chargePointId": "CP-A", "idTag": "TAGA000012345", "connectorId": 1, "idempotencyKey": "k"}') ->> 'repeated', 'true', 'once');
SELECT t.is((SELECT actor FROM query.audit WHERE action = 'RegisterPile' AND target = 'CP-J'), 'test.operator', 'the audit names who called');

SELECT t.no_call('test.operator', action, payload, code, member) FROM (VALUES
    ('Nothing', '{}', 'action-unknown', 'action'), ('register_pile', '{}', 'action-unknown', 'action'), ('', '{}', 'action-unknown', 'action'),
    ('RegisterPile; DROP TABLE core.site', '{}', 'action-unknown', 'action'), ('PgSleep', '{}', 'action-unknown', 'action'), ('OpenAccount', '{}', 'action-unknown', 'action'),
    ('SetLogin', '{"login": "test.operator"}', 'action-denied', 'action'), ('TopUp', '{}', 'action-denied', 'action'),
    ('RegisterPile', '[]', 'member-kind', 'payload'), ('RegisterPile', '"x"', 'member-kind', 'payload'), ('RegisterPile', 'null', 'member-kind', 'payload'),
    ('RegisterPile', '{}', 'member-missing', 'chargePointId'), ('RegisterPile', '{"chargePointId": null}', 'member-missing', 'chargePointId'),
    ('RegisterPile', '{"charge_point_id": "X"}', 'member-unknown', 'charge_point_id'), ('RegisterPile', '{"chargePointId": "X", "role": "admin"}', 'member-unknown', 'role'),
    ('RegisterPile', '{"chargePointId": 5, "site": "S-A", "protection": "IP54"}', 'member-kind', 'chargePointId'),
    ('RegisterPile', '{"chargePointId": "X", "site": "S-A", "protection": "IP54", "outdoors": "true"}', 'member-kind', 'outdoors'),
    ('RegisterPile', '{"chargePointId": "X", "site": "S-A", "protection": "IP54", "heartbeatS": "60"}', 'member-kind', 'heartbeatS'),
    ('RegisterPile', '{"chargePointId": "X", "site": "S-A", "protection": "IP54", "heartbeatS": 60.5}', 'member-kind', 'heartbeatS'),
    ('RegisterPile', '{"chargePointId": "X", "site": "S-A", "protection": "IP54", "heartbeatS": 6e40}', 'member-kind', 'heartbeatS'),
    ('RegisterPile', '{"chargePointId": "X", "site": "S-A", "protection": "IP54", "heartbeatS": 99999999999}', 'member-kind', 'heartbeatS'),
    ('RegisterPile', '{"chargePointId": "X", "site": ["S-A"], "protection": "IP54"}', 'member-kind', 'site'),
    ('RegisterPile', '{"chargePointId": "X''); DROP TABLE core.site; --", "site": "S-A", "protection": "IP1"}', 'protection-form', 'protection'),
    ('RegisterConnector', '{"chargePointId": "CP-A", "connectorId": 3, "kind": "AC", "maxPowerKw": "7 kW"}', 'member-kind', 'maxPowerKw'),
    ('RegisterConnector', '{"chargePointId": "CP-A", "connectorId": 3, "kind": "AC", "maxPowerKw": "NaN"}', 'member-kind', 'maxPowerKw'),
    ('RegisterConnector', '{"chargePointId": "CP-A", "connectorId": 3, "kind": "AC", "maxPowerKw": true}', 'member-kind', 'maxPowerKw'),
    ('SetCalendarDay', '{"region": "CN", "date": "2199-02-30"}', 'member-kind', 'date'), ('SetCalendarDay', '{"region": "CN", "date": 20990101}', 'member-kind', 'date'),
    ('RegisterCard', '{"idTag": "X", "expiresAt": "soon"}', 'member-kind', 'expiresAt'), ('Wait', '{"id": "1"}', 'member-kind', 'id')) AS c (action, payload, code, member);
SELECT t.is((SELECT count(*)::int FROM query.site), 2, 'the sites are still there');
SELECT t.no('test.operator', 'api.call(NULL, ''{}'')', 'action-unknown', 'action');
SELECT t.no('test.operator', 'api.call(''RegisterPile'', NULL)', 'member-missing', 'chargePointId');
\echo 'ok - JSON becomes the call that it says, or is refused by its member'
-- Each action can be reached by its name, and no other function.
SELECT t.is((t.refusal('test.admin', format('SELECT api.call(%L, ''{"noSuchMember": 1}'')', action))).code, 'member-unknown', action) FROM api.action;
\echo 'ok - each action is reached by its name'

-- Remote start and stop are rows that the pile's node claims; wait tells how they ended.
\ir role_helpers.psql
SELECT t.world();
CREATE FUNCTION t.pile(p_identity text) RETURNS bigint LANGUAGE sql AS $$ SELECT id FROM core.station WHERE identity = p_identity $$;

SELECT t.is(t.act('test.operator', $$operation.remote_start('CP-A', 'TAGA000012345', 1, 'key-1')$$) - 'deadlineAt' - 'commandId',
    '{"chargePointId": "CP-A", "action": "RemoteStartTransaction", "state": "queued", "repeated": false, "isOnline": false}'::jsonb, 'a start is queued');
SELECT t.is((SELECT payload FROM core.command), '{"connectorId": 1, "idTag": "TAGA000012345"}'::jsonb, 'what the pile will get');
SELECT t.is(t.run('test.viewer', $$SELECT (pile, site, action, payload, state, is_final, actor, idempotency_key)::text FROM query.command$$),
    '(CP-A,S-A,RemoteStartTransaction,"{""idTag"": ""TA***2345"", ""connectorId"": 1}",queued,f,test.operator,key-1)', 'what a viewer sees of it');
SELECT t.is((SELECT deadline_at > now() + interval '55 s' AND deadline_at < now() + interval '65 s' FROM query.command), true, 'its deadline');
SELECT t.is((SELECT count(*)::int FROM query.audit WHERE action = 'RemoteStartTransaction' AND target = 'CP-A'), 1, 'its audit');
SELECT t.is(t.act('test.operator', $$operation.remote_start('CP-A', 'TAGA000012345', 1, 'key-1')$$) ->> 'commandId',
    (SELECT command_id::text FROM query.command), 'the same key is the same command');
SELECT t.is((SELECT count(*)::int FROM query.command), 1, 'and one row');
SELECT t.no('test.operator', $$operation.remote_start('CP-A', 'TAGA000012345', NULL, 'key-1')$$, 'repeat-changed', 'idempotency_key');
SELECT t.no('test.operator', $$operation.remote_start('CP-B', 'TAGA000012345', 1, 'key-1')$$, 'repeat-changed', 'idempotency_key');
SELECT t.is(t.act('test.admin', $$operation.remote_start('CP-A', 'TAGA000012345', 1, 'key-1')$$) ->> 'repeated', 'false', 'another person''s key is another key');
SELECT t.is(t.act('test.operator', $$operation.remote_start('cp-a', 'taga000012345')$$) ->> 'repeated', 'false', 'without a key each is its own');

SELECT t.act('test.operator', $$management.register_card('BLOCKED001', 'C-A', status => 'blocked')$$);
SELECT t.act('test.operator', $$management.register_card('EXPIRED001', 'C-A', expires_at => '2001-01-01Z')$$);
SELECT t.act('test.operator', $$management.register_pile('CP-W', 'S-A', 'IP54', accepted => false)$$);
SELECT t.no('test.operator', format('operation.remote_start(%s)', args), code, member) FROM (VALUES
    ($$'CP-X', 'TAGA000012345'$$, 'pile-unknown', 'charge_point_id'), ($$NULL, 'TAGA000012345'$$, 'pile-unknown', 'charge_point_id'),
    ($$'CP-A', 'NOBODY'$$, 'card-unknown', 'id_tag'), ($$'CP-A', NULL$$, 'member-missing', 'id_tag'), ($$'CP-A', repeat('T', 21)$$, 'member-text', 'id_tag'),
    ($$'CP-A', 'BLOCKED001'$$, 'card-refused', 'id_tag'), ($$'CP-A', 'EXPIRED001'$$, 'card-refused', 'id_tag'),
    ($$'CP-A', 'TAGA000012345', 0$$, 'connector-unknown', 'connector_id'), ($$'CP-A', 'TAGA000012345', 9$$, 'connector-unknown', 'connector_id'),
    ($$'CP-A', 'TAGA000012345', -1$$, 'connector-unknown', 'connector_id'), ($$'CP-W', 'TAGA000012345'$$, 'pile-not-accepted', 'charge_point_id'),
    ($$'CP-A', 'TAGA000012345', 1, deadline_s => 0$$, 'member-range', 'deadline_s'), ($$'CP-A', 'TAGA000012345', 1, deadline_s => 86401$$, 'member-range', 'deadline_s'),
    ($$'CP-A', 'TAGA000012345', 1, ''$$, 'member-text', 'idempotency_key'), ($$'CP-A', 'TAGA000012345', 1, repeat('k', 129)$$, 'member-text', 'idempotency_key')) AS c (args, code, member);
SELECT t.act('test.operator', $$management.block_pile('CP-A')$$);
SELECT t.no('test.operator', $$operation.remote_start('CP-A', 'TAGA000012345')$$, 'pile-not-accepted', 'charge_point_id');
SELECT t.act('test.operator', $$management.block_pile('CP-A', false)$$);
\echo 'ok - a remote start is queued once, and refused for what cannot charge'

-- A stop names a running session of that pile.
SELECT t.is(x.status, 'Accepted', 'a session') FROM t.start(t.pile('CP-A'), 'TAGA000012345', 1000) x;
CREATE FUNCTION t.transaction() RETURNS bigint LANGUAGE sql AS $$ SELECT max(transaction_id) FROM core.session $$;
SELECT t.is(t.act('test.operator', format('operation.remote_stop(''CP-A'', %s, ''stop-1'')', t.transaction())) ->> 'action', 'RemoteStopTransaction', 'a stop is queued');
SELECT t.is((SELECT (m.session_uid = s.session_uid)::text || m.payload FROM query.command m, query.session s WHERE m.action = 'RemoteStopTransaction'),
    format('true{"transactionId": %s}', t.transaction()), 'it belongs to the session');
SELECT t.no('test.operator', format('operation.remote_stop(''CP-B'', %s)', t.transaction()), 'session-unknown', 'transaction_id');
SELECT t.no('test.operator', format('operation.remote_stop(''CP-A'', %s)', t.transaction() + 1), 'session-unknown', 'transaction_id');
SELECT t.no('test.operator', 'operation.remote_stop(''CP-A'', NULL)', 'session-unknown', 'transaction_id');
SELECT t.no('test.operator', 'operation.remote_stop(''CP-A'', -1)', 'session-unknown', 'transaction_id');
SELECT t.is(x.outcome, 'done', 'the session stops') FROM t.stop(t.pile('CP-A'), t.transaction(), 2000) x;
SELECT t.no('test.operator', format('operation.remote_stop(''CP-A'', %s)', t.transaction()), 'session-ended', 'transaction_id');
SELECT t.is(t.act('test.operator', format('operation.remote_stop(''CP-A'', %s, ''stop-1'')', t.transaction())) ->> 'repeated', 'true', 'but a repeat is answered');
\echo 'ok - a remote stop is for a running session of that pile'

-- Waiting.
SELECT t.is(t.act('test.operator', 'operation.wait(1, 0)') ->> 'isFinal', 'false', 'nothing yet');
UPDATE core.command SET state = 'accepted', sent_at = requested_at, answered_at = requested_at + interval '1.5 s', answer = '{"status":"Accepted"}' WHERE id = 1;
SELECT t.is(t.act('test.operator', 'operation.wait(1)') - 'sentAt' - 'answeredAt',
    '{"commandId": 1, "chargePointId": "CP-A", "action": "RemoteStartTransaction", "state": "accepted", "isFinal": true, "answer": "{\"status\":\"Accepted\"}"}'::jsonb, 'the pile''s answer');
SELECT t.is((SELECT latency_s || is_final::text FROM query.command WHERE command_id = 1), '1.500true', 'and how long it took');
SELECT t.is((SELECT clock_timestamp() - began BETWEEN interval '0.9 s' AND interval '3 s' FROM (SELECT clock_timestamp() AS began) b,
    LATERAL (SELECT t.act('test.operator', format('operation.wait(%s, 1)', (SELECT max(command_id) FROM query.command WHERE state = 'queued')))) w), true, 'it waits as long as it is told');
SELECT t.no('test.operator', 'operation.wait(999999, 0)', 'command-unknown', 'id');
SELECT t.no('test.operator', 'operation.wait(NULL)', 'command-unknown', 'id');
SELECT t.no('test.operator', 'operation.wait(1, 26)', 'member-range', 'seconds');
SELECT t.no('test.operator', 'operation.wait(1, -1)', 'member-range', 'seconds');
\echo 'ok - a wait tells the outcome'
-- Secrets of a command are in no view.
INSERT INTO core.command (station_id, action, payload, secret_members, deadline, actor)
VALUES (t.pile('CP-A'), 'ChangeConfiguration', '{"key": "AuthorizationKey", "value": "c0ffee00c0ffee00"}', '{value}', now(), 'x');
SELECT t.is((SELECT count(*)::int FROM query.command m WHERE m::text LIKE '%c0ffee%'), 0, 'no secret in query.command');
\echo 'ok - no secret of a command is shown'

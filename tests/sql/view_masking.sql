-- No view shows a whole tag, a key, a password, a name or a phone number, wherever a pile or a person put it.
\ir role_helpers.psql
SELECT t.world();
SELECT t.act('test.admin', $$management.register_user('C-X', 'CNY', 'S-A', name => 'CANARYNAME', phone => 'CANARYPHONE', email => 'CANARYMAIL', address => 'CANARYADDRESS', tax_number => 'CANARYTAX')$$);
SELECT t.act('test.admin', $$management.register_card('CANARYTAG0012345', 'C-X', parent_group => 'GROUP')$$);
SELECT t.act('test.admin', $$operation.top_up(100, 'CNY', 'cash', '1', 'C-X')$$);
SELECT t.act('test.admin', $$management.set_pile_key('CP-A', repeat('ca', 32))$$);
SELECT t.act('test.admin', $$operation.remote_start('CP-A', 'CANARYTAG0012345')$$);
SELECT t.is(x.status, 'Accepted', 'a session') FROM t.start((SELECT id FROM core.station WHERE identity = 'CP-A'), 'CANARYTAG0012345', 1000) x;
SELECT t.start((SELECT id FROM core.station WHERE identity = 'CP-B'), 'CANARYTAG0012345', -5);
INSERT INTO core.frame (station, at, direction, type, action, frame) SELECT p.id, now(), 'in', 2, 'X', frame FROM core.station p, (VALUES
    ('[2,"1","Authorize",{"idTag":"CANARYTAG0012345"}]'), ('[2,"1","Authorize",{ "idTag" : "CANARYTAG0012345" }]'), ('[3,"1",{"idTagInfo":{"status":"Accepted","parentIdTag":"CANARYTAG0012345"}}]'),
    ('[2,"1","StartTransaction",{"connectorId":1,"idTag":"CANARYTAG0012345","meterStart":0}]'), ('[2,"1","Authorize",{"IDTAG":"CANARYTAG0012345"}]'),
    ('[2,"1","Authorize",{"idTag":"CANARYTAG\"0012345"}]'), ('[2,"1","SendLocalList",{"localAuthorizationList":[{"idTag":"CANARYTAG0012345"},{"idTag":"CANARYTAG0012346"}]}]'),
    ('[2,"1","ChangeConfiguration",{"key":"AuthorizationKey","value":"CANARYKEY"}]'), ('[2,"1","ChangeConfiguration",{"value":"CANARYKEY","key":"AuthorizationKey"}]'),
    ('[3,"1",{"configurationKey":[{"key":"AuthorizationKey","readonly":false,"value":"CANARYKEY"}]}]'), ('[2,"1","GetDiagnostics",{"location":"ftp://user:CANARYPASS@host/x"}]'),
    ('[2,"1","DataTransfer",{"vendorId":"x","password":"CANARYPASS"}]')) AS f (frame);
INSERT INTO core.review (kind, dedupe_key, station_id, site_id, detail, frame) SELECT 'x', 'x', p.id, p.site_id, '{"idTag": "CANARYTAG0012345", "id_tag": "CANARYTAG0012345", "tag": "CANARYTAG0012345"}',
    '[2,"1","StartTransaction",{"idTag":"CANARYTAG0012345"}]' FROM core.station p LIMIT 1;
INSERT INTO core.meter_reading (station, at, connector, hash, received_at, extra) SELECT id, now(), 1, 1, now(), '{"idTag": "CANARYTAG0012345"}' FROM core.station LIMIT 1;
INSERT INTO core.audit (actor, action, args) VALUES ('x', 'x', '{"after": {"id_tag": "CANARYTAG0012345", "key_hash": "CANARYKEY", "password": "CANARYPASS"}}');

CREATE FUNCTION t.leaks(p_login text) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
    v text;
BEGIN
    FOR v IN SELECT view FROM api.view WHERE schema = 'query' LOOP
        IF has_table_privilege(p_login, 'query.' || v, 'SELECT') THEN
            RETURN QUERY SELECT v || ': ' || x FROM (SELECT t.run(p_login, format(
                $f$SELECT string_agg(v::text, '; ') FROM query.%I v
                   WHERE v::text ~* 'CANARY(TAG0|NAME|PHONE|MAIL|ADDRESS|TAX|KEY|PASS)|ARYTAG|(ca){20}|TAG.?"0012345'$f$, v)) AS x) y WHERE x IS NOT NULL;
        END IF;
    END LOOP;
END
$$;
SELECT t.is((SELECT string_agg(leak, E'\n') FROM t.leaks('test.' || role) leak), NULL, 'what ' || role || ' must not see') FROM unnest(ARRAY['viewer', 'operator', 'cashier', 'admin']) role;
\echo 'ok - no role sees a tag, key, password, name or phone'
-- What is left is enough to tell cards apart, and the scan would have found them.
SELECT t.is((SELECT count(*) > 5 FROM query.conversation WHERE frame LIKE '%CA***2345%'), true, 'masked, not gone');
SELECT t.is((SELECT count(*)::int FROM query.conversation WHERE frame LIKE '%SendLocalList%CA***2345%CA***2346%'), 2, 'each tag of a list by itself');
SELECT t.is((SELECT tag FROM query.session WHERE pile = 'CP-A'), 'CA***2345', 'the tag of a session');
SELECT t.is((SELECT payload ->> 'idTag' FROM query.command), 'CA***2345', 'the tag of a command');
SELECT t.is((SELECT detail ->> 'tag' FROM query.review WHERE kind = 'x'), 'CA***2345', 'the tag of a review');
UPDATE core.review SET kind = 'CANARYPASS' WHERE kind = 'x';
SELECT t.is((SELECT count(*)::int FROM t.leaks('test.admin')), 1, 'the scan finds what leaks');
\echo 'ok - what is left tells cards apart, and the scan finds a leak'
-- Masking leaves JSON that is JSON, and text without tags as it is.
SELECT t.is(core.mask_text(x), x, 'left alone: ' || x) FROM (VALUES ('[2,"1","Heartbeat",{}]'), (''), ('{"key":"HeartbeatInterval","value":"300"}'), ('no JSON at all')) AS s (x);
SELECT t.is(core.mask_text(NULL), NULL, 'nothing');
SELECT t.is(core.mask_text(core.mask_text(x)), core.mask_text(x), 'masked once is masked') FROM (VALUES ('{"idTag":"ABCDEFGHIJK"}'), ('{"idTag":"ABC"}'), ('{"idTag":""}')) AS s (x);
SELECT t.is(core.mask_text('{"idTag":"ABCDEFGH","n":1}'), '{"idTag":"***","n":1}', 'a short tag shows nothing');
SELECT t.is(core.mask_text('{"configurationKey":[{"key":"HeartbeatInterval","readonly":false,"value":"300"},{"key":"AuthorizationKey","readonly":false,"value":"c0ffee"},{"value":"c0ffee","readonly":false,"key":"AuthorizationKey"},{"key":"MeterValueSampleInterval","value":"10"}]}'),
    '{"configurationKey":[{"key":"HeartbeatInterval","readonly":false,"value":"300"},{"key":"AuthorizationKey","readonly":false,"value":"***"},{"value":"***","readonly":false,"key":"AuthorizationKey"},{"key":"MeterValueSampleInterval","value":"10"}]}',
    'one secret value of many');
SELECT t.is(core.mask_text(x)::jsonb IS NOT NULL, true, 'still JSON: ' || x) FROM (VALUES ('{"idTag": "a\"b\\"}'), ('{"a\"key": "secret", "passwd": "\\\""}'), ('{"x": "\"idTag\": \"abcdefghijkl\"", "secret": "{}"}'),
    ('[{"key": "secretKey", "value": "}{"}]'), ('{"password": "", "idTag": ""}')) AS s (x);
\echo 'ok - masking leaves JSON JSON'
-- Whoever reads may change how his own texts are read, and nothing about what is masked.
SET standard_conforming_strings = off;
SET escape_string_warning = off;
SELECT t.is(core.mask_text('{"idTag":"ABCDEFGHIJK","passwd": "x"}'), '{"idTag":"AB***HIJK","passwd": "***"}', 'masked all the same');
SELECT t.is(t.act('test.operator', format('management.publish_tariff(''T-BACK'', %L)', t.document() || '{"last_updated": "2026-01-31T12:00:00Z"}')) ->> 'version', '1', 'checked all the same');
RESET standard_conforming_strings;
RESET escape_string_warning;
\echo 'ok - a reader''s settings change no pattern'

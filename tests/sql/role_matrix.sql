-- Who may do what: every role against every action and every view, by calling them, from one table of
-- policy. An action that this table does not name is allowed to nobody.
\ir role_helpers.psql
SELECT t.world();

CREATE TABLE t.policy (action text PRIMARY KEY, roles text[] NOT NULL);
INSERT INTO t.policy VALUES
    ('accept_pile', '{operator,admin}'), ('assign_tariff', '{operator,admin}'), ('block_pile', '{operator,admin}'),
    ('decide_review', '{operator,admin}'), ('grant_site', '{admin}'), ('publish_tariff', '{operator,admin}'),
    ('register_card', '{operator,admin}'), ('register_connector', '{operator,admin}'),
    ('register_pile', '{operator,admin}'), ('register_site', '{operator,admin}'), ('register_user', '{operator,admin}'),
    ('set_calendar_day', '{operator,admin}'), ('set_card_status', '{operator,admin}'), ('set_login', '{admin}'),
    ('set_connector_power', '{operator,admin}'), ('set_pile_key', '{operator,admin}'),
    ('set_pile_switches', '{operator,admin}'), ('remote_start', '{operator,admin}'), ('remote_stop', '{operator,admin}'),
    ('wait', '{operator,admin}'), ('top_up', '{cashier,admin}');

-- Each action is called with nothing but nulls: allowed is a refusal of the action's own, denied is
-- PostgreSQL's "permission denied" before the action has run.
CREATE FUNCTION t.cell(p_role text, p_oid oid) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    got record;
    target text;
BEGIN
    SELECT format('SELECT %I.%I(%s)', n.nspname, p.proname,
                  (SELECT string_agg(format('NULL::%s', format_type(type, NULL)), ', ') FROM unnest(p.proargtypes::oid[]) type))
    INTO target FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE p.oid = p_oid;
    SELECT * INTO got FROM t.refusal('test.' || p_role, target);
    IF got.state IS NULL THEN
        RAISE EXCEPTION 'FAILED: % took nothing but nulls', target;
    ELSIF got.message LIKE 'permission denied for function%' THEN
        RETURN false;
    ELSIF got.code IS NOT NULL THEN
        RETURN true;
    END IF;
    RAISE EXCEPTION 'FAILED: % as %: % %', target, p_role, got.state, got.message;
END
$$;
SELECT t.is(t.cell(role, p.oid), role = ANY (coalesce(y.roles, '{}')), format('%s runs %s', role, p.proname))
FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace AND n.nspname IN ('management', 'operation')
LEFT JOIN t.policy y ON y.action = p.proname, unnest(ARRAY['viewer', 'operator', 'cashier', 'admin']) role;
SELECT t.is((SELECT string_agg(action, ' ') FROM t.policy y WHERE NOT EXISTS (
    SELECT FROM pg_proc p WHERE p.proname = y.action AND p.pronamespace IN ('management'::regnamespace, 'operation'::regnamespace))),
    NULL, 'actions of the policy that are gone');
\echo 'ok - each role runs the actions of its policy and no other'

-- The same through api.call: one table of rights, two ways in.
SELECT t.is((t.refusal('test.' || role, format('SELECT api.call(%L, %L)', api.camel_case(y.action), '{}'))).code = 'action-denied',
            NOT role = ANY (y.roles), format('%s calls %s', role, y.action))
FROM t.policy y, unnest(ARRAY['viewer', 'operator', 'cashier', 'admin']) role;
\echo 'ok - and the same by api.call'

-- Views: everybody reads them, but for the two about logins and changes.
SELECT t.is((t.refusal('test.' || role, format('SELECT * FROM %I.%I', v.schema, v.view))).state,
            CASE WHEN v.view = 'login' AND role <> 'admin' OR v.view = 'audit' AND role IN ('viewer', 'cashier')
                 THEN '42501' END, format('%s reads %s.%s', role, v.schema, v.view))
FROM api.view v, unnest(ARRAY['viewer', 'operator', 'cashier', 'admin']) role;
\echo 'ok - each role reads its views'
-- Tables and inner functions: nobody.
SELECT t.is((t.refusal('test.' || role, format('SELECT * FROM %s', c.oid::regclass))).state, '42501',
            format('%s reads the table %s', role, c.oid::regclass))
FROM pg_class c, unnest(ARRAY['viewer', 'operator', 'cashier', 'admin']) role
WHERE c.relnamespace IN ('core'::regnamespace, 'ledger'::regnamespace) AND c.relkind IN ('r', 'p', 'v') AND NOT c.relispartition;
SELECT t.is(has_function_privilege('test.' || role, p.oid, 'EXECUTE'), false, format('%s runs %s', role, p.oid::regprocedure))
FROM pg_proc p, unnest(ARRAY['viewer', 'operator', 'cashier', 'admin']) role
WHERE p.pronamespace IN ('ledger'::regnamespace, 'inbound'::regnamespace)
   OR p.pronamespace = 'core'::regnamespace AND p.proname NOT IN ('actor', 'sees_all', 'visible_sites', 'visible_fleets',
      'mask_text', 'money', 'local_time', 'seconds_between', 'station_has_key', 'session_window', 'session_connectors', 'require_site')
   OR p.pronamespace = 'api'::regnamespace AND p.proname NOT IN ('call', 'call_arguments', 'call_value_check', 'refuse',
      'camel_case', 'parameters', 'comment_part');
\echo 'ok - no role reads a table or runs an inner function'

-- What a viewer must not do at all.
SELECT t.is((t.refusal('test.viewer', statement)).state, state, statement) FROM (VALUES
    ('INSERT INTO query.site (site) VALUES (''X'')', '55000'),
    ('INSERT INTO query.calendar_day VALUES (''CN'', ''2199-01-01'', ''holiday'')', '42501'),
    ('UPDATE query.calendar_day SET day_type = ''x''', '42501'),
    ('UPDATE query.account SET balance = 1000', '55000'),
    ('DELETE FROM query.calendar_day', '42501'),
    ('TRUNCATE ledger.journal', '42501'),
    ('SET ROLE joulebook_writer', '42501'),
    ('SET ROLE joulebook_admin', '42501'),
    ('CREATE TABLE public.x (a int)', '42501'),
    ('CREATE TABLE query.x (a int)', '42501'),
    ('CREATE FUNCTION api.x() RETURNS int LANGUAGE sql AS ''SELECT 1''', '42501'),
    ('CREATE OR REPLACE VIEW query.site AS SELECT 1', '42501'),
    ('COPY query.site TO PROGRAM ''cat''', '42501'),
    ('SELECT pg_read_file(''/etc/passwd'')', '42501'),
    ('SELECT lo_import(''/etc/passwd'')', '42501'),
    ('SELECT rolpassword FROM pg_authid', '42501'),
    ('SELECT core.make_login(''test.viewer'', ''admin'', ''all'')', '42501'),
    ('SELECT key_hash FROM core.station_key', '42501'),
    ('SELECT ledger.top_up(''x'', ''y'', 1, 1, 0, ''me'')', '42501')) AS s (statement, state);
\echo 'ok - a viewer changes nothing'

-- Any login may set the name of an actor; only the daemon's channels are believed.
SELECT set_config('joulebook.actor', 'test.admin', false);
SELECT t.is(t.run('test.viewer', 'SELECT core.actor()'), 'test.viewer', 'a viewer that names an admin is still a viewer');
SELECT t.is((t.refusal('joulebook_channel_viewer', 'SELECT core.actor()')).code, 'actor-unknown', 'a channel may not act for another role');
SELECT t.is(t.run('joulebook_channel_admin', 'SELECT core.actor()'), 'test.admin', 'the admin channel acts for an admin');
SELECT t.act('joulebook_channel_admin', $$management.accept_pile('CP-A', false)$$);
SELECT t.is((SELECT actor || ' by ' || login FROM query.audit WHERE action = 'AcceptPile'),
            'test.admin by joulebook_channel_admin', 'the audit names the person and the way');
SELECT t.act('test.admin', $$management.set_login('test.operator', disabled => true)$$);
SELECT set_config('joulebook.actor', 'test.operator', false);
SELECT t.is((t.refusal('joulebook_channel_operator', 'SELECT management.accept_pile(''CP-A'')')).state, '42501', 'a disabled person acts no more');
SELECT t.is(t.run('test.operator', 'SELECT count(*) FROM query.site'), '0', 'a disabled login sees nothing');
SELECT t.no('test.operator', 'management.accept_pile(''CP-A'')', 'pile-unknown', 'charge_point_id');
SELECT set_config('joulebook.actor', '', false);
SELECT t.is(t.run('joulebook_channel_viewer', 'SELECT count(*) FROM query.site'), '0', 'a channel that names nobody sees nothing');
\echo 'ok - an actor is believed from the channels alone'

-- The audit is nobody's to change.
SELECT t.refused(statement, '42501', statement) FROM (VALUES
    ('UPDATE core.audit SET actor = ''somebody else'''), ('DELETE FROM core.audit'), ('TRUNCATE core.audit')) AS s (statement);
\echo 'ok - the audit stays as it is'

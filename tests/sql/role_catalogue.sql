-- What has to hold for every function, view and table, whoever adds one.
\ir role_helpers.psql

-- Findings, each a sentence; a sound database has none.
CREATE FUNCTION t.findings() RETURNS TABLE (finding text) LANGUAGE sql AS $$
    WITH house AS (SELECT oid, nspname FROM pg_namespace
                   WHERE nspname IN ('core', 'ledger', 'inbound', 'management', 'operation', 'query', 'api')),
    f AS (SELECT p.*, h.nspname, format('%s.%s', h.nspname, p.proname) AS label, obj_description(p.oid, 'pg_proc') AS comment
          FROM pg_proc p JOIN house h ON h.oid = p.pronamespace),
    action AS (SELECT * FROM f WHERE nspname IN ('management', 'operation')),
    v AS (SELECT c.*, h.nspname, format('%s.%s', h.nspname, c.relname) AS label
          FROM pg_class c JOIN house h ON h.oid = c.relnamespace),
    col AS (SELECT v.label || '.' || a.attname AS label, a.attname, format_type(a.atttypid, NULL) AS type,
                   col_description(v.oid, a.attnum) AS comment
            FROM v JOIN pg_attribute a ON a.attrelid = v.oid AND a.attnum > 0
            WHERE v.nspname IN ('query', 'api') AND v.relkind = 'v')
    SELECT label || ' may be run by everybody' FROM f WHERE proacl IS NULL
        OR EXISTS (SELECT FROM aclexplode(proacl) x WHERE x.grantee = 0)
    UNION ALL SELECT label || ' is SECURITY DEFINER without a fixed search_path' FROM f
        WHERE prosecdef AND NOT coalesce(proconfig @> ARRAY['search_path=pg_catalog, pg_temp'], false)
    UNION ALL SELECT label || ' has a backslash that its caller''s settings may change' FROM f
        WHERE regexp_replace(prosrc, '\mE''[^'']*''', '', 'g') ~ '\\' AND NOT coalesce('standard_conforming_strings=on' = ANY (proconfig), false)
    UNION ALL SELECT label || ' is no definer of joulebook_writer' FROM action
        WHERE NOT prosecdef OR pg_get_userbyid(proowner) <> 'joulebook_writer'
    UNION ALL SELECT label || ' does not return jsonb' FROM action WHERE prorettype <> 'jsonb'::regtype OR proretset
    UNION ALL SELECT label || ' has an OUT, VARIADIC or unnamed parameter' FROM action
        WHERE proallargtypes IS NOT NULL OR provariadic <> 0 OR coalesce(array_length(proargnames, 1), 0) <> pronargs
    UNION ALL SELECT label || ' is overloaded, or another action has its name' FROM action
        WHERE proname IN (SELECT proname FROM action GROUP BY proname HAVING count(*) > 1)
    UNION ALL SELECT a.label || ' has the reserved word ' || k.word || ' as a parameter'
        FROM action a, unnest(a.proargnames) name JOIN pg_get_keywords() k ON k.word = name WHERE k.catcode IN ('R', 'T')
    UNION ALL SELECT a.label || ' has a parameter not in snake_case: ' || name FROM action a, unnest(a.proargnames) name
        WHERE name !~ '^[a-z][a-z0-9]*(_[a-z0-9]+)*$'
    UNION ALL SELECT a.label || ' has a parameter type that JSON cannot carry: ' || format_type(type, NULL)
        FROM action a, unnest(a.proargtypes::oid[]) type
        WHERE format_type(type, NULL) NOT IN ('text', 'numeric', 'integer', 'bigint', 'smallint', 'boolean', 'jsonb', 'date',
                                              'timestamp with time zone', 'text[]')
    UNION ALL SELECT label || ' does not check the caller''s sites' FROM action
        WHERE prosrc !~ 'core\.require_site|core\.actor|api\.(find|lock)_'
    UNION ALL SELECT label || ' has no comment "English | Chinese"' FROM f
        WHERE nspname IN ('management', 'operation', 'api')
          AND NOT coalesce(comment ~ '^[^|一-龥]{8,} \| [^|]*[一-龥][^|]*$', false)
          AND proname NOT IN ('camel_case', 'parameters', 'comment_part')
    UNION ALL SELECT label || ' has no comment in both languages' FROM v
        WHERE nspname IN ('query', 'api') AND relkind = 'v'
          AND NOT coalesce(obj_description(oid, 'pg_class') ~ '^One row per [^|一-龥]+ \| [^|]*[一-龥][^|]*$', false)
    UNION ALL SELECT label || ' has no comment in both languages' FROM col
        WHERE NOT coalesce(comment ~ '^[^|一-龥]+ \| [^|]*[一-龥][^|]*$', false)
    UNION ALL SELECT label || ' is no view' FROM v WHERE nspname IN ('query', 'api') AND relkind NOT IN ('v', 'c')
    UNION ALL SELECT label || ' is a view without security_barrier, or not of joulebook_reader' FROM v
        WHERE nspname IN ('query', 'api') AND relkind = 'v'
          AND (NOT coalesce(reloptions @> ARRAY['security_barrier=true'], reloptions @> ARRAY['security_barrier'], false)
               AND NOT coalesce(array_to_string(reloptions, ',') ~ 'security_barrier(=(true|on))?(,|$)', false)
               OR pg_get_userbyid(relowner) <> 'joulebook_reader')
    UNION ALL SELECT label || ' may be changed by ' || CASE x.grantee WHEN 0 THEN 'everybody' ELSE pg_get_userbyid(x.grantee) END
        FROM v, aclexplode(relacl) x
        WHERE nspname IN ('query', 'api') AND x.grantee <> relowner AND (x.privilege_type <> 'SELECT' OR x.grantee = 0)
    UNION ALL SELECT label || ' is a floating-point column' FROM col WHERE type IN ('real', 'double precision')
    UNION ALL SELECT label || ' is no timestamptz' FROM col
        WHERE (attname ~ '_at$' OR attname = 'at') AND type <> 'timestamp with time zone'
    UNION ALL SELECT label || ' is no local timestamp' FROM col
        WHERE attname ~ '_local$' AND type <> 'timestamp without time zone'
    UNION ALL SELECT label || ' is no numeric' FROM col
        WHERE attname ~ '(_kwh|_kw|_a|_v|_pct|_celsius|_amount)$' AND type <> 'numeric'
    UNION ALL SELECT label || ' is no boolean' FROM col WHERE attname ~ '^(is|has)_' AND type <> 'boolean'
    UNION ALL SELECT label || ' has an amount and no currency beside it' FROM v
        WHERE nspname = 'query' AND relkind = 'v'
          AND EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = v.oid AND a.attname ~ '(^|_)amount$')
          AND NOT EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = v.oid AND a.attname = 'currency')
    UNION ALL SELECT label || ' is a table without forced row security' FROM v
        WHERE nspname IN ('core', 'ledger') AND relkind IN ('r', 'p') AND NOT (relrowsecurity AND relforcerowsecurity)
    UNION ALL SELECT label || ' is open to ' || CASE x.grantee WHEN 0 THEN 'everybody' ELSE pg_get_userbyid(x.grantee) END
        FROM v, aclexplode(relacl) x
        WHERE nspname IN ('core', 'ledger') AND (x.grantee = 0 OR pg_get_userbyid(x.grantee) IN
            ('joulebook_viewer', 'joulebook_operator', 'joulebook_cashier', 'joulebook_admin'))
    UNION ALL SELECT 'the refusal ' || code || ' is raised and not in api.refusal'
        FROM (SELECT DISTINCT m[1] AS code FROM f, regexp_matches(prosrc, 'api\.refuse\(''([a-z-]+)''', 'g') m) r
        WHERE code NOT IN (SELECT r.code FROM api.refusal r)
    UNION ALL SELECT label || ' refuses a range or a count and does not tell which is allowed' FROM f
        WHERE prosrc ~ 'api[.]refuse[(]''member-(range|count)'', [^,()]+, [^,()]+[)]'
    UNION ALL SELECT 'the refusal ' || code || ' has a wrong SQLSTATE or lacks a text' FROM api.refusal r
        WHERE sqlstate !~ '^(JB[0-9]{3}|2[23][0-9A-Z]{3}|42501)$' OR error NOT IN ('NotImplemented', 'NotSupported',
              'InternalError', 'ProtocolError', 'SecurityError', 'FormationViolation', 'PropertyConstraintViolation',
              'OccurenceConstraintViolation', 'TypeConstraintViolation', 'GenericError')
           OR english ~ '[一-龥]' OR chinese !~ '[一-龥]' OR hint_english ~ '[一-龥]' OR hint_chinese !~ '[一-龥]'
    UNION ALL SELECT 'the refusal ' || code || ' sends to ' || m[1] || '.' || m[2] || ', which is not there'
        FROM api.refusal r, regexp_matches(hint_english || ' ' || hint_chinese, '\m(management|operation|query|api)\.([a-z_]+)', 'g') m
        WHERE NOT EXISTS (SELECT FROM f WHERE f.nspname = m[1] AND f.proname = m[2])
          AND NOT EXISTS (SELECT FROM v WHERE v.nspname = m[1] AND v.relname = m[2])
    UNION ALL SELECT 'the refusal ' || code || ' sends to a reference' FROM api.refusal r WHERE hint_english ~ 'reference' OR hint_chinese ~ '说明'
$$;

SELECT t.is((SELECT string_agg(finding, '; ') FROM t.findings()), NULL, 'findings of the catalogue');
\echo 'ok - no function is loose, no view or column without its two languages'

-- The findings are found: one of each kind, made and taken back.
BEGIN;
CREATE FUNCTION t.finds(p_sql text, p_finding text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    BEGIN
        EXECUTE p_sql;
        IF NOT EXISTS (SELECT FROM t.findings() WHERE finding LIKE p_finding) THEN
            RAISE EXCEPTION 'FAILED: not found: %', p_finding;
        END IF;
        RAISE EXCEPTION 'undo' USING ERRCODE = 'TTTTT';
    EXCEPTION WHEN SQLSTATE 'TTTTT' THEN
        NULL;
    END;
END
$$;
SELECT t.finds('CREATE FUNCTION core.loose() RETURNS int LANGUAGE sql AS ''SELECT 1''', 'core.loose may be run by everybody');
SELECT t.finds('CREATE FUNCTION core.loose() RETURNS int LANGUAGE sql SECURITY DEFINER AS ''SELECT 1''', 'core.loose is SECURITY DEFINER%');
SELECT t.finds('CREATE FUNCTION core.loose() RETURNS text LANGUAGE sql AS $x$SELECT ''\\d''$x$', 'core.loose has a backslash%');
SELECT t.finds('CREATE FUNCTION management.bare() RETURNS jsonb LANGUAGE sql AS ''SELECT ''''{}''''::jsonb''', 'management.bare has no comment%');
SELECT t.finds('CREATE FUNCTION management.bare("user" text) RETURNS jsonb LANGUAGE sql AS ''SELECT ''''{}''''::jsonb''', 'management.bare has the reserved word user%');
SELECT t.finds('CREATE FUNCTION management.bare("aB" text) RETURNS jsonb LANGUAGE sql AS ''SELECT ''''{}''''::jsonb''', '%not in snake_case: aB');
SELECT t.finds('CREATE FUNCTION operation.register_site() RETURNS jsonb LANGUAGE sql AS ''SELECT ''''{}''''::jsonb''', 'operation.register_site is overloaded%');
SELECT t.finds('CREATE FUNCTION operation.bare(OUT a jsonb) LANGUAGE sql AS ''SELECT ''''{}''''::jsonb''', 'operation.bare has an OUT%');
SELECT t.finds('CREATE FUNCTION core.loose() RETURNS int LANGUAGE plpgsql AS $x$BEGIN PERFORM api.refuse(''member-range'', ''m'', ''m''); END$x$', 'core.loose refuses a range%');
SELECT t.finds('CREATE VIEW query.bare AS SELECT 1 AS one', 'query.bare has no comment%');
SELECT t.finds('CREATE VIEW query.bare AS SELECT 1 AS one; COMMENT ON VIEW query.bare IS ''One row per thing.''', 'query.bare has no comment%');
SELECT t.finds('CREATE VIEW query.bare AS SELECT 1 AS one; COMMENT ON COLUMN query.bare.one IS ''一 | 二''', 'query.bare.one has no comment%');
SELECT t.finds('COMMENT ON COLUMN query.session.amount IS NULL', 'query.session.amount has no comment%');
SELECT t.finds('CREATE VIEW query.bare AS SELECT 1.5::float8 AS power_kw', 'query.bare.power_kw is a floating-point column');
SELECT t.finds('CREATE VIEW query.bare AS SELECT now()::timestamp AS since_at', 'query.bare.since_at is no timestamptz');
SELECT t.finds('CREATE VIEW query.bare AS SELECT 1.0 AS amount', 'query.bare has an amount%');
SELECT t.finds('CREATE TABLE core.bare (id int)', 'core.bare is a table without forced row security');
SELECT t.finds('GRANT SELECT ON core.site TO joulebook_viewer', 'core.site is open to joulebook_viewer');
SELECT t.finds('GRANT INSERT ON query.site TO joulebook_admin', 'query.site may be changed by joulebook_admin');
SELECT t.finds('ALTER VIEW query.site RESET (security_barrier)', 'query.site is a view without security_barrier%');
ROLLBACK;
\echo 'ok - each such finding is found'

-- The catalogue tells what there is.
SELECT t.is((SELECT count(*)::int FROM api.action), (SELECT count(*)::int FROM pg_proc p JOIN pg_namespace n
    ON n.oid = p.pronamespace WHERE n.nspname IN ('management', 'operation')), 'api.action lists every action');
SELECT t.is((SELECT string_agg(view, ' ' ORDER BY view) FROM api.view WHERE schema = 'query'),
    'account account_ledger audit calendar_day card command connector_now conversation customer door invariant login meter_reading'
    ' pile review session session_line session_reading site tariff tariff_assignment', 'the views by name');
SELECT t.is((SELECT jsonb_agg(p ->> 'member' ORDER BY n)::text FROM api.action a,
    jsonb_array_elements(a.parameters) WITH ORDINALITY x (p, n) WHERE a.action = 'RemoteStop'),
    '["chargePointId", "transactionId", "idempotencyKey", "deadlineS"]', 'members of RemoteStop');
SELECT t.is((SELECT count(*)::int FROM api.view_column WHERE meaning_en IS NULL OR meaning_zh IS NULL), 0, 'columns without meaning');
SELECT t.is((SELECT string_agg(relname, ' ') FROM pg_class WHERE relnamespace = 'ledger'::regnamespace AND starts_with(relname, 'inv_')
    AND position(format('''%s''::text AS invariant, (t.*)::text AS detail FROM ledger.%s t', relname, relname) IN
                 regexp_replace(pg_get_viewdef('ledger.violation'::regclass), '\s+', ' ', 'g')) = 0), NULL, 'invariants whose violations nobody is told');
SELECT t.is(position('inv_' IN pg_get_functiondef('ledger.invariants()'::regprocedure)) + position('inv_balance' IN pg_get_viewdef('query.invariant'::regclass)),
    0, 'a second list of the invariants');
\echo 'ok - the catalogue tells what there is'

-- Every action that writes tells a lock time-out as a refusal, not as PostgreSQL's own error.
SELECT t.is(p.prosrc ~ 'WHEN lock_not_available OR deadlock_detected THEN\s+PERFORM api.refuse\(''busy''', true, p.proname || ' may be busy')
FROM pg_proc p WHERE p.pronamespace IN ('management'::regnamespace, 'operation'::regnamespace) AND p.proname <> 'wait';
\echo 'ok - every action may say that it is busy'

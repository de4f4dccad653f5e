-- What the catalogue says of itself: row security, privileges, search paths, time-outs, checks.
SELECT t.test('every table of core and ledger has row security, also for its owner, and policies', $$
    SELECT string_agg(c.oid::regclass::text, ', ') INTO x FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname IN ('core', 'ledger') AND c.relkind IN ('r', 'p') AND NOT (c.relrowsecurity AND c.relforcerowsecurity);
    PERFORM t.is(x, NULL, 'without row security');
    SELECT string_agg(c.oid::regclass || ' ' || k, ', ') INTO x FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace,
        unnest(ARRAY['joulebook_owner', 'joulebook_writer', 'joulebook_app']) k
    WHERE n.nspname IN ('core', 'ledger') AND c.relkind IN ('r', 'p') AND NOT EXISTS (
        SELECT FROM pg_policy p WHERE p.polrelid = c.oid AND p.polroles = ARRAY[k::regrole::oid] AND p.polcmd = '*'
          AND pg_get_expr(p.polqual, c.oid) = 'true' AND pg_get_expr(p.polwithcheck, c.oid) = 'true');
    PERFORM t.is(x, NULL, 'without a worker''s policy');
    SELECT string_agg(c.oid::regclass::text, ', ') INTO x FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname IN ('core', 'ledger') AND c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relname NOT IN ('station_key', 'lane_mark')
      AND NOT EXISTS (SELECT FROM pg_policy p WHERE p.polrelid = c.oid AND 'joulebook_reader'::regrole = ANY (p.polroles));
    PERFORM t.is(x, NULL, 'that no reader may ever see a row of');
$$);
SELECT t.test('PUBLIC has nothing of ours: no schema, table, sequence, function or type', $$
    SELECT string_agg(q.name, ', ') INTO x FROM (
        SELECT n.nspname AS name, n.nspacl AS acl, n.nspowner AS owner, 'n'::"char" AS kind FROM pg_namespace n
        WHERE n.nspname IN ('core', 'ledger', 'inbound', 'management', 'operation', 'query', 'api', 'public')
        UNION ALL SELECT c.oid::regclass::text, c.relacl, c.relowner, CASE c.relkind WHEN 'S' THEN 's' ELSE 'r' END::"char" FROM pg_class c
            JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname IN ('core', 'ledger', 'inbound', 'management', 'operation', 'query', 'api') AND c.relkind IN ('r', 'p', 'v', 'S')
        UNION ALL SELECT p.oid::regprocedure::text, p.proacl, p.proowner, 'f' FROM pg_proc p
            JOIN pg_namespace n ON n.oid = p.pronamespace WHERE n.nspname IN ('core', 'ledger', 'inbound', 'management', 'operation', 'query', 'api')) q,
        LATERAL aclexplode(COALESCE(q.acl, acldefault(q.kind, q.owner))) e WHERE e.grantee = 0;
    PERFORM t.is(x, NULL, 'granted to everybody');
    PERFORM t.is(has_database_privilege('public', 'jb_template', 'CONNECT, TEMPORARY, CREATE'), false, 'database');
$$);
SELECT t.test('no login takes an advisory lock, makes a large object or sends a notification by a function; the daemon has its node''s lock', $$
    PERFORM core.make_login('ann.viewer', 'viewer', 'all'), core.make_login('ann.admin', 'admin', 'all');
    SELECT string_agg(f.oid::regprocedure || ' ' || k, ', ') INTO x FROM pg_proc f,
        unnest(ARRAY['ann.viewer', 'ann.admin', 'joulebook_channel_viewer', 'joulebook_channel_operator', 'joulebook_channel_cashier',
            'joulebook_channel_admin', 'joulebook_app', 'joulebook_reader']) k
    WHERE f.pronamespace = 'pg_catalog'::regnamespace AND (f.proname ~ 'advisory' OR f.proname ~ '^lo(_|read|write)' OR f.proname = 'pg_notify')
      AND has_function_privilege(k, f.oid, 'EXECUTE');
    PERFORM t.is(x, 'pg_try_advisory_lock(integer,integer) joulebook_app', 'executable');
    SET LOCAL SESSION AUTHORIZATION 'ann.viewer';
    PERFORM t.refused(q, '42501', q) FROM unnest(ARRAY['SELECT pg_advisory_lock(1246905164, 9000)', 'SELECT pg_advisory_lock(1)', 'SELECT pg_try_advisory_xact_lock_shared(1, 2)',
        'SELECT lo_create(0)', 'SELECT lo_from_bytea(0, ''x'')', 'SELECT pg_notify(''joulebook_node_1'', ''1'')']) q;
    RESET SESSION AUTHORIZATION;
    SET LOCAL SESSION AUTHORIZATION joulebook_app;
    PERFORM t.is(pg_try_advisory_lock(1245859407, 1), true, 'a node''s lock');
    RESET SESSION AUTHORIZATION;
    PERFORM pg_advisory_unlock_all();
$$);
SELECT t.test('every SECURITY DEFINER function has a fixed search_path, and belongs to nobody who can log in', $$
    SELECT string_agg(p.oid::regprocedure::text, ', ') INTO x FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
    WHERE n.nspname IN ('core', 'ledger', 'inbound', 'management', 'operation', 'query', 'api') AND p.prosecdef
      AND NOT COALESCE('search_path=pg_catalog, pg_temp' = ANY (p.proconfig), false);
    PERFORM t.is(x, NULL, 'without search_path');
    SELECT string_agg(p.oid::regprocedure::text, ', ') INTO x FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace JOIN pg_roles o ON o.oid = p.proowner
    WHERE n.nspname IN ('core', 'ledger', 'inbound') AND p.prosecdef AND (o.rolcanlogin OR o.rolsuper);
    PERFORM t.is(x, NULL, 'owned by a login');
$$);
SELECT t.test('inbound and ledger functions are joulebook_writer''s, partitions and triggers the owner''s', $$
    SELECT string_agg(p.oid::regprocedure::text, ', ') INTO x FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
    WHERE n.nspname IN ('ledger', 'inbound') AND p.prorettype <> 'trigger'::regtype AND p.proowner::regrole::text <> 'joulebook_writer'
      AND p.proname NOT IN ('partitions', 'day_lock_key');
    PERFORM t.is(x, NULL, 'of another owner');
    SELECT string_agg(c.oid::regclass::text, ', ') INTO x FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname IN ('core', 'ledger') AND c.relkind IN ('r', 'p', 'S') AND c.relowner::regrole::text <> 'joulebook_owner';
    PERFORM t.is(x, NULL, 'tables of another owner');
$$);
SELECT t.test('only the daemon executes inbound functions, and no other role anything of the ledger', $$
    SELECT string_agg(p.oid::regprocedure || ' ' || k, ', ') INTO x FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace,
        unnest(ARRAY['joulebook_viewer', 'joulebook_operator', 'joulebook_cashier', 'joulebook_admin', 'joulebook_reader']) k
    WHERE n.nspname IN ('ledger', 'inbound') AND has_function_privilege(k, p.oid, 'EXECUTE') AND p.prorettype <> 'trigger'::regtype;
    PERFORM t.is(x, NULL, 'executable');
    FOR x IN SELECT unnest(ARRAY['start', 'stop', 'boot', 'status', 'authorize', 'data_transfer', 'note', 'unusable', 'take_over', 'connection_close',
            'command_next', 'command_answer', 'command_unsent', 'command_late', 'command_stations', 'directory', 'node_start', 'job_claim', 'job_done', 'job_fail', 'job_put_off', 'job_run']) LOOP
        SELECT count(*) INTO n FROM pg_proc p WHERE p.pronamespace = 'inbound'::regnamespace AND p.proname = x AND has_function_privilege('joulebook_app', p.oid, 'EXECUTE');
        PERFORM t.is(n, 1::bigint, 'inbound.' || x);
    END LOOP;
$$);
SELECT t.test('every function of inbound, ledger and core that is called by name has a comment in both languages', $$
    SELECT string_agg(p.oid::regprocedure::text, ', ') INTO x FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
    WHERE n.nspname IN ('ledger', 'inbound') AND p.prorettype <> 'trigger'::regtype AND p.proname <> 'day_lock_key'
      AND COALESCE(obj_description(p.oid, 'pg_proc'), '') !~ '^[^|]+ \| [^|]*[一-龥]';
    PERFORM t.is(x, NULL, 'without');
$$);
SELECT t.test('every login has its three time-outs, and owner, writer and reader cannot log in', $$
    PERFORM core.make_login('timed.' || v, v, 'all') FROM unnest(ARRAY['viewer', 'operator', 'cashier', 'admin']) v;
    SELECT string_agg(r.rolname, ', ') INTO x FROM pg_roles r JOIN pg_roles c ON c.rolname = replace(r.rolname, 'timed.', 'joulebook_channel_')
    WHERE r.rolname LIKE 'timed.%' AND ARRAY(SELECT v FROM pg_db_role_setting z, unnest(z.setconfig) v WHERE z.setrole = r.oid AND z.setdatabase = 0 ORDER BY 1)
        IS DISTINCT FROM ARRAY(SELECT v FROM pg_db_role_setting z, unnest(z.setconfig) v WHERE z.setrole = c.oid AND z.setdatabase = 0 ORDER BY 1);
    PERFORM t.is(x, NULL, 'a person with others than the daemon''s login of that role');
    SELECT string_agg(r.rolname || ' ' || k, ', ') INTO x FROM pg_roles r, unnest(ARRAY['lock_timeout', 'statement_timeout', 'idle_in_transaction_session_timeout']) k
    WHERE r.rolname LIKE 'joulebook\_%' AND r.rolcanlogin AND NOT EXISTS (
        SELECT FROM pg_db_role_setting z, unnest(z.setconfig) v WHERE z.setrole = r.oid AND v LIKE k || '=%' AND v NOT LIKE '%=0%');
    PERFORM t.is(x, NULL, 'without time-out');
    SELECT string_agg(rolname, ',' ORDER BY rolname) INTO x FROM pg_roles WHERE rolname LIKE 'joulebook\_%' AND rolcanlogin;
    PERFORM t.is(x, 'joulebook_app,joulebook_channel_admin,joulebook_channel_cashier,joulebook_channel_operator,joulebook_channel_viewer', 'logins');
    SELECT string_agg(rolname, ',') INTO x FROM pg_roles WHERE rolname LIKE 'joulebook\_%' AND (rolsuper OR rolcreaterole OR rolcreatedb OR rolbypassrls OR rolreplication);
    PERFORM t.is(x, NULL, 'with powers');
$$);
SELECT t.test('the roles'' migration runs again without a complaint, as for a second database of the cluster', $$
    PERFORM core.make_login('somebody.viewer', 'viewer', 'all');
    PERFORM core.make_login('somebody.viewer', 'viewer', 'list');
    PERFORM t.is((SELECT scope FROM core.login WHERE login = 'somebody.viewer'), 'list', 'scope');
    PERFORM t.is(pg_has_role('somebody.viewer', 'joulebook_viewer', 'MEMBER'), true, 'member');
    PERFORM t.refused('SELECT core.make_login(''x'', ''god'', ''all'')', '22023', 'no such role');
$$);
SELECT t.test('the actor is the login; a channel names a person of its own role, and anybody else nobody', $$
    PERFORM core.make_login('ann.operator', 'operator', 'list'); PERFORM core.make_login('bob.cashier', 'cashier', 'all');
    SET LOCAL SESSION AUTHORIZATION 'ann.operator';
    PERFORM set_config('joulebook.actor', 'bob.cashier', true);
    PERFORM t.is(core.actor(), 'ann.operator', 'in psql the GUC is nothing');
    PERFORM t.is(core.sees_all(), false, 'nor for what is seen');
    RESET SESSION AUTHORIZATION;
    SET LOCAL SESSION AUTHORIZATION joulebook_channel_cashier;
    PERFORM t.is(core.actor(), 'bob.cashier', 'on the channel it is the person');
    PERFORM t.is(core.sees_all(), true, 'with that person''s scope');
    PERFORM set_config('joulebook.actor', 'ann.operator', true);
    PERFORM t.refused('SELECT core.actor()', '42501', 'a person of another role');
    PERFORM t.is(core.sees_all(), false, 'sees nothing');
    PERFORM set_config('joulebook.actor', '', true);
    PERFORM t.refused('SELECT core.actor()', '42501', 'nobody');
    RESET SESSION AUTHORIZATION;
    UPDATE core.login SET disabled_at = now();
    SET LOCAL SESSION AUTHORIZATION joulebook_channel_cashier;
    PERFORM set_config('joulebook.actor', 'bob.cashier', true);
    PERFORM t.refused('SELECT core.actor()', '42501', 'a disabled person');
    RESET SESSION AUTHORIZATION;
$$);
SELECT t.test('require_site lets in whom the site was granted to, and nobody else', $$
    p := t.house('A'); m := t.house('B');
    PERFORM core.make_login('ann.operator', 'operator', 'list'); PERFORM core.make_login('all.operator', 'operator', 'all');
    INSERT INTO core.login_site SELECT 'ann.operator', site_id FROM core.station WHERE id = p;
    GRANT EXECUTE ON FUNCTION core.require_site(bigint) TO joulebook_operator;
    SELECT site_id INTO n FROM core.station WHERE id = p; SELECT site_id INTO w FROM core.station WHERE id = m;
    SET LOCAL SESSION AUTHORIZATION 'ann.operator';
    PERFORM core.require_site(n);
    PERFORM t.refused(format('SELECT core.require_site(%s)', w), '42501', 'another site');
    PERFORM t.refused('SELECT core.require_site(NULL)', '42501', 'what belongs to no site');
    RESET SESSION AUTHORIZATION;
    SET LOCAL SESSION AUTHORIZATION 'all.operator';
    PERFORM core.require_site(w); PERFORM core.require_site(NULL);
    RESET SESSION AUTHORIZATION;
$$);
SELECT t.test('a pile outdoors has IP54 or better, indoors IP32 or better; the database refuses less', $$
    p := t.house('A'); SELECT site_id INTO n FROM core.station;
    FOR r IN SELECT * FROM (VALUES (true, 'IP54', true), (true, 'IP65', true), (true, 'IP53', false), (true, 'IP44', false), (false, 'IP32', true),
            (false, 'IP54', true), (false, 'IP31', false), (false, 'IP22', false), (true, 'IPX4', false), (true, 'no', false)) v(outdoors, grade, good) LOOP
        x := format('INSERT INTO core.station (identity, site_id, outdoors, protection) VALUES (%L, %s, %L, %L)', r.grade || r.outdoors, n, r.outdoors, r.grade);
        IF r.good THEN EXECUTE x; ELSE PERFORM t.refused(x, '23514', x); END IF;
    END LOOP;
$$);
SELECT t.test('an identity is 1 to 64 bytes without control characters, one whatever its case', $$
    p := t.house('A'); SELECT site_id INTO n FROM core.station;
    PERFORM t.refused(format('INSERT INTO core.station (identity, site_id, protection) VALUES (%L, %s, ''IP54'')', v, n), z, 'identity ' || v)
    FROM (VALUES ('', '23514'), (repeat('a', 65), '23514'), (repeat('é', 33), '23514'), (E'a\nb', '23514'), (E'a\x7fb', '23514'), ('cp-a', '23505')) AS q(v, z);
    INSERT INTO core.station (identity, site_id, protection) VALUES (repeat('é', 32), n, 'IP54');
$$);
SELECT t.test('a taxi station promises a full charge within the hour; zones, kinds and currencies are real', $$
    PERFORM t.refused('INSERT INTO core.site (code, name, kind, zone, currency) VALUES (''X'', ''X'', ''taxi_station'', ''Asia/Shanghai'', ''CNY'')', '23514', 'no promise');
    PERFORM t.refused('INSERT INTO core.site (code, name, kind, zone, currency, full_charge_within_s) VALUES (''X'', ''X'', ''taxi_station'', ''Asia/Shanghai'', ''CNY'', 3601)', '23514', 'a second late');
    INSERT INTO core.site (code, name, kind, zone, currency, full_charge_within_s) VALUES ('X', 'X', 'taxi_station', 'Asia/Shanghai', 'CNY', 3600);
    PERFORM t.refused(format('INSERT INTO core.site (code, name, kind, zone, currency) VALUES (''Y'', ''Y'', %L, %L, %L)', k, z, c), e, concat_ws(' ', k, z, c))
    FROM (VALUES ('pub', 'Asia/Shanghai', 'CNY', '23514'), ('roadside', 'Mars/Olympus', 'CNY', '23514'), ('roadside', 'X5', 'CNY', '23514'),
        ('roadside', 'Asia/Shanghai', 'XXX', '23503')) AS q(k, z, c, e);
$$);
SELECT t.test('a published tariff version is immutable, and two never overlap', $$
    p := t.house('A'); SELECT id, tariff_id INTO r FROM core.tariff_version;
    PERFORM t.refused('UPDATE core.tariff_version SET ' || v, '23514', v)
    FROM unnest(ARRAY['document = ''{}''', 'valid_from = now()', 'state = ''draft''', 'sha256 = ''x''', 'top_price_micro = 0']) v;
    PERFORM t.refused('DELETE FROM core.tariff_version', '23514', 'deleting');
    PERFORM t.refused(format('INSERT INTO core.tariff_version (tariff_id, version, valid_from, state, document, published_by) VALUES (%s, 2, now(), ''active'', ''{}'', ''me'')', r.tariff_id), '23P01', 'overlap');
    INSERT INTO core.tariff_version (tariff_id, version, valid_from, state, document, published_by) VALUES (r.tariff_id, 2, now(), 'draft', '{}', 'me');
    PERFORM t.refused('UPDATE core.tariff_version SET state = ''active'' WHERE version = 2', '23P01', 'activation that overlaps');
    UPDATE core.tariff_version SET valid_to = now() WHERE version = 1;
    UPDATE core.tariff_version SET state = 'active' WHERE version = 2;
    PERFORM t.is((SELECT sha256 FROM core.tariff_version WHERE version = 1), sha256(convert_to(t.document()::text, 'UTF8')), 'hash');
    PERFORM t.is((SELECT top_price_micro FROM core.tariff_version WHERE version = 1), 1696000::bigint, '(1.2 + 0.4) with six per cent');
$$);
SELECT t.test('of one scope, target and priority two assignments never overlap', $$
    p := t.house('A');
    PERFORM t.refused('INSERT INTO core.tariff_assignment (scope, target_id, tariff_id, actor) SELECT scope, target_id, tariff_id, ''me'' FROM core.tariff_assignment', '23P01', 'the same');
    INSERT INTO core.tariff_assignment (scope, target_id, tariff_id, actor, priority) SELECT scope, target_id, tariff_id, 'me', 1 FROM core.tariff_assignment;
    INSERT INTO core.tariff_assignment (scope, target_id, tariff_id, actor) SELECT 'station', target_id, tariff_id, 'me' FROM core.tariff_assignment LIMIT 1;
$$);
SELECT t.test('a day that has begun keeps its type, and what was charged by it too', $$
    p := t.house('A'); UPDATE core.site SET region = 'R'; w := t.card('TAG00000001', 1000);
    INSERT INTO core.day_calendar VALUES ('R', current_date, 'holiday'), ('R', current_date + 40, 'holiday'), ('R', current_date - 1, 'workday');
    PERFORM t.refused('UPDATE core.day_calendar SET day_type = ''x'' WHERE date = current_date', '23514', 'today');
    PERFORM t.refused('DELETE FROM core.day_calendar WHERE date = current_date - 1', '23514', 'yesterday');
    UPDATE core.day_calendar SET day_type = 'x' WHERE date = current_date + 40;
    DELETE FROM core.day_calendar WHERE date = current_date + 40;
    PERFORM t.start(p, 'TAG00000001', 1, now() - interval '5 days', 1, now(), true);
    PERFORM t.refused('INSERT INTO core.day_calendar VALUES (''R'', current_date - 5, ''holiday'')', '23514', 'a day that was charged by');
    INSERT INTO core.day_calendar VALUES ('R', current_date - 20, 'holiday');
$$);
SELECT t.test('personal data stands in tables of its own, none of it in the ledger', $$
    SELECT string_agg(table_schema || '.' || table_name || '.' || column_name, ', ' ORDER BY 1) INTO x FROM information_schema.columns
    WHERE table_schema IN ('core', 'ledger') AND column_name IN ('phone', 'email', 'plate', 'vin', 'id_tag', 'tax_number')
      AND table_name NOT IN ('customer_person', 'vehicle_plate', 'card_tag', 'session_message', 'unmatched_stop');
    PERFORM t.is(x, NULL, 'elsewhere');
$$);
SELECT t.test('the audit is append-only', $$
    INSERT INTO core.audit (actor, action) VALUES ('me', 'test');
    PERFORM t.refused('SET LOCAL ROLE joulebook_owner; UPDATE core.audit SET actor = ''you''', '42501', 'update');
    PERFORM t.refused('SET LOCAL ROLE joulebook_owner; DELETE FROM core.audit', '42501', 'delete');
$$);

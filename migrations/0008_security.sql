-- Who is acting, what they may see, and who may touch which table.
SET LOCAL ROLE joulebook_owner;

-- The person or client behind this transaction. Any login may set a GUC, so the name is believed
-- only from the daemon's channels, and there it must be a login that is known and of that role.
CREATE FUNCTION core.actor() RETURNS text
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    name text;
BEGIN
    IF session_user NOT IN ('joulebook_channel_viewer', 'joulebook_channel_operator',
                            'joulebook_channel_cashier', 'joulebook_channel_admin') THEN
        RETURN session_user;
    END IF;
    SELECT l.login INTO name FROM core.login l
    WHERE l.login = current_setting('joulebook.actor', true) AND l.disabled_at IS NULL
      AND session_user = 'joulebook_channel_' || l.role;
    IF name IS NULL THEN
        PERFORM api.refuse('actor-unknown', '');
    END IF;
    RETURN name;
END
$$;
COMMENT ON FUNCTION core.actor() IS 'Who acts: the login, or on the daemon''s channels the person it acts for | 操作者：当前登录名，或守护进程通道所代表的人';

-- Also for a reader who names nobody: such a one sees nothing, and no query fails.
CREATE FUNCTION core.sees_all() RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT session_user = 'joulebook_app'
        OR (SELECT r.rolsuper FROM pg_roles r WHERE r.rolname = session_user)
        OR EXISTS (SELECT FROM core.login l
                   WHERE l.scope = 'all' AND l.disabled_at IS NULL
                     AND CASE WHEN session_user ~ '^joulebook_channel_(viewer|operator|cashier|admin)$'
                              THEN l.login = current_setting('joulebook.actor', true)
                                   AND session_user = 'joulebook_channel_' || l.role
                              ELSE l.login = session_user END)
$$;
COMMENT ON FUNCTION core.sees_all() IS 'Whether this login''s scope is all sites | 当前登录是否可见全部场站';

CREATE FUNCTION core.visible_sites() RETURNS SETOF bigint
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT s.id FROM core.site s WHERE core.sees_all()
    UNION
    SELECT g.site_id FROM core.login_site g JOIN core.login l USING (login)
    WHERE l.disabled_at IS NULL
      AND CASE WHEN session_user ~ '^joulebook_channel_(viewer|operator|cashier|admin)$'
               THEN l.login = current_setting('joulebook.actor', true)
                    AND session_user = 'joulebook_channel_' || l.role
               ELSE l.login = session_user END
$$;
COMMENT ON FUNCTION core.visible_sites() IS 'Sites that this login may see | 当前登录可见的场站';

CREATE FUNCTION core.visible_fleets() RETURNS SETOF bigint
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT f.id FROM core.fleet f WHERE core.sees_all()
    UNION
    SELECT g.fleet_id FROM core.login_fleet g JOIN core.login l USING (login)
    WHERE l.disabled_at IS NULL
      AND CASE WHEN session_user ~ '^joulebook_channel_(viewer|operator|cashier|admin)$'
               THEN l.login = current_setting('joulebook.actor', true)
                    AND session_user = 'joulebook_channel_' || l.role
               ELSE l.login = session_user END
$$;
COMMENT ON FUNCTION core.visible_fleets() IS 'Fleets that this login may see | 当前登录可见的车队';

-- Actions call this before they touch anything of a site. Null stands for what belongs to none, and for what
-- is about to be the first: that takes a login that sees all, also where there is no site yet.
CREATE FUNCTION core.require_site(p_site bigint) RETURNS void
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM core.actor();
    IF NOT core.sees_all() AND (p_site IS NULL OR p_site NOT IN (SELECT core.visible_sites())) THEN
        PERFORM api.refuse('site-denied', 'site', core.actor());
    END IF;
END
$$;
COMMENT ON FUNCTION core.require_site(bigint) IS 'Refuses whoever was not granted this site | 拒绝未获授权访问该场站的操作者';

-- A login for a person, member of one of the four roles, with the time-outs that the daemon's login of that
-- role has (0001_roles.sql): whoever holds rows of an account or a pile holds up those who charge, too.
-- Needs the right to create roles: the migrator's and the quickstart's superuser.
CREATE FUNCTION core.make_login(p_login text, p_role text, p_scope text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF p_role NOT IN ('viewer', 'operator', 'cashier', 'admin') THEN
        RAISE EXCEPTION 'no such role: %', p_role USING ERRCODE = '22023';
    END IF;
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = p_login) THEN
        EXECUTE format('CREATE ROLE %I LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE', p_login);
    END IF;
    EXECUTE format('ALTER ROLE %I SET lock_timeout = %L', p_login, '2s');
    EXECUTE format('ALTER ROLE %I SET statement_timeout = %L', p_login, '30s');
    EXECUTE format('ALTER ROLE %I SET idle_in_transaction_session_timeout = %L', p_login, '10s');
    IF NOT pg_has_role(p_login, 'joulebook_' || p_role, 'MEMBER') THEN
        EXECUTE format('GRANT %I TO %I', 'joulebook_' || p_role, p_login);
    END IF;
    INSERT INTO core.login (login, role, scope) VALUES (p_login, p_role, p_scope)
    ON CONFLICT (login) DO UPDATE SET role = excluded.role, scope = excluded.scope, disabled_at = NULL;
END
$$;
COMMENT ON FUNCTION core.make_login(text, text, text) IS 'Makes a person''s login with its role, time-outs and scope | 创建个人登录及其角色、超时与可见范围';

-- Row security everywhere; partitions have it from their making.
SELECT core.secure_table(c.oid::regclass)
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname IN ('core', 'ledger') AND c.relkind IN ('r', 'p') AND NOT c.relforcerowsecurity;

-- What readers see, through views. The sub-selects run once a query; a policy on a table without a
-- site of its own asks the table that has it, under that table's own policy.
DO $policies$
DECLARE
    policy record;
BEGIN
    FOR policy IN SELECT * FROM (VALUES
        ('core.currency', 'true'),
        ('core.tariff', 'true'),
        ('core.tariff_version', 'true'),
        ('core.tag_group', 'true'),
        ('core.day_calendar', 'true'),
        ('core.ocpp_action', 'true'),
        ('core.ocpp_field', 'true'),
        ('core.site', 'id = ANY (ARRAY(SELECT core.visible_sites()))'),
        ('core.station', 'site_id = ANY (ARRAY(SELECT core.visible_sites()))'),
        ('core.session', 'site_id = ANY (ARRAY(SELECT core.visible_sites()))'
                         ' OR fleet_id = ANY (ARRAY(SELECT core.visible_fleets()))'),
        ('core.fleet', 'id = ANY (ARRAY(SELECT core.visible_fleets()))'
                       ' OR site_id = ANY (ARRAY(SELECT core.visible_sites()))'),
        ('core.customer', '(SELECT core.sees_all()) OR home_site_id = ANY (ARRAY(SELECT core.visible_sites()))'),
        ('core.review', '(SELECT core.sees_all()) OR site_id = ANY (ARRAY(SELECT core.visible_sites()))'),
        ('core.outbox', '(SELECT core.sees_all()) OR site_id = ANY (ARRAY(SELECT core.visible_sites()))'),
        ('core.audit', '(SELECT core.sees_all()) OR site_id = ANY (ARRAY(SELECT core.visible_sites()))'),
        ('core.tariff_assignment', '(SELECT core.sees_all())'
            ' OR scope = ''site'' AND target_id = ANY (ARRAY(SELECT core.visible_sites()))'
            ' OR scope IN (''station'', ''connector'') AND target_id IN (SELECT id FROM core.station)'
            ' OR scope = ''fleet'' AND target_id IN (SELECT id FROM core.fleet)'
            ' OR scope = ''customer'' AND target_id IN (SELECT id FROM core.customer)'),
        ('ledger.account', '(SELECT core.sees_all()) OR site_id = ANY (ARRAY(SELECT core.visible_sites()))'
            ' OR customer_id IN (SELECT id FROM core.customer)'
            ' OR fleet_id = ANY (ARRAY(SELECT core.visible_fleets()))'),
        ('ledger.journal', '(SELECT core.sees_all()) OR site_id = ANY (ARRAY(SELECT core.visible_sites()))'),
        ('ledger.settlement', 'site_id = ANY (ARRAY(SELECT core.visible_sites()))'),
        ('ledger.settlement_line', 'site_id = ANY (ARRAY(SELECT core.visible_sites()))'),
        -- No site of its own; the operator of all sites sees them.
        ('core.door', '(SELECT core.sees_all())'),
        ('core.job', '(SELECT core.sees_all())'),
        ('core.node', '(SELECT core.sees_all())'),
        ('core.login', '(SELECT core.sees_all())'),
        ('core.login_site', '(SELECT core.sees_all())'),
        ('core.login_fleet', '(SELECT core.sees_all())'),
        ('core.stream', '(SELECT core.sees_all())'),
        ('core.partition_plan', '(SELECT core.sees_all())'),
        ('ledger.closed_day', '(SELECT core.sees_all())'),
        ('ledger.block', '(SELECT core.sees_all())'),
        ('ledger.sealed', '(SELECT core.sees_all())')) AS v(name, condition) LOOP
        EXECUTE format('CREATE POLICY joulebook_reader ON %s FOR SELECT TO joulebook_reader USING (%s)',
            policy.name, policy.condition);
    END LOOP;
    -- Rows of a pile, a session, a customer, a card, a vehicle, an account: as their owner is seen.
    FOR policy IN SELECT * FROM (VALUES
        ('core.connector', 'station_id', 'core.station', 'id'),
        ('core.station_seen', 'station', 'core.station', 'id'),
        ('core.station_connection', 'station_id', 'core.station', 'id'),
        ('core.place_history', 'station_id', 'core.station', 'id'),
        ('core.directory_change', 'station_id', 'core.station', 'id'),
        ('core.meter_reading', 'station', 'core.station', 'id'),
        ('core.status_event', 'station', 'core.station', 'id'),
        ('core.frame', 'station', 'core.station', 'id'),
        ('core.station_event', 'station', 'core.station', 'id'),
        ('core.inbound_refused', 'station', 'core.station', 'id'),
        ('core.unmatched_stop', 'station_id', 'core.station', 'id'),
        ('core.command', 'station_id', 'core.station', 'id'),
        ('core.session_message', 'transaction_id', 'core.session', 'transaction_id'),
        ('core.customer_person', 'customer_id', 'core.customer', 'id'),
        ('core.card', 'customer_id', 'core.customer', 'id'),
        ('core.card_tag', 'card_id', 'core.card', 'id'),
        ('core.vehicle', 'customer_id', 'core.customer', 'id'),
        ('core.vehicle_plate', 'vehicle_id', 'core.vehicle', 'id'),
        ('ledger.account_balance', 'account_id', 'ledger.account', 'id'),
        ('ledger.entry', 'account_id', 'ledger.account', 'id'),
        ('ledger.hold', 'account_id', 'ledger.account', 'id'),
        ('ledger.top_up', 'account_id', 'ledger.account', 'id')) AS v(name, member, owner, key) LOOP
        EXECUTE format('CREATE POLICY joulebook_reader ON %s FOR SELECT TO joulebook_reader'
            ' USING ((SELECT core.sees_all()) OR %I IN (SELECT o.%I FROM %s o))',
            policy.name, policy.member, policy.key, policy.owner);
    END LOOP;
END
$policies$;

-- Functions work as joulebook_writer; it rewrites no history and deletes almost nothing.
GRANT SELECT, INSERT, UPDATE ON ALL TABLES IN SCHEMA core TO joulebook_writer;
REVOKE UPDATE ON core.audit, core.currency, core.ocpp_action, core.ocpp_field FROM joulebook_writer;
REVOKE INSERT ON core.currency, core.ocpp_action, core.ocpp_field FROM joulebook_writer;
GRANT DELETE ON core.job, core.day_calendar, core.tariff_assignment, core.tariff_version, core.login_site,
    core.login_fleet, core.customer_person, core.card_tag, core.vehicle_plate, core.door TO joulebook_writer;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA core TO joulebook_writer;
GRANT SELECT, INSERT, UPDATE ON ledger.account, ledger.account_balance, ledger.hold TO joulebook_writer;
GRANT SELECT, INSERT, UPDATE (state) ON ledger.settlement TO joulebook_writer;
GRANT SELECT, INSERT ON ledger.journal, ledger.entry, ledger.sealed, ledger.closed_day, ledger.block,
    ledger.settlement_line, ledger.top_up TO joulebook_writer;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA ledger TO joulebook_writer;

-- Views read everything but credentials.
GRANT SELECT ON ALL TABLES IN SCHEMA core, ledger TO joulebook_reader;
REVOKE SELECT ON core.station_key FROM joulebook_reader;

-- The lanes' own statements; all else goes through the functions of inbound and ledger.
GRANT SELECT, INSERT ON core.meter_reading, core.frame TO joulebook_app;
GRANT SELECT, INSERT, UPDATE ON core.door, core.station_seen, core.lane_mark TO joulebook_app;
GRANT SELECT (transaction_id, station_id, site_id, connector, uid) ON core.session TO joulebook_app;
GRANT SELECT (id, site_id, identity) ON core.station TO joulebook_app;
GRANT SELECT (dedupe_key), INSERT (kind, blocks, dedupe_key, station_id, site_id, session_uid, received_at, detail, frame)
    ON core.review TO joulebook_app;

-- Nothing of ours is everybody's.
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA core, ledger, inbound FROM PUBLIC;
REVOKE ALL ON TYPE ledger.leg FROM PUBLIC;
GRANT USAGE ON TYPE ledger.leg TO joulebook_writer;
GRANT EXECUTE ON FUNCTION core.zone_known(text), core.tag_key(text), core.tag_hint(text),
    core.tariff_top_price_micro(jsonb), ledger.day_lock_key(date) TO joulebook_writer;
GRANT EXECUTE ON FUNCTION core.actor(), core.sees_all(), core.visible_sites(), core.visible_fleets()
    TO joulebook_viewer, joulebook_operator, joulebook_cashier, joulebook_admin,
       joulebook_reader, joulebook_writer, joulebook_app;
GRANT EXECUTE ON FUNCTION core.require_site(bigint) TO joulebook_writer;

RESET ROLE;

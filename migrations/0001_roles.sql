-- Roles and schemas.
--
-- Roles belong to the cluster, which may hold several databases, so each is made or changed only
-- where it is missing or different, and a neighbour that does the same at the same instant is
-- waited out. Nobody but the four people's roles (viewer, operator, cashier, admin), the daemon
-- and its four channels can ever connect; owner, writer and reader only own things.

DO $roles$
DECLARE
    group_role text;
    login text;
    setting record;
BEGIN
    -- Roles without login.
    FOREACH group_role IN ARRAY ARRAY['joulebook_owner', 'joulebook_writer', 'joulebook_reader',
            'joulebook_viewer', 'joulebook_operator', 'joulebook_cashier', 'joulebook_admin'] LOOP
        BEGIN
            IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = group_role) THEN
                EXECUTE format('CREATE ROLE %I NOLOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE', group_role);
            END IF;
        EXCEPTION WHEN duplicate_object OR unique_violation THEN
            NULL;
        END;
    END LOOP;

    -- The daemon, and its one login for each of the people's roles.
    FOREACH login IN ARRAY ARRAY['joulebook_app', 'joulebook_channel_viewer',
            'joulebook_channel_operator', 'joulebook_channel_cashier', 'joulebook_channel_admin'] LOOP
        BEGIN
            IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = login) THEN
                EXECUTE format('CREATE ROLE %I LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE', login);
            END IF;
        EXCEPTION WHEN duplicate_object OR unique_violation THEN
            NULL;
        END;
        -- The daemon finds rows by key and keeps its plans for as long as it is connected: one that was made
        -- while a table was known to be empty must not read it from end to end a month later. What has no index
        -- then seems dear enough to be compiled, which takes longer than to read it.
        FOR setting IN SELECT * FROM (VALUES
                ('lock_timeout', '2s'),
                ('statement_timeout', CASE login WHEN 'joulebook_app' THEN '120s' ELSE '30s' END),
                ('idle_in_transaction_session_timeout', '10s'),
                ('enable_seqscan', CASE login WHEN 'joulebook_app' THEN 'off' END),
                ('jit', CASE login WHEN 'joulebook_app' THEN 'off' END)) AS v(name, value)
                WHERE v.value IS NOT NULL LOOP
            IF NOT EXISTS (
                    SELECT FROM pg_db_role_setting s JOIN pg_roles r ON r.oid = s.setrole
                    WHERE r.rolname = login AND s.setdatabase = 0
                      AND setting.name || '=' || setting.value = ANY (s.setconfig)) THEN
                BEGIN
                    EXECUTE format('ALTER ROLE %I SET %I = %L', login, setting.name, setting.value);
                EXCEPTION WHEN internal_error OR unique_violation THEN
                    PERFORM pg_sleep(0.2);          -- a neighbour's identical change
                    EXECUTE format('ALTER ROLE %I SET %I = %L', login, setting.name, setting.value);
                END;
            END IF;
        END LOOP;
        IF login <> 'joulebook_app' THEN
            group_role := replace(login, 'channel_', '');
            IF NOT pg_has_role(login, group_role, 'MEMBER') THEN
                BEGIN
                    EXECUTE format('GRANT %I TO %I', group_role, login);
                EXCEPTION WHEN unique_violation THEN
                    NULL;
                END;
            END IF;
        END IF;
    END LOOP;
END
$roles$;

DO $database$
BEGIN
    EXECUTE format('REVOKE ALL ON DATABASE %I FROM PUBLIC', current_database());
    EXECUTE format('GRANT CONNECT ON DATABASE %I TO joulebook_app, joulebook_viewer,'
        ' joulebook_operator, joulebook_cashier, joulebook_admin', current_database());
END
$database$;
REVOKE ALL ON SCHEMA public FROM PUBLIC;

-- PostgreSQL gives everybody advisory locks, large objects and notifications. Whoever could take the locks
-- that booking and numbering take could stop both; who could fill the disk or wake the nodes, too. The
-- command NOTIFY cannot be taken away: what it brings is a hint to look, never a fact.
DO $public$
DECLARE
    name text;
BEGIN
    FOR name IN SELECT p.oid::regprocedure FROM pg_proc p
                WHERE p.pronamespace = 'pg_catalog'::regnamespace
                  AND p.proname ~ '^(pg_(try_)?advisory_.*|lo_.*|loread|lowrite|pg_notify)$' LOOP
        EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', name);
    END LOOP;
END
$public$;

-- All advisory locks that there are. Two integers and one bigint never meet.
--   1245859149, 0            the migrator, while it works             db/sql/migrate_base.sql
--   1245859407, node         a node, for as long as it lives          db/sql/node_lock.sql, inbound.node_settle
--   1246905164, day          shared by who books on a day, alone by   ledger.post, ledger.journal's trigger,
--                            who closes it                            ledger.close_day
--   1246905165               who numbers the streams                  inbound.sequence
--   1246905166               who makes and drops months               inbound.partitions
--   hash of tariff:…         who assigns a tariff to one target       api.tariff_assign
--   hash of topup:…          who books one top-up                     ledger.top_up
GRANT EXECUTE ON FUNCTION pg_advisory_xact_lock(bigint), pg_advisory_xact_lock_shared(integer, integer),
    pg_try_advisory_xact_lock(bigint), pg_try_advisory_xact_lock(integer, integer), pg_notify(text, text)
    TO joulebook_writer, joulebook_owner;
GRANT EXECUTE ON FUNCTION pg_try_advisory_lock(integer, integer) TO joulebook_app;

CREATE SCHEMA core AUTHORIZATION joulebook_owner;
CREATE SCHEMA ledger AUTHORIZATION joulebook_owner;
CREATE SCHEMA inbound AUTHORIZATION joulebook_owner;
CREATE SCHEMA management AUTHORIZATION joulebook_owner;
CREATE SCHEMA operation AUTHORIZATION joulebook_owner;
CREATE SCHEMA query AUTHORIZATION joulebook_owner;
CREATE SCHEMA api AUTHORIZATION joulebook_owner;

COMMENT ON SCHEMA core IS 'Tables of all three platforms; nobody reads or writes them but through functions and views | 三个平台的数据表，只能经由函数和视图读写';
COMMENT ON SCHEMA ledger IS 'Double-entry ledger: accounts, journals, entries, holds, settlements | 复式账本：账户、凭证、分录、冻结、结算';
COMMENT ON SCHEMA inbound IS 'What the daemon calls for the messages of piles; no actions | 守护进程处理充电桩报文时调用的函数，不是操作';
COMMENT ON SCHEMA management IS 'Management platform: one function per action | 管理平台：每个操作一个函数';
COMMENT ON SCHEMA operation IS 'Operation platform: one function per action | 运营平台：每个操作一个函数';
COMMENT ON SCHEMA query IS 'Query platform: views only | 查询平台：只有视图';
COMMENT ON SCHEMA api IS 'The catalogue of actions and views, and the call by name | 操作与视图目录，以及按名称调用';

GRANT USAGE ON SCHEMA core, ledger TO joulebook_writer, joulebook_reader, joulebook_app;
GRANT USAGE ON SCHEMA inbound TO joulebook_writer, joulebook_app;
GRANT USAGE ON SCHEMA management, operation, query, api TO joulebook_writer;
-- core holds core.visible_sites(), which every reader of a view runs.
GRANT USAGE ON SCHEMA core, management, operation, query, api
    TO joulebook_viewer, joulebook_operator, joulebook_cashier, joulebook_admin;
GRANT USAGE ON SCHEMA query TO joulebook_reader, joulebook_app;

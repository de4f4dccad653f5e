-- What a lane must know of the server before it trusts it, and the settings of its session.
-- No parameters.  Column 0: version number; 1: in recovery; 2: fsync; 3: full_page_writes;
-- 4: the timeline that is being written (0 in recovery).
SELECT current_setting('server_version_num')::int4,
       pg_is_in_recovery(),
       current_setting('fsync')::bool,
       current_setting('full_page_writes')::bool,
       CASE WHEN pg_is_in_recovery() THEN 0::int8
            ELSE ('x' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8))::bit(32)::int8 END,
       -- The statements never change, so one plan each; none is worth compiling.
       set_config('plan_cache_mode', 'force_generic_plan', false),
       set_config('jit', 'off', false),
       -- A warning while it commits means that the standby was not waited for.
       set_config('client_min_messages', 'warning', false),
       -- A lane waits for nobody's row: what is held by others is busy, and comes again.
       set_config('lock_timeout', '100ms', false),
       -- "Committed" must mean flushed, whatever the database's default is.
       CASE WHEN current_setting('synchronous_commit') = 'off'
            THEN set_config('synchronous_commit', 'on', false) END

-- A connector as one number: what the index session_on_connector (0101) is on, and what core.session_window spells
-- out. Where all sessions of a connector are meant they are asked for by it; by its two columns the planner, with
-- stale statistics, would find them by another index and walk what is open everywhere. Inlined, so that it costs
-- nothing and the index is found: it has to stay one plain expression, without settings of its own.
SET LOCAL ROLE joulebook_owner;
CREATE FUNCTION core.connector_key(station bigint, connector integer) RETURNS bigint
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$ SELECT (station << 32) + connector $$;
REVOKE ALL ON FUNCTION core.connector_key(bigint, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION core.connector_key(bigint, integer) TO joulebook_writer;
COMMENT ON FUNCTION core.connector_key(bigint, integer) IS 'A pile''s connector as one number | 桩与枪合为一个编号';
RESET ROLE;

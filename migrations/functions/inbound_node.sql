-- What nodes learn of one another: whose piles went elsewhere, and what a dead node left open.

-- Piles that were taken over within the last minutes, with the epoch that counts now: connections of an
-- older one close by it. Whoever took them and whatever became of that: a commit that comes late, when
-- its node has taken the pile once more or has given it up, leaves a connection that nobody owns. The
-- notification is only the quicker way.
CREATE OR REPLACE FUNCTION inbound.connections_moved(p_node bigint, OUT station bigint, OUT epoch bigint)
RETURNS SETOF record LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY SELECT c.station_id, c.epoch FROM core.station_connection c
        WHERE c.opened_at > clock_timestamp() - interval '5 minutes';
END
$$;
ALTER FUNCTION inbound.connections_moved(bigint) OWNER TO joulebook_writer;
REVOKE ALL ON FUNCTION inbound.connections_moved(bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION inbound.connections_moved(bigint) TO joulebook_app;
COMMENT ON FUNCTION inbound.connections_moved(bigint) IS
    'Piles that were taken over lately | 近期被接管的充电桩';

-- A node lives while it holds its lock. One that was found without it twice, some time apart, has
-- ended: what it left open is closed. p_candidate is the node that the last look found (0: none),
-- the answer is the one to ask for next time.
CREATE OR REPLACE FUNCTION inbound.node_settle(p_candidate bigint, OUT candidate bigint, OUT closed bigint)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    alive bigint[] := ARRAY(SELECT l.objid::bigint FROM pg_locks l
        WHERE l.locktype = 'advisory' AND l.classid = 1245859407 /* 0001_roles.sql */ AND l.objsubid = 2 AND l.granted
          AND l.database = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database()));
    left_open record;
BEGIN
    closed := 0;
    IF p_candidate > 0 AND p_candidate <> ALL (alive) THEN
        FOR left_open IN
            SELECT c.station_id, c.epoch FROM core.station_connection c
            WHERE c.node_id = p_candidate AND c.closed_at IS NULL
            ORDER BY c.station_id FOR NO KEY UPDATE SKIP LOCKED
        LOOP
            UPDATE core.station_connection c SET closed_at = clock_timestamp(), close_reason = 'its node has ended'
            WHERE c.station_id = left_open.station_id;
            PERFORM inbound.commands_lost(left_open.station_id, left_open.epoch + 1, clock_timestamp());
            closed := closed + 1;
        END LOOP;
    END IF;
    SELECT COALESCE(min(c.node_id), 0) INTO candidate FROM core.station_connection c
    WHERE c.closed_at IS NULL AND c.node_id IS NOT NULL AND c.node_id <> ALL (alive);
END
$$;
ALTER FUNCTION inbound.node_settle(bigint) OWNER TO joulebook_writer;
REVOKE ALL ON FUNCTION inbound.node_settle(bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION inbound.node_settle(bigint) TO joulebook_app;
COMMENT ON FUNCTION inbound.node_settle(bigint) IS
    'Closes what a dead node left open | 关闭已终止节点遗留的连接';

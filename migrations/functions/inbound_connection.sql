-- Connections: who owns one, by epoch.

-- The newest authenticated connection wins. What an earlier one had sent and not heard of is unknown.
CREATE OR REPLACE FUNCTION inbound.take_over(p_station bigint, p_node bigint, p_remote text, p_at timestamptz,
    OUT outcome text, OUT epoch bigint, OUT registration text, OUT boot_number integer, OUT interval_s integer,
    OUT open_transactions text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    before bigint;
BEGIN
    SELECT CASE WHEN c.closed_at IS NULL THEN c.node_id END INTO before
    FROM core.station_connection c WHERE c.station_id = p_station FOR NO KEY UPDATE SKIP LOCKED;
    IF NOT FOUND THEN
        outcome := CASE WHEN EXISTS (SELECT FROM core.station_connection c WHERE c.station_id = p_station)
                        THEN 'busy' ELSE 'refused' END;
        RETURN;
    END IF;
    UPDATE core.station_connection c SET node_id = p_node, epoch = c.epoch + 1, remote = p_remote, opened_at = p_at,
        closed_at = NULL, close_reason = NULL
    WHERE c.station_id = p_station RETURNING c.epoch INTO epoch;
    IF before <> p_node THEN -- another node may still hold the old connection
        PERFORM pg_notify('joulebook_node_' || before, 'moved ' || p_station || ' ' || epoch);
    END IF;
    PERFORM inbound.commands_lost(p_station, epoch, p_at);
    SELECT s.registration, s.boot_number, s.heartbeat_s INTO registration, boot_number, interval_s
    FROM core.station s WHERE s.id = p_station;
    SELECT string_agg(s.transaction_id::text, ',' ORDER BY s.transaction_id) INTO open_transactions
    FROM core.session s WHERE s.station_id = p_station AND s.stopped_at IS NULL AND s.state IN ('open', 'presumed_ended');
    outcome := 'done';
END
$$;
ALTER FUNCTION inbound.take_over(bigint, bigint, text, timestamptz) OWNER TO joulebook_writer;
REVOKE ALL ON FUNCTION inbound.take_over(bigint, bigint, text, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION inbound.take_over(bigint, bigint, text, timestamptz) TO joulebook_app;
COMMENT ON FUNCTION inbound.take_over(bigint, bigint, text, timestamptz) IS
    'Takes a pile''s connection over and gives its new epoch | 接管充电桩连接并返回新的纪元号';

CREATE OR REPLACE FUNCTION inbound.connection_close(p_station bigint, p_epoch bigint, p_at timestamptz, p_reason text,
    OUT outcome text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM FROM core.station_connection c WHERE c.station_id = p_station FOR NO KEY UPDATE SKIP LOCKED;
    IF NOT FOUND THEN
        outcome := CASE WHEN EXISTS (SELECT FROM core.station_connection c WHERE c.station_id = p_station)
                        THEN 'busy' ELSE 'refused' END;
        RETURN;
    END IF;
    UPDATE core.station_connection c SET closed_at = p_at, close_reason = p_reason
    WHERE c.station_id = p_station AND c.epoch = p_epoch AND c.closed_at IS NULL;
    IF FOUND THEN
        PERFORM inbound.commands_lost(p_station, p_epoch + 1, p_at);
    END IF;
    outcome := 'done';
END
$$;
ALTER FUNCTION inbound.connection_close(bigint, bigint, timestamptz, text) OWNER TO joulebook_writer;
REVOKE ALL ON FUNCTION inbound.connection_close(bigint, bigint, timestamptz, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION inbound.connection_close(bigint, bigint, timestamptz, text) TO joulebook_app;
COMMENT ON FUNCTION inbound.connection_close(bigint, bigint, timestamptz, text) IS
    'Closes a connection if it is still this epoch''s | 关闭仍属该纪元的连接';

-- Sent by an earlier epoch and not answered: nobody knows whether it left. What may be repeated is
-- queued again, the rest stays unknown until evidence settles it.
CREATE OR REPLACE FUNCTION inbound.commands_lost(p_station bigint, p_epoch bigint, p_at timestamptz)
RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    WITH lost AS (
        SELECT c.id FROM core.command c
        WHERE c.station_id = p_station AND c.state = 'sent' AND c.epoch < p_epoch
        ORDER BY c.id FOR NO KEY UPDATE SKIP LOCKED)
    UPDATE core.command c SET state = CASE WHEN c.repeatable AND c.deadline > p_at THEN 'queued' ELSE 'unknown' END
    FROM lost WHERE c.id = lost.id;
END
$$;
ALTER FUNCTION inbound.commands_lost(bigint, bigint, timestamptz) OWNER TO joulebook_writer;
REVOKE ALL ON FUNCTION inbound.commands_lost(bigint, bigint, timestamptz) FROM PUBLIC;
COMMENT ON FUNCTION inbound.commands_lost(bigint, bigint, timestamptz) IS
    'What an earlier connection sent and did not hear of | 旧连接已发出但未获应答的命令';

-- A node's start, with its number for connections and commands.
CREATE OR REPLACE FUNCTION inbound.node_start(p_name text, p_version text, OUT node bigint)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    INSERT INTO core.node (name, version) VALUES (p_name, p_version) RETURNING id INTO node;
END
$$;
ALTER FUNCTION inbound.node_start(text, text) OWNER TO joulebook_writer;
REVOKE ALL ON FUNCTION inbound.node_start(text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION inbound.node_start(text, text) TO joulebook_app;
COMMENT ON FUNCTION inbound.node_start(text, text) IS 'Registers a starting node | 登记启动的节点';

-- What the handshake needs, of all piles (p_since null or 0) or of those that changed after p_since.
-- Every row carries the newest seq, so that one row is enough to know how far this answer goes.
CREATE OR REPLACE FUNCTION inbound.directory(p_since bigint,
    OUT seq bigint, OUT station bigint, OUT identity text, OUT key_hashes text, OUT security_profile smallint,
    OUT registration text, OUT boot_number integer, OUT blocked boolean, OUT ping_s integer, OUT quirks text)
RETURNS SETOF record LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    newest bigint;
BEGIN
    SELECT s.seq INTO newest FROM core.stream s WHERE s.name = 'directory';
    RETURN QUERY
        SELECT newest, s.id, s.identity,
            (SELECT string_agg(k.key_hash, ',' ORDER BY k.id) FROM core.station_key k
             WHERE k.station_id = s.id AND k.state <> 'revoked'),
            s.security_profile, s.registration, s.boot_number, s.blocked OR s.retired_at IS NOT NULL, s.ping_s,
            concat_ws(' ', s.quirks, CASE WHEN s.strict THEN 'strict' END)
        FROM core.station s
        WHERE COALESCE(p_since, 0) <= 0
           OR s.id IN (SELECT d.station_id FROM core.directory_change d WHERE d.seq > p_since)
        ORDER BY s.id;
END
$$;
ALTER FUNCTION inbound.directory(bigint) OWNER TO joulebook_writer;
REVOKE ALL ON FUNCTION inbound.directory(bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION inbound.directory(bigint) TO joulebook_app;
COMMENT ON FUNCTION inbound.directory(bigint) IS 'Piles as the handshake needs them, or those changed since | 握手所需的充电桩目录（全部或增量）';

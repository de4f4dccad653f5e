-- Commands: claimed once, sent at most once.

-- Claims the oldest queued command if the epoch is still the caller's, and stays it until the claim has
-- committed, before the CALL leaves. A connection that is changing hands gives none now: its owner looks
-- again. The oldest may be in somebody's hands for a moment: then the next.
-- A claim that is run again, since its outcome had been unknown, is the same claim. Nobody knows of it otherwise, and
-- its CALL would never leave.
CREATE OR REPLACE FUNCTION inbound.command_next(p_station bigint, p_epoch bigint, p_at timestamptz,
    OUT outcome text, OUT command_id bigint, OUT action text, OUT payload text, OUT message_id text, OUT timeout_s integer)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    owner bigint;
    chosen bigint;
BEGIN
    outcome := 'done';
    SELECT c.node_id INTO owner FROM core.station_connection c
    WHERE c.station_id = p_station AND c.epoch = p_epoch AND c.closed_at IS NULL FOR SHARE SKIP LOCKED;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    SELECT c.id, c.action, c.payload::text, c.message_id, c.timeout_s
    INTO command_id, action, payload, message_id, timeout_s FROM core.command c
    WHERE c.station_id = p_station AND c.state = 'sent' AND c.epoch = p_epoch AND c.sent_at = p_at;
    IF FOUND THEN
        RETURN;
    END IF;
    SELECT c.id INTO chosen FROM core.command c
    WHERE c.station_id = p_station AND c.state = 'queued' AND c.deadline > p_at
    ORDER BY c.id LIMIT 1 FOR NO KEY UPDATE SKIP LOCKED;
    IF chosen IS NULL THEN
        RETURN;
    END IF;
    UPDATE core.command c SET state = 'sent', sent_at = p_at, node_id = owner, epoch = p_epoch, attempts = c.attempts + 1,
        message_id = 'jb-' || c.id || '-' || (c.attempts + 1)
    WHERE c.id = chosen
    RETURNING c.id, c.action, c.payload::text, c.message_id, c.timeout_s
    INTO command_id, action, payload, message_id, timeout_s;
END
$$;
ALTER FUNCTION inbound.command_next(bigint, bigint, timestamptz) OWNER TO joulebook_writer;
REVOKE ALL ON FUNCTION inbound.command_next(bigint, bigint, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION inbound.command_next(bigint, bigint, timestamptz) TO joulebook_app;
COMMENT ON FUNCTION inbound.command_next(bigint, bigint, timestamptz) IS 'Claims the next command of a pile | 认领充电桩的下一条命令';

-- Writes the answer to one claim. A late one settles an unknown, or what was put back and not claimed again; a final
-- one stands. What an earlier connection says of its claim is no word on a later one, whose CALL may be under way.
CREATE OR REPLACE FUNCTION inbound.command_answer(p_command bigint, p_message_id text, p_state text, p_answer text,
    p_at timestamptz, OUT outcome text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    c core.command;
BEGIN
    SELECT * INTO c FROM core.command x WHERE x.id = p_command FOR NO KEY UPDATE SKIP LOCKED;
    IF c.id IS NULL THEN
        outcome := CASE WHEN EXISTS (SELECT FROM core.command x WHERE x.id = p_command) THEN 'busy' ELSE 'refused' END;
        RETURN;
    END IF;
    IF p_state NOT IN ('accepted', 'rejected', 'refused', 'call_error', 'timed_out', 'unknown', 'expired', 'cancelled') THEN
        outcome := 'refused';
        RETURN;
    END IF;
    outcome := 'done';
    IF c.message_id = p_message_id AND (c.state = 'sent'
        OR c.sent_at IS NOT NULL AND c.state IN ('queued', 'unknown', 'timed_out', 'expired')
            AND p_state IN ('accepted', 'rejected', 'call_error')) THEN
        UPDATE core.command x SET
            -- With an answer it is one that says neither yes nor no: to ask again would get it again.
            state = CASE WHEN p_state = 'unknown' AND p_answer IS NULL AND x.repeatable AND x.deadline > p_at
                    THEN 'queued' ELSE p_state END,
            answered_at = CASE WHEN p_state <> 'unknown' OR p_answer IS NOT NULL THEN p_at END, answer = p_answer
        WHERE x.id = p_command;
    END IF;
END
$$;
ALTER FUNCTION inbound.command_answer(bigint, text, text, text, timestamptz) OWNER TO joulebook_writer;
REVOKE ALL ON FUNCTION inbound.command_answer(bigint, text, text, text, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION inbound.command_answer(bigint, text, text, text, timestamptz) TO joulebook_app;
COMMENT ON FUNCTION inbound.command_answer(bigint, text, text, text, timestamptz) IS 'Writes a command''s answer | 写入命令应答';

-- An answer that nobody waits for any more: it came on a later connection, or after its time. It is matched by the
-- message id, which names one claim of one command; a command claimed again since waits for the answer to that.
-- The caller knows no action: what the answer without a status means, the catalogue says.
CREATE OR REPLACE FUNCTION inbound.command_late(p_station bigint, p_message_id text, p_state text, p_answer text,
    p_at timestamptz, OUT outcome text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    named bigint := substring(p_message_id FROM '^jb-([1-9][0-9]{0,17})-[1-9][0-9]{0,9}$')::bigint;
    c core.command;
    settled text := p_state;
BEGIN
    outcome := 'done';
    SELECT * INTO c FROM core.command x
    WHERE x.id = named AND x.station_id = p_station AND x.message_id = p_message_id FOR NO KEY UPDATE SKIP LOCKED;
    IF c.id IS NULL THEN
        IF EXISTS (SELECT FROM core.command x
                   WHERE x.id = named AND x.station_id = p_station AND x.message_id = p_message_id) THEN
            outcome := 'busy';
        END IF;
        RETURN;
    END IF;
    IF p_state = 'no_status' THEN
        settled := CASE WHEN EXISTS (SELECT FROM core.ocpp_field f WHERE f.action = c.action AND f.confirmation
                                     AND f.path = 'status' AND f.required) THEN 'call_error' ELSE 'accepted' END;
    ELSIF p_state NOT IN ('accepted', 'rejected', 'call_error') THEN
        outcome := 'refused';
        RETURN;
    END IF;
    IF c.sent_at IS NOT NULL AND c.state IN ('queued', 'sent', 'unknown', 'timed_out', 'expired') THEN
        UPDATE core.command x SET state = settled, answered_at = p_at, answer = p_answer WHERE x.id = c.id;
    END IF;
END
$$;
ALTER FUNCTION inbound.command_late(bigint, text, text, text, timestamptz) OWNER TO joulebook_writer;
REVOKE ALL ON FUNCTION inbound.command_late(bigint, text, text, text, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION inbound.command_late(bigint, text, text, text, timestamptz) TO joulebook_app;
COMMENT ON FUNCTION inbound.command_late(bigint, text, text, text, timestamptz) IS
    'Writes an answer that came after its connection or its time | 写入在连接或时限之后才到达的命令应答';

-- Undoes a claim whose CALL never was handed to a socket. The message id is of that claim alone, so that what
-- was claimed again since stays untouched, and a repeat changes nothing. A connection that came in
-- between may have called it unknown: it is not.
CREATE OR REPLACE FUNCTION inbound.command_unsent(p_command bigint, p_message_id text, p_at timestamptz,
    OUT outcome text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    c core.command;
BEGIN
    SELECT * INTO c FROM core.command x WHERE x.id = p_command FOR NO KEY UPDATE SKIP LOCKED;
    IF c.id IS NULL THEN
        outcome := CASE WHEN EXISTS (SELECT FROM core.command x WHERE x.id = p_command) THEN 'busy' ELSE 'refused' END;
        RETURN;
    END IF;
    outcome := 'done';
    IF c.message_id = p_message_id AND c.state IN ('sent', 'unknown') THEN
        UPDATE core.command x SET
            state = CASE WHEN x.deadline > p_at THEN 'queued' ELSE 'expired' END,
            node_id = NULL, epoch = NULL, sent_at = NULL
        WHERE x.id = p_command;
    END IF;
END
$$;
ALTER FUNCTION inbound.command_unsent(bigint, text, timestamptz) OWNER TO joulebook_writer;
REVOKE ALL ON FUNCTION inbound.command_unsent(bigint, text, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION inbound.command_unsent(bigint, text, timestamptz) TO joulebook_app;
COMMENT ON FUNCTION inbound.command_unsent(bigint, text, timestamptz) IS
    'Puts a command back whose call never left | 将从未发出的命令放回队列';

CREATE OR REPLACE FUNCTION inbound.command_stations(p_node bigint, OUT station bigint)
RETURNS SETOF bigint LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY SELECT DISTINCT c.station_id FROM core.command c
        JOIN core.station_connection n ON n.station_id = c.station_id
        WHERE c.state = 'queued' AND n.node_id = p_node AND n.closed_at IS NULL AND c.deadline > clock_timestamp();
END
$$;
ALTER FUNCTION inbound.command_stations(bigint) OWNER TO joulebook_writer;
REVOKE ALL ON FUNCTION inbound.command_stations(bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION inbound.command_stations(bigint) TO joulebook_app;
COMMENT ON FUNCTION inbound.command_stations(bigint) IS 'Piles of a node that have queued commands | 节点上有待发命令的充电桩';

-- The clock's part: what nobody sent in time has expired, what nobody answered is unknown. A command whose end
-- nobody knows may be put back until its deadline by the node's clock; after it its secrets serve nobody.
CREATE OR REPLACE FUNCTION inbound.command_expiry()
RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    moment timestamptz := clock_timestamp();
    changed bigint;
    part bigint;
BEGIN
    WITH due AS (
        SELECT c.id FROM core.command c WHERE c.state = 'queued' AND c.deadline <= moment
        ORDER BY c.deadline LIMIT 1000 FOR NO KEY UPDATE SKIP LOCKED)
    UPDATE core.command c SET state = 'expired' FROM due WHERE c.id = due.id;
    GET DIAGNOSTICS changed = ROW_COUNT;
    WITH due AS (
        SELECT c.id FROM core.command c
        WHERE c.state = 'sent' AND c.sent_at + make_interval(secs => COALESCE(c.timeout_s, 600) + 60) <= moment
        ORDER BY c.sent_at LIMIT 1000 FOR NO KEY UPDATE SKIP LOCKED)
    UPDATE core.command c SET state = 'unknown' FROM due WHERE c.id = due.id;
    GET DIAGNOSTICS part = ROW_COUNT;
    changed := changed + part;
    WITH due AS (
        SELECT c.id FROM core.command c WHERE c.state = 'unknown' AND c.payload ?| c.secret_members
          AND c.deadline <= moment - interval '1 minute'
        ORDER BY c.deadline LIMIT 1000 FOR NO KEY UPDATE SKIP LOCKED)
    UPDATE core.command c SET payload = c.payload - c.secret_members FROM due WHERE c.id = due.id;
    GET DIAGNOSTICS part = ROW_COUNT;
    RETURN changed + part;
END
$$;
ALTER FUNCTION inbound.command_expiry() OWNER TO joulebook_writer;
REVOKE ALL ON FUNCTION inbound.command_expiry() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION inbound.command_expiry() TO joulebook_app;
COMMENT ON FUNCTION inbound.command_expiry() IS 'Ends commands that nobody sent or answered in time | 处理超时未发或未答的命令';

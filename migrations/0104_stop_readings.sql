-- A connector below zero names no connector: its readings came in a Stop before anybody knew of which session it is,
-- or of a session whose connector nobody knows, and the number is the Stop's own (core.stop_connector). So what two
-- Stops told in one instant stays apart, and a reading is the session's that its Stop joined. -1 is nobody's. No pile
-- can name such a connector: the daemon takes none below 0.

SET LOCAL ROLE joulebook_owner;

-- An error where the integer ends: no number is given twice.
CREATE FUNCTION core.stop_connector(p_unmatched_stop bigint) RETURNS integer
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$ SELECT (-1 - p_unmatched_stop)::integer $$;

CREATE INDEX unmatched_stop_joined ON core.unmatched_stop (transaction_id) WHERE transaction_id IS NOT NULL;

-- They all had -1, and were the session's whose Stop was received in that microsecond. The Stop of a session
-- without a connector was not among them, if it named its transaction.
INSERT INTO core.unmatched_stop (digest, station_id, sent_id, tag_key, at, reported_at, offset_us, queued, received_at,
    meter_stop_mwh, reason, verdict, expiry, parent, state, transaction_id)
SELECT gen_random_uuid(), s.station_id, s.transaction_id, s.stop_tag_key, s.stopped_at, s.stop_reported_at,
    s.stop_offset_us, s.stop_queued, s.stop_received_at, s.meter_stop_mwh, s.stop_reason, s.stop_verdict, s.stop_expiry,
    s.stop_parent, 'joined', s.transaction_id
FROM core.session s
WHERE s.connector IS NULL AND s.stopped_at IS NOT NULL
  AND NOT EXISTS (SELECT FROM core.unmatched_stop u WHERE u.transaction_id = s.transaction_id);
UPDATE core.meter_reading m SET connector = core.stop_connector(told.stop_id)
FROM (SELECT r.station, r.at, r.hash, u.id AS stop_id
      FROM (SELECT DISTINCT x.station_id FROM core.unmatched_stop x) p
      JOIN core.meter_reading r ON r.station = p.station_id AND r.connector = -1
      JOIN LATERAL (SELECT x.id FROM core.unmatched_stop x
                    WHERE x.station_id = r.station AND x.received_at = r.received_at
                    ORDER BY (x.sent_id = r.transaction_id) DESC NULLS LAST, (x.reported_at >= r.at) DESC NULLS LAST, x.id
                    LIMIT 1) u ON true) told
WHERE m.station = told.station AND m.at = told.at AND m.connector = -1 AND m.hash = told.hash;

-- Where the readings of a session lie: at its own connector, if it has one, and with the Stop that came before its
-- start, or that has no connector either.
CREATE FUNCTION core.session_connectors(p_session core.session) RETURNS integer[]
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    -- By the uid, which only who may see the session knows, whatever else the row says.
    s core.session;
BEGIN
    SELECT * INTO s FROM core.session x WHERE x.uid = p_session.uid;
    RETURN s.connector || ARRAY(SELECT core.stop_connector(u.id) FROM core.unmatched_stop u
                                WHERE u.transaction_id = s.transaction_id);
END
$$;
RESET ROLE;

REVOKE ALL ON FUNCTION core.stop_connector(bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION core.stop_connector(bigint) TO joulebook_writer;
COMMENT ON FUNCTION core.stop_connector(bigint) IS
    'Under which connector the readings of an unmatched Stop are stored | 未匹配停止报文的读数所存的枪号';
ALTER FUNCTION core.session_connectors(core.session) OWNER TO joulebook_writer;
REVOKE ALL ON FUNCTION core.session_connectors(core.session) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION core.session_connectors(core.session) TO joulebook_viewer, joulebook_operator,
    joulebook_cashier, joulebook_admin, joulebook_reader;
COMMENT ON FUNCTION core.session_connectors(core.session) IS
    'Under which connectors the readings of a session are stored | 会话读数所存的枪号';

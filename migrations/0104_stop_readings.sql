-- A connector below zero names no connector: its readings came in a Stop before anybody knew of which session it is,
-- and the number is the Stop's own, -core.unmatched_stop.id. So what two Stops told in one instant stays apart, and
-- a reading is the session's that its Stop joined. No pile can name such a connector: the daemon takes none below 0.

SET LOCAL ROLE joulebook_owner;

CREATE INDEX unmatched_stop_joined ON core.unmatched_stop (transaction_id) WHERE transaction_id IS NOT NULL;

-- They all had -1, and were the session's whose Stop was received in that microsecond.
UPDATE core.meter_reading m SET connector = -told.stop_id
FROM (SELECT r.station, r.at, r.hash, u.id AS stop_id
      FROM (SELECT DISTINCT x.station_id FROM core.unmatched_stop x) p
      JOIN core.meter_reading r ON r.station = p.station_id AND r.connector = -1
      JOIN LATERAL (SELECT x.id FROM core.unmatched_stop x
                    WHERE x.station_id = r.station AND x.received_at = r.received_at
                    ORDER BY (x.sent_id = r.transaction_id) DESC NULLS LAST, (x.reported_at >= r.at) DESC NULLS LAST, x.id
                    LIMIT 1) u ON true) told
WHERE m.station = told.station AND m.at = told.at AND m.connector = -1 AND m.hash = told.hash;

-- Where the readings of a session lie: at its own connector, and with the Stop that came before its start.
CREATE FUNCTION core.session_connectors(p_session core.session) RETURNS integer[]
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    -- By the uid, which only who may see the session knows, whatever else the row says.
    s core.session;
BEGIN
    SELECT * INTO s FROM core.session x WHERE x.uid = p_session.uid;
    RETURN s.connector || ARRAY(SELECT (-u.id)::integer FROM core.unmatched_stop u WHERE u.transaction_id = s.transaction_id);
END
$$;
RESET ROLE;

ALTER FUNCTION core.session_connectors(core.session) OWNER TO joulebook_writer;
REVOKE ALL ON FUNCTION core.session_connectors(core.session) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION core.session_connectors(core.session) TO joulebook_viewer, joulebook_operator,
    joulebook_cashier, joulebook_admin, joulebook_reader;
COMMENT ON FUNCTION core.session_connectors(core.session) IS
    'Under which connectors the readings of a session are stored | 会话读数所存的枪号';

-- The readings of a session. They name the pile's transaction or none at all (-1, 0, or a number that
-- is no session of this connector); those belong by connector and time. What the pile reported of its
-- own clock is compared with what it reported of the session, not with corrected times. Readings that came
-- in a Stop before anybody knew of which connector belong to the session of that Stop (core.session_connectors).
-- query.session_reading tells the same.
CREATE OR REPLACE FUNCTION core.session_readings(p_session core.session)
RETURNS SETOF core.meter_reading LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    w record;
    places integer[] := core.session_connectors(p_session);
BEGIN
    SELECT * INTO w FROM core.session_window(p_session);
    RETURN QUERY SELECT r.* FROM core.meter_reading r
    WHERE r.station = p_session.station_id
      AND r.connector = ANY (places)
      AND r.at BETWEEN w.lowest AND w.highest
      AND (r.connector < 0 OR r.transaction_id = p_session.transaction_id
           OR r.at BETWEEN w.since AND w.until AND r.received_at BETWEEN w.received_since AND w.received_until
              AND NOT EXISTS (SELECT FROM core.session o
                              WHERE o.transaction_id = r.transaction_id AND o.station_id = r.station
                                AND o.connector = r.connector));
END
$$;
ALTER FUNCTION core.session_readings(core.session) OWNER TO joulebook_writer;
REVOKE ALL ON FUNCTION core.session_readings(core.session) FROM PUBLIC;
COMMENT ON FUNCTION core.session_readings(core.session) IS
    'The meter readings that belong to a session | 属于该会话的电表读数';

-- The readings of a session. They name the pile's transaction or none at all (-1, 0, or a number that
-- is no session of this connector); those belong by connector and time. What the pile reported of its
-- own clock is compared with what it reported of the session, not with corrected times.
CREATE OR REPLACE FUNCTION core.session_readings(p_session core.session)
RETURNS SETOF core.meter_reading LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    reported_start timestamptz := COALESCE(p_session.start_reported_at, p_session.started_at);
    reported_stop timestamptz := COALESCE(p_session.stop_reported_at, p_session.stopped_at,
        p_session.presumed_ended_at, 'infinity');
BEGIN
    RETURN QUERY SELECT r.* FROM core.meter_reading r
    WHERE r.station = p_session.station_id
      AND r.connector = p_session.connector
      -- A day on both sides for a clock that was set meanwhile; the transaction decides there.
      AND r.at BETWEEN LEAST(reported_start, p_session.started_at) - interval '1 day'
                   AND GREATEST(reported_stop, p_session.stopped_at) + interval '1 day'
      AND (r.transaction_id = p_session.transaction_id
           OR r.at BETWEEN reported_start AND reported_stop
              AND NOT EXISTS (SELECT FROM core.session o
                              WHERE o.transaction_id = r.transaction_id AND o.station_id = r.station
                                AND o.connector = r.connector));
END
$$;
ALTER FUNCTION core.session_readings(core.session) OWNER TO joulebook_writer;
REVOKE ALL ON FUNCTION core.session_readings(core.session) FROM PUBLIC;
COMMENT ON FUNCTION core.session_readings(core.session) IS
    'The meter readings that belong to a session | 属于该会话的电表读数';

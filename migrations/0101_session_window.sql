-- Which time of a connector is a session's.

SET LOCAL ROLE joulebook_owner;

-- The sessions of a connector in their order. By one number for the two, which is asked for where all of them are
-- meant: with stale statistics the planner would walk them all to find the one that runs (session_running).
CREATE INDEX session_on_connector ON core.session (((station_id << 32) + connector), started_at, transaction_id);

-- Where the readings of a session lie that name no session. `since` and `until` are times of the pile's clock,
-- as its readings are; `received_since` and `received_until` our own, for a pile whose clock tells nothing: that
-- says things in their order. One connector charges one session at a time, so that the next start there ends
-- the time of this one, with a Stop or without. `lowest` and `highest` bound its own readings, a day on both
-- sides, for a clock that was set meanwhile.
CREATE FUNCTION core.session_window(p_session core.session, OUT lowest timestamptz, OUT highest timestamptz,
    OUT since timestamptz, OUT until timestamptz, OUT received_since timestamptz, OUT received_until timestamptz)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    s core.session := p_session;
    step CONSTANT interval := interval '1 microsecond';
    earliest CONSTANT timestamptz := '1900-01-01 00:00:00+00';
    latest CONSTANT timestamptz := '2200-01-01 00:00:00+00';
    place record;
    following record;
    ended timestamptz;
    clockless boolean;
BEGIN
    -- By the uid, which only who may see the session knows, whatever else the row says.
    SELECT m.station_id, m.connector, t.registered_at INTO place
    FROM core.session m JOIN core.station t ON t.id = m.station_id WHERE m.uid = s.uid;
    SELECT COALESCE(o.start_reported_at, o.started_at) AS reported_at, o.start_received_at AS received_at INTO following
    FROM core.session o
    WHERE (o.station_id << 32) + o.connector = (place.station_id << 32) + place.connector
      AND (o.started_at, o.transaction_id) > (s.started_at, s.transaction_id)
    ORDER BY o.started_at, o.transaction_id LIMIT 1;
    since := COALESCE(s.start_reported_at, s.started_at);
    ended := COALESCE(s.stop_reported_at, s.stopped_at);
    clockless := s.start_reported_at IS NULL OR s.start_reported_at < place.registered_at
        OR s.start_reported_at > LEAST(s.start_received_at, latest) + interval '1 day';
    -- Presumed to have ended by our clock, which is the pile's as far as its start tells.
    until := COALESCE(ended, CASE
        WHEN following.received_at IS NOT NULL OR clockless THEN 'infinity'
        WHEN s.started_at BETWEEN earliest AND latest AND s.presumed_ended_at BETWEEN earliest AND latest
            THEN s.presumed_ended_at - (s.started_at - s.start_reported_at)
        ELSE s.presumed_ended_at END, 'infinity');
    received_since := '-infinity';
    received_until := 'infinity';
    IF NOT clockless AND following.reported_at > since THEN
        until := LEAST(until, GREATEST(following.reported_at, earliest) - step);
    ELSE
        received_until := CASE WHEN following.received_at > earliest THEN following.received_at - step ELSE received_until END;
    END IF;
    lowest := LEAST(since, s.started_at);
    highest := GREATEST(COALESCE(ended, s.presumed_ended_at, 'infinity'), s.stopped_at, NULLIF(until, 'infinity'));
    lowest := CASE WHEN lowest > '4700-01-01 00:00:00+00 BC' THEN lowest - interval '1 day' ELSE '-infinity' END;
    highest := CASE WHEN highest < '294276-01-01 00:00:00+00' THEN highest + interval '1 day' ELSE 'infinity' END;
    IF clockless THEN
        -- A Stop that was told before its start brought its readings with it.
        received_since := LEAST(s.start_received_at, s.stop_received_at);
        received_until := LEAST(received_until, CASE
            WHEN s.stop_received_at IS NOT NULL THEN GREATEST(s.start_received_at, s.stop_received_at)
            WHEN following.received_at IS NULL THEN s.presumed_ended_at END);
    END IF;
END
$$;
RESET ROLE;

ALTER FUNCTION core.session_window(core.session) OWNER TO joulebook_writer;
REVOKE ALL ON FUNCTION core.session_window(core.session) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION core.session_window(core.session) TO joulebook_viewer, joulebook_operator,
    joulebook_cashier, joulebook_admin, joulebook_reader;
COMMENT ON FUNCTION core.session_window(core.session) IS
    'The time of a connector that is a session''s | 属于该会话的枪口时段';

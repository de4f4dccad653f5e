-- The same index for sessions that were received at the end of all time, where a day more is none.
SET LOCAL ROLE joulebook_owner;
DROP INDEX core.session_ahead;
CREATE INDEX session_ahead ON core.session (station_id, connector, start_reported_at)
    WHERE CASE WHEN start_received_at < '2200-01-01 00:00:00+00' THEN
        start_reported_at AT TIME ZONE 'UTC' > start_received_at AT TIME ZONE 'UTC' + interval '1 day' ELSE false END;
RESET ROLE;

-- The few starts that were told more than a day ahead of their receipt, by what stays the same when they are told
-- again: a live start finds in passing that it is none of them. At the end of all time a day more is none.
SET LOCAL ROLE joulebook_owner;
CREATE INDEX session_ahead ON core.session (station_id, connector, start_reported_at)
    WHERE CASE WHEN start_received_at < '2200-01-01 00:00:00+00' THEN
        start_reported_at AT TIME ZONE 'UTC' > start_received_at AT TIME ZONE 'UTC' + interval '1 day' ELSE false END;
RESET ROLE;

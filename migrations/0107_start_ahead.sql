-- The few starts that were told more than a day ahead of their receipt, by what stays the same when they are told
-- again: a live start finds in passing that it is none of them.
SET LOCAL ROLE joulebook_owner;
CREATE INDEX session_ahead ON core.session (station_id, connector, start_reported_at)
    WHERE start_reported_at AT TIME ZONE 'UTC' > start_received_at AT TIME ZONE 'UTC' + interval '1 day';
RESET ROLE;

-- Callers that were refused, counted by name and reason.
-- $1 identity  $2 at  $3 remote address  $4 reason
INSERT INTO core.door (identity, reason, count, remote, first_at, last_at)
SELECT r.identity, r.reason, count(*), (array_agg(r.remote ORDER BY r.at DESC))[1], min(r.at), max(r.at)
FROM unnest($1::text[], $2::timestamptz[], $3::text[], $4::text[]) AS r (identity, at, remote, reason)
GROUP BY r.identity, r.reason
ORDER BY r.identity, r.reason
ON CONFLICT (identity, reason) DO UPDATE
SET count = door.count + excluded.count,
    remote = excluded.remote,
    last_at = greatest(door.last_at, excluded.last_at)

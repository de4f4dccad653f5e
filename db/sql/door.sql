-- Callers that were refused, counted by name and reason.  Anybody may call by any name, so names that
-- are no pile's have 10,000 rows; who comes with a further one is counted under the empty name.
-- $1 identity  $2 at  $3 remote address  $4 reason
WITH heard AS (
    SELECT coalesce(s.identity, r.identity) AS identity, r.reason, count(*) AS count,
           (array_agg(r.remote ORDER BY r.at DESC))[1] AS remote, min(r.at) AS first_at, max(r.at) AS last_at,
           r.identity <> '' AND bool_and(s.id IS NULL) AS stranger
    FROM unnest($1::text[], $2::timestamptz[], $3::text[], $4::text[]) AS r (identity, at, remote, reason)
    LEFT JOIN core.station s ON lower(s.identity) = lower(r.identity)
    GROUP BY coalesce(s.identity, r.identity), r.identity <> '', r.reason),
seen AS (
    SELECT h.*, d.identity IS NULL AS fresh
    FROM heard h LEFT JOIN core.door d ON d.identity = h.identity AND d.reason = h.reason),
placed AS (
    SELECT s.*, row_number() OVER (PARTITION BY s.stranger AND s.fresh ORDER BY s.identity, s.reason) AS place
    FROM seen s),
named AS (
    SELECT CASE WHEN p.stranger AND p.fresh
                     AND p.place > 10000 - (SELECT count(*) FROM core.door o WHERE o.stranger)
                THEN '' ELSE p.identity END AS identity,
           p.reason, p.count, p.remote, p.first_at, p.last_at, p.stranger
    FROM placed p)
INSERT INTO core.door (identity, reason, count, remote, first_at, last_at, stranger)
SELECT n.identity, n.reason, sum(n.count), (array_agg(n.remote ORDER BY n.last_at DESC))[1], min(n.first_at),
       max(n.last_at), n.identity <> '' AND bool_or(n.stranger)
FROM named n
GROUP BY n.identity, n.reason
ORDER BY n.identity, n.reason
ON CONFLICT (identity, reason) DO UPDATE
SET count = door.count + excluded.count,
    remote = excluded.remote,
    last_at = greatest(door.last_at, excluded.last_at)

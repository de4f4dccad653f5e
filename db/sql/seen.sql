-- When stations were last heard of; never moves back.
-- $1 station  $2 at
INSERT INTO core.station_seen (station, at)
SELECT r.station, max(r.at)
FROM unnest($1::bigint[], $2::timestamptz[]) AS r (station, at)
GROUP BY r.station
ORDER BY r.station
ON CONFLICT (station) DO UPDATE SET at = excluded.at WHERE station_seen.at < excluded.at

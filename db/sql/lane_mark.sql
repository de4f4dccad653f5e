-- The lane's mark: a write, so that a commit that would otherwise write nothing is flushed and
-- waited for like any other.
-- $1 lane
INSERT INTO core.lane_mark (lane, token) VALUES ($1::text, 1)
ON CONFLICT (lane) DO UPDATE SET token = lane_mark.token + 1, at = clock_timestamp()

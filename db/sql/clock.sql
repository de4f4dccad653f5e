-- How far the node's clock is behind the server's, in microseconds.
-- $1 the node's time, microseconds since 1970
SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint - $1::bigint

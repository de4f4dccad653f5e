-- A pile's connection is taken over by a node: the epoch moves on.
-- $1 station  $2 node  $3 remote address  $4 at
SELECT * FROM inbound.take_over($1::bigint, $2::bigint, $3::text, $4::timestamptz)

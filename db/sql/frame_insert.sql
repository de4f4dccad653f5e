-- The trace of frames.
-- $1 station  $2 at  $3 direction: in, out  $4 message type  $5 action  $6 message id  $7 frame
-- $8 note
INSERT INTO core.frame (station, at, direction, type, action, message_id, frame, note)
SELECT r.station, r.at, r.direction, r.type, r.action, r.message_id, r.frame, r.note
FROM unnest($1::bigint[], $2::timestamptz[], $3::text[], $4::smallint[], $5::text[], $6::text[],
    $7::text[], $8::text[])
    AS r (station, at, direction, type, action, message_id, frame, note)

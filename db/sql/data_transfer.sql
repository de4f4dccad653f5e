-- DataTransfer.
-- $1 station  $2 vendor id  $3 message id  $4 data  $5 received at
SELECT * FROM inbound.data_transfer($1::bigint, $2::text, $3::text, $4::text, $5::timestamptz)

-- StopTransaction.
-- $1 station  $2 transaction id as named  $3 meterStop in mWh  $4 at  $5 at as sent  $6 idTag
-- $7 reason  $8 received at  $9 queued  $10 offset of the pile's clock in us, null: unknown
-- $11 readings of transactionData: array of wide rows, null: none  $12 frame
-- $13 deviations: JSON array or null
SELECT * FROM inbound.stop($1::bigint, $2::bigint, $3::bigint, $4::timestamptz, $5::text, $6::text,
    $7::text, $8::timestamptz, $9::bool, $10::bigint, $11::jsonb, $12::text, $13::text)

-- BootNotification.
-- $1 station  $2 received at  $3 vendor  $4 model  $5 serial number  $6 charge box serial number
-- $7 firmware  $8 ICCID  $9 IMSI  $10 meter type  $11 meter serial number
SELECT * FROM inbound.boot($1::bigint, $2::timestamptz, $3::text, $4::text, $5::text, $6::text,
    $7::text, $8::text, $9::text, $10::text, $11::text)

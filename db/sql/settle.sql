-- Posts a session's bill, once.
-- $1 session's uid, as text  $2 bill  $3 input, deflated  $4 its SHA-256  $5 SHA-256 of the bill
SELECT * FROM ledger.settle($1::text::uuid, $2::jsonb, $3::bytea, $4::bytea, $5::bytea)

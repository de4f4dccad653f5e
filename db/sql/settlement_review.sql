-- Puts a session in review instead of settling it.
-- $1 session's uid, as text  $2 kind  $3 detail  $4 input, deflated
SELECT * FROM ledger.settlement_review($1::text::uuid, $2::text, $3::jsonb, $4::bytea)

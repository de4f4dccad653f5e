-- Puts the session of a claimed job in review instead of settling it, and ends the job.
-- $1 job  $2 worker  $3 attempts, as claimed  $4 kind  $5 detail  $6 input, deflated
SELECT * FROM ledger.settlement_review_claimed($1::bigint, $2::text, $3::integer, $4::text, $5::jsonb, $6::bytea)

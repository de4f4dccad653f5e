-- Posts the bill of a claimed job's session, once, and ends the job.
-- $1 job  $2 worker  $3 attempts, as claimed  $4 bill  $5 input, deflated  $6 its SHA-256  $7 SHA-256 of the bill
SELECT * FROM ledger.settle_claimed($1::bigint, $2::text, $3::integer, $4::jsonb, $5::bytea, $6::bytea, $7::bytea)

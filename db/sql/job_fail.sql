-- A job failed, if the worker still has it: it is tried again later, or given up.
-- $1 job  $2 worker  $3 attempts, as claimed  $4 error
SELECT * FROM inbound.job_fail($1::bigint, $2::text, $3::integer, $4::text)

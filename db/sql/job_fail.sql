-- A job failed: it is tried again later, or given up.
-- $1 job  $2 error
SELECT * FROM inbound.job_fail($1::bigint, $2::text)

-- A job is done, if the worker still has it.
-- $1 job  $2 worker  $3 attempts, as claimed
SELECT * FROM inbound.job_done($1::bigint, $2::text, $3::integer)

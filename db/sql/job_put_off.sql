-- A job found a row held by somebody else, if the worker still has it: it is tried again soon.
-- $1 job  $2 worker  $3 attempts, as claimed  $4 why
SELECT * FROM inbound.job_put_off($1::bigint, $2::text, $3::integer, $4::text)

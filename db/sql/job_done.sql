-- A job is done.
-- $1 job
SELECT * FROM inbound.job_done($1::bigint)

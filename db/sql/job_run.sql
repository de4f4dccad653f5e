-- Runs a job that is one function of the database.
-- $1 kind  $2 key
SELECT inbound.job_run($1::text, $2::text)

-- Claims one job that is due.
-- $1 kinds, as an array's text: {settle,partitions}  $2 worker
SELECT * FROM inbound.job_claim($1::text::text[], $2::text)

-- Closes what a dead node left open; answers with the node to ask for next time.
-- $1 the node that the last look found without its lock, 0: none
SELECT * FROM inbound.node_settle($1::bigint)

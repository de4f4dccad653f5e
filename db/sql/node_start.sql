-- A node begins: its number.
-- $1 name  $2 version
SELECT * FROM inbound.node_start($1::text, $2::text)

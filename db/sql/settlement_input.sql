-- Everything that the rating of a session needs, as one JSON text; null: nothing to settle.
-- $1 session's uid, as text
SELECT ledger.settlement_input($1::text::uuid)

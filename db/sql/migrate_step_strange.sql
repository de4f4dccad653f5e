-- Numbered files that were applied and that this build does not have.
-- $1 names, one a line
SELECT name FROM migration.step WHERE name <> ALL (string_to_array($1::text, E'\n')) ORDER BY number

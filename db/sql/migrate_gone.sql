-- Files that are no more: what they made is stale.
-- $1 paths that are there, one a line
WITH gone AS (
    DELETE FROM migration.file WHERE path <> ALL (string_to_array($1::text, E'\n')) RETURNING path
)
UPDATE migration.object o SET stale = true FROM gone WHERE o.path = gone.path

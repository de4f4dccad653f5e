-- The second half of migrate_file_end: the objects.
-- $1 path
INSERT INTO migration.object (identity, kind, path)
SELECT format('%I.%I(%s)', n.nspname, p.proname, pg_get_function_identity_arguments(p.oid)), 'routine', f.path
FROM migration.file f
JOIN pg_proc p ON p.xmin = f.xmin
JOIN pg_namespace n ON n.oid = p.pronamespace
WHERE f.path = $1::text
UNION ALL
SELECT format('%I.%I', n.nspname, c.relname), 'view', f.path
FROM migration.file f
JOIN pg_rewrite w ON w.xmin = f.xmin
JOIN pg_class c ON c.oid = w.ev_class AND c.relkind = 'v'
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE f.path = $1::text
ON CONFLICT (identity) DO UPDATE SET path = excluded.path, stale = false

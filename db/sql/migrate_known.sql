-- Whether the books can be read at all: false in a database that was never migrated.
SELECT to_regclass('migration.state') IS NOT NULL

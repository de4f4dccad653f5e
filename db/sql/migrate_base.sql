-- The migrator's own books, and its session. Several statements, no parameters.
SET client_min_messages = warning;
SET lock_timeout = '60s';
-- One migrator at a time; held until the connection ends.
SELECT pg_advisory_lock(1245859149, 0);
CREATE SCHEMA IF NOT EXISTS migration;
COMMENT ON SCHEMA migration IS 'What has been made of this database, kept by the migrator';
CREATE TABLE IF NOT EXISTS migration.step (
    number     int PRIMARY KEY,
    name       text NOT NULL,
    sha256     bytea NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE TABLE IF NOT EXISTS migration.file (
    path       text PRIMARY KEY,
    sha256     bytea NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE TABLE IF NOT EXISTS migration.object (
    identity text PRIMARY KEY,
    kind     text NOT NULL CHECK (kind IN ('routine', 'view')),
    path     text NOT NULL,
    stale    bool NOT NULL DEFAULT false
);
CREATE TABLE IF NOT EXISTS migration.state (
    slot   int PRIMARY KEY DEFAULT 1 CHECK (slot = 1),
    sha256 bytea NOT NULL
);
-- Numbers, names and hashes of published files: whoever may connect may compare.
GRANT USAGE ON SCHEMA migration TO PUBLIC;
GRANT SELECT ON migration.step, migration.state TO PUBLIC;

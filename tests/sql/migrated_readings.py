"""Readings of Stops that nobody knew, as they were stored before each Stop had a number of its own for them."""
import glob
import os
import subprocess
import sys

CONNINFO = sys.argv[1]
BEFORE = CONNINFO.replace("dbname=test", "dbname=before")
TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
STEP = "0104_stop_readings.sql"
STOPS = """
    INSERT INTO core.site (code, name, kind, zone, currency) VALUES ('H', 'House', 'car_park', 'UTC', 'CNY');
    INSERT INTO core.station (identity, site_id, protection) SELECT 'CP-' || n, 1, 'IP54' FROM generate_series(1, 2) n;
    INSERT INTO core.unmatched_stop (digest, station_id, sent_id, at, reported_at, queued, received_at)
    SELECT gen_random_uuid(), station, sent, at, at, true, '2026-03-02 12:00:00+00'
    FROM (VALUES (1, -1, '2026-03-02 09:00:00+00'::timestamptz), (1, 77, '2026-03-02 11:00:00+00'),
        (1, -1, '2026-03-02 10:00:00+00'), (2, -1, '2026-03-02 11:00:00+00')) v(station, sent, at);
    INSERT INTO core.meter_reading (station, at, connector, hash, received_at, transaction_id)
    SELECT station, at::timestamptz, connector, hash, received::timestamptz, sent FROM (VALUES
        (1, '2026-03-02 08:30:00+00', -1, 1, '2026-03-02 12:00:00+00', -1),
        (1, '2026-03-02 08:30:00+00', -1, 2, '2026-03-02 12:00:00+00', 77),
        (1, '2026-03-02 09:30:00+00', -1, 3, '2026-03-02 12:00:00+00', -1),
        (1, '2026-03-02 09:30:00+00', 1, 4, '2026-03-02 12:00:00+00', -1),
        (2, '2026-03-02 08:30:00+00', -1, 5, '2026-03-02 12:00:00+00', -1),
        (1, '2026-03-02 08:30:00+00', -1, 6, '2026-03-02 13:00:00+00', -1),
        (1, '2026-03-02 08:30:00+00', -1, 7, '2026-03-02 14:00:00+00', -1)) v(station, at, connector, hash, received, sent);
    -- One whose connector nobody knows, and whose Stop named it.
    INSERT INTO core.session (station_id, site_id, currency, verdict, boot_number, started_at, start_received_at,
        stopped_at, stop_received_at, stop_queued, state)
    VALUES (1, 1, 'CNY', 'Invalid', 0, '2026-03-02 08:00:00+00', '2026-03-02 08:00:00+00', '2026-03-02 09:00:00+00',
        '2026-03-02 14:00:00+00', false, 'stopped');
"""


def psql(conninfo, *arguments):
    done = subprocess.run(["psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-d", conninfo, *arguments],
                          capture_output=True, text=True)
    if done.returncode != 0:
        raise AssertionError(done.stderr)
    return done.stdout.splitlines()


psql(CONNINFO, "-c", "DROP DATABASE IF EXISTS before WITH (FORCE)", "-c", "CREATE DATABASE before TEMPLATE template0")
for path in sorted(glob.glob(os.path.join(TOP, "migrations", "[0-9]*.sql"))):
    if os.path.basename(path) == STEP:
        psql(BEFORE, "-c", STOPS)
    psql(BEFORE, "-1", "-f", path)
found = psql(BEFORE, "-c", "SELECT hash, connector FROM core.meter_reading ORDER BY hash")
wanted = ["1|-2", "2|-3", "3|-4", "4|1", "5|-5", "6|-1", "7|-6"]
owners = psql(BEFORE, "-c", "SELECT transaction_id, state, -1 - id FROM core.unmatched_stop WHERE transaction_id IS NOT NULL")
wanted_owners = ["1|joined|-6"]
print(f"{'ok' if owners == wanted_owners else 'not ok'} - what a Stop told of a session without a connector stays its: {' '.join(owners)}")
print(f"{'ok' if found == wanted else 'not ok'} - each reading goes to the Stop that told it: {' '.join(found)}")

"""What the clock does again and again reads what is due, not what has been there for months."""
import os
import subprocess
import sys

CONNINFO = sys.argv[1]
HERE = os.path.dirname(os.path.abspath(__file__))
AGED = 5000
WORK = ("inbound.sweep()", "inbound.command_expiry()", "inbound.job_claim('{sequence,sweep}', 'w')",
        "inbound.boot(aged, now(), 'V', 'M', NULL, NULL, NULL, NULL, NULL, NULL, NULL)",
        "inbound.take_over(station, 1, 'x', now())")


def psql(script, login=None):
    return subprocess.run(
        ["psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-d", CONNINFO + (f" user={login}" if login else "")],
        input=script, capture_output=True, text=True, check=True).stdout.splitlines()


def rows_read():
    return dict(line.split("|") for line in psql("""SELECT relname, seq_tup_read + COALESCE(idx_tup_fetch, 0)
        FROM pg_stat_user_tables WHERE relname IN ('job', 'hold', 'command')"""))


with open(os.path.join(HERE, "fixture.psql")) as fixture:
    psql(fixture.read() + f"""SELECT t.house('H'); SELECT t.card('TAG00000001', 1000000);
    SELECT t.stop(station, (t.start(station, 'TAG00000001', 1, now() - interval '2 hours')).transaction_id, 2,
        now() - interval '1 hour', NULL, now() - interval '1 hour') FROM (SELECT id AS station FROM core.station) s;
    INSERT INTO core.job (kind, key, state, finished_at)
        SELECT 'settle', s || i, s, now() FROM generate_series(1, {AGED}) i, unnest(ARRAY['done', 'failed']) s;
    INSERT INTO ledger.hold (session_uid, account_id, amount_minor, expires_at, state, resolved_at)
        SELECT gen_random_uuid(), (SELECT min(account_id) FROM ledger.hold), 1, now() + interval '1 day', s, r
        FROM generate_series(1, {AGED}) i, (VALUES ('active', NULL), ('released', now())) v(s, r);
    INSERT INTO core.command (station_id, action, payload, deadline, actor, state, epoch, sent_at)
        SELECT t.id, 'Reset', '{{"type":"Soft"}}', now() + interval '1 hour', 'me', s, 0, now() - interval '1 hour'
        FROM generate_series(1, {AGED}) i, unnest(ARRAY['queued', 'unknown', 'accepted']) s, t.house('I') t(id);
    ANALYZE;""")
station, aged = psql("SELECT id FROM core.station ORDER BY id")
for work in WORK:
    before = rows_read()
    psql(f"SELECT {work.replace('station', station).replace('aged', aged)}; SELECT pg_stat_force_next_flush();", "joulebook_app")
    read = {table: int(count) - int(before[table]) for table, count in rows_read().items()}
    ok = all(count < AGED / 10 for count in read.values())
    print(f"{'ok' if ok else 'not ok'} - {work.split('(')[0]} reads what is due alone: {read}")

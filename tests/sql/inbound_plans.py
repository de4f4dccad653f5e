"""How the statements of a charge find their rows: by index, whatever the statistics said when they were planned.

A connection plans a statement once and keeps the plan; one that was made while the tables were known to be empty
would read each of them from end to end for as long as the connection lives.
"""
import os
import subprocess
import sys

CONNINFO = sys.argv[1]
HERE = os.path.dirname(os.path.abspath(__file__))
PAIRS = 50


def psql(script, login=None):
    done = subprocess.run(
        ["psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-d", CONNINFO + (f" user={login}" if login else "")],
        input=script, capture_output=True, text=True)
    if done.returncode != 0:
        raise AssertionError(done.stderr)
    return done.stdout.splitlines()


def scans():
    """The tables that grow, and how often each was read from end to end."""
    return dict(line.split("|") for line in psql("""SELECT schemaname || '.' || relname, seq_scan FROM pg_stat_user_tables
        WHERE schemaname IN ('core', 'ledger') AND n_tup_ins > 0"""))


psql(open(os.path.join(HERE, "fixture.psql")).read()
     + "SELECT t.house('H'); SELECT t.card('TAG00000001', 1000000000); ANALYZE;")
station = psql("SELECT id FROM core.station")[0]
before = scans()
charges = "".join(f"""
    SELECT transaction_id FROM t.start({station}, 'TAG00000001', {i * 100}, now() - interval '{2 * (PAIRS - i)} minutes') \\gset
    SELECT outcome FROM t.stop({station}, :transaction_id, {i * 100 + 50}, now() - interval '{2 * (PAIRS - i) - 1} minutes');"""
    for i in range(PAIRS))
outcomes = psql(charges + "SELECT pg_stat_force_next_flush();", "joulebook_app")
assert outcomes.count("done") == PAIRS, outcomes
read = {table: int(count) - int(before.get(table, 0)) for table, count in scans().items()}
read = {table: count for table, count in read.items() if count > 0}
if read:
    print(f"not ok - {PAIRS} charges read no table from end to end: {read}")
    sys.exit(1)
print(f"ok - {PAIRS} charges read no table from end to end")

# As many suspect readings as come in one flush: half of no session, half with a register below zero of one that there is.
with open(os.path.join(HERE, "../../db/sql/reading_insert.sql")) as file:
    statement = file.read()
number = psql("SELECT max(transaction_id) FROM core.session")[0]
values = {1: station, 2: "now()", 3: "1", 4: "g", 5: "now()", 6: f"CASE WHEN g % 2 = 0 THEN {number} ELSE -g END", 8: "-1", 27: "true"}
arrays = ", ".join(psql(f"SELECT quote_literal(array_agg({values.get(i, 'NULL::text')})) FROM generate_series(1, 400) g")[0]
                   for i in range(1, 28))
plan = psql(f"PREPARE reading AS {statement}; EXPLAIN (COSTS OFF) EXECUTE reading({arrays}); EXECUTE reading({arrays});", "joulebook_app")
kinds = psql("SELECT string_agg(DISTINCT kind, ' ') FROM core.review WHERE kind ~ 'reading|register'")
assert kinds == ["negative_register reading_unknown_session"], kinds
lookups = [(line, then) for line, then in zip(plan, plan[1:]) if " on session " in line]
assert len(lookups) == 2, plan
for line, then in lookups:
    if "Index Cond: (transaction_id = " not in then:
        print(f"not ok - a flush of suspect readings looks their sessions up one by one: {line.strip()}")
        sys.exit(1)
print("ok - a flush of suspect readings looks their sessions up one by one")

# A connector's sessions are found by its number, in whichever order they are asked for.
plan = "\n".join(psql("""SET enable_seqscan = off; EXPLAIN (COSTS OFF) SELECT FROM core.session s WHERE EXISTS (SELECT FROM core.session o
    WHERE core.connector_key(o.station_id, o.connector) = core.connector_key(s.station_id, s.connector)
      AND (o.started_at, o.transaction_id) > (s.started_at, s.transaction_id) OFFSET 0)"""))
if "Index Cond: ((((station_id << 32) + connector) = ((s.station_id << 32) + s.connector)) AND (ROW" not in plan:
    print("not ok - the sessions of a connector are found by its number: " + " ".join(plan.split()))
    sys.exit(1)
print("ok - the sessions of a connector are found by its number")

# Nor is a live start a matter of all that its connector had.
read = psql("SELECT idx_scan > 0, idx_tup_read FROM pg_stat_user_indexes WHERE indexrelname = 'session_ahead'")
if read != ["t|0"]:
    print(f"not ok - a live start looks for none that was told ahead but by their index: {read}")
    sys.exit(1)
print("ok - a live start looks for none that was told ahead but by their index")

# Settling asks for a session's decided reviews as well as for its open ones.
before = scans()
inputs = psql("SELECT ledger.settlement_input(uid) IS NOT NULL FROM core.session; SELECT pg_stat_force_next_flush();", "joulebook_app")
assert inputs.count("t") == PAIRS - 1, inputs
read = int(scans()["core.review"]) - int(before["core.review"])
if read:
    print(f"not ok - a settlement finds its reviews by index: {read} scans")
    sys.exit(1)
print("ok - a settlement finds its reviews by index")

# However many bills wait, a claim looks at those that are due first and at the clock's few, and who has one finds it
# by its id; also on a connection that made its plans while nothing waited.
LOOKED = "SELECT COALESCE(idx_tup_read, 0) FROM pg_stat_user_indexes WHERE indexrelname = 'job_once'"
claim = "SELECT kind FROM inbound.job_claim('{settle,sweep}', 'me');"
psql("UPDATE core.job SET state = 'done' WHERE kind = 'settle'; DELETE FROM pg_statistic WHERE starelid = 'core.job'::regclass;"
     "UPDATE pg_class SET reltuples = -1, relpages = 0 WHERE oid = 'core.job'::regclass; SELECT pg_stat_force_next_flush();")
before = psql(LOOKED)[0]
claims = psql("SET enable_seqscan = off; SET jit = off;" + (claim + "SELECT inbound.job_session(1, 'me', 1);") * 8
              + "INSERT INTO core.job (kind, key) SELECT 'settle', gen_random_uuid()::text FROM generate_series(1, 2000);"
              + claim * 20 + "SELECT inbound.job_session(id, worker, attempts) FROM core.job WHERE worker = 'me' AND kind = 'settle';"
              + "SELECT pg_stat_force_next_flush();")
assert claims.count("settle") == 20, claims
read = int(psql(LOOKED)[0]) - int(before)
if read > 2000:
    print(f"not ok - a claim, and who has it, does not walk the jobs that wait: {read} of them")
    sys.exit(1)
print("ok - a claim, and who has it, does not walk the jobs that wait")

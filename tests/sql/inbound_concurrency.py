"""Several sessions at once: what the functions promise when they meet.

Each Session is a psql that lives as long as it is asked, so that transactions stay open and
overlap exactly as a test wants them to. Standard library only.
"""
import os
import subprocess
import sys
import threading
import time

CONNINFO = sys.argv[1]
HERE = os.path.dirname(os.path.abspath(__file__))
END = "-- end --"
TESTS = []


class Session:
    """One connection; run() returns the lines of its answer, errors among them."""

    def __init__(self, role=None):
        self.psql = subprocess.Popen(
            ["psql", "-X", "-q", "-A", "-t", "-v", "VERBOSITY=sqlstate", "-d", CONNINFO],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        # Who waits in vain is a failure, not a test that hangs.
        self.run("SET lock_timeout = '10s'; SET statement_timeout = '60s'")
        if role:
            self.run(f"SET ROLE {role}")

    def send(self, sql):
        self.psql.stdin.write(f"{sql};\n\\echo {END}\n")
        self.psql.stdin.flush()

    def receive(self):
        lines = []
        for line in self.psql.stdout:
            line = line.rstrip("\n")
            if line == END:
                return lines
            lines.append(line)
        raise AssertionError("psql ended: " + "\n".join(lines))

    def run(self, sql):
        self.send(sql)
        return self.receive()

    def one(self, sql):
        lines = self.run(sql)
        assert len(lines) == 1, f"{sql}: {lines}"
        return lines[0]

    def close(self):
        self.psql.stdin.close()
        self.psql.wait(timeout=30)
        self.psql.stdout.close()


def test(function):
    TESTS.append(function)
    return function


def same(got, want, what):
    assert got == want, f"{what}: got {got!r}, wanted {want!r}"


def sound(session):
    same(session.run("SELECT * FROM ledger.invariants()"), [], "invariants")


def parallel(jobs):
    """Runs callables at once, each in a thread; their results in order."""
    results = [None] * len(jobs)

    def work(i):
        results[i] = jobs[i]()
    threads = [threading.Thread(target=work, args=(i,)) for i in range(len(jobs))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def blocked(admin):
    """Returns once a session waits for another's lock."""
    for _ in range(3000):
        if admin.one("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()") != "0":
            return
        time.sleep(0.01)
    raise AssertionError("nobody waits")


START = "SELECT outcome || '|' || COALESCE(status, '-') || '|' || COALESCE(transaction_id::text, '-') FROM t.start({})"


@test
def a_start_does_not_wait_for_an_account_in_somebody_elses_hands(admin):
    """Busy at once, having written nothing; done as soon as the row is free; unsecured goes through."""
    station = admin.one("SELECT t.house('BUSY')")
    wallet = admin.one("SELECT t.card('BUSYTAG00001', 100000)")
    holder, lane = Session(), Session("joulebook_app")
    holder.run(f"BEGIN; SELECT 1 FROM ledger.account_balance WHERE account_id = {wallet} FOR NO KEY UPDATE")
    answer = lane.one(START.format(f"{station}, 'BUSYTAG00001', 1000, '2026-01-01 00:00:00+00'::timestamptz, 1, now(), true"))
    same(answer, "busy|-|-", "while it is held")
    same(admin.one(f"SELECT count(*) FROM core.session WHERE station_id = {station}"), "0", "written")
    answer = lane.one(START.format(f"{station}, 'BUSYTAG00001', 1000, now(), 2, now(), false, 0, true"))
    same(answer.rsplit("|", 1)[0], "done|Accepted", "unsecured")
    holder.run("COMMIT")
    admin.run(f"UPDATE ledger.account SET max_sessions = 9 WHERE id = {wallet}")
    answer = lane.one(START.format(f"{station}, 'BUSYTAG00001', 1000, now(), 1, now(), true"))
    same(answer.rsplit("|", 1)[0], "done|Accepted", "when it is free")
    holder.close()
    lane.close()
    sound(admin)


@test
def a_start_does_not_wait_for_the_session_that_still_runs_on_its_connector(admin):
    """Busy at once, having written nothing; when it is free the one begins and the other is presumed ended."""
    station = admin.one("SELECT t.house('BUSYRUNS')")
    wallet = admin.one("SELECT t.card('BUSYTAG00004', 100000, 9)")
    running = admin.one(START.format(f"{station}, 'BUSYTAG00004', 1000, now() - interval '1 minute'")).rsplit("|", 1)[1]
    held = admin.one(f"SELECT held FROM ledger.account_balance WHERE account_id = {wallet}")
    states = f"SELECT string_agg(state, ',' ORDER BY transaction_id) FROM core.session WHERE station_id = {station}"
    start = START.format(f"{station}, 'BUSYTAG00004', 2000, '{admin.one('SELECT now()')}'::timestamptz")
    holder, lane = Session(), Session("joulebook_app")
    holder.run(f"BEGIN; SELECT 1 FROM core.session WHERE transaction_id = {running} FOR UPDATE")
    same(lane.one(start), "busy|-|-", "while it is held")
    same(admin.one(states), "open", "written")
    same(admin.one(f"SELECT held FROM ledger.account_balance WHERE account_id = {wallet}"), held, "set aside")
    other = START.format(f"{station}, 'BUSYTAG00004', 1000, now(), 2")
    same(lane.one(other).rsplit("|", 1)[0], "done|Accepted", "on the other connector meanwhile")
    holder.run("COMMIT")
    same(lane.one(start).rsplit("|", 1)[0], "done|Accepted", "when it is free")
    same(admin.one(states), "presumed_ended,open,open", "the sessions")
    holder.close()
    lane.close()
    sound(admin)


@test
def a_stop_does_not_wait_for_a_session_in_somebody_elses_hands(admin):
    """Busy at once, having written nothing."""
    station = admin.one("SELECT t.house('BUSYSTOP')")
    admin.one("SELECT t.card('BUSYTAG00002', 100000)")
    transaction = admin.one(START.format(f"{station}, 'BUSYTAG00002', 1000")).rsplit("|", 1)[1]
    holder, lane = Session(), Session("joulebook_app")
    holder.run(f"BEGIN; SELECT 1 FROM core.session WHERE transaction_id = {transaction} FOR NO KEY UPDATE")
    stop = f"SELECT outcome FROM t.stop({station}, {transaction}, 1100, now() + interval '5 minutes')"
    same(lane.one(stop), "busy", "while it is held")
    same(admin.one(f"SELECT count(*) FROM core.session_message WHERE transaction_id = {transaction} AND kind = 'stop'"), "0", "written")
    holder.run("COMMIT")
    same(lane.one(stop), "done", "when it is free")
    holder.close()
    lane.close()


@test
def an_unreadable_stop_does_not_wait_for_its_session_either(admin):
    """Busy at once, having written nothing; then its session is held back."""
    station = admin.one("SELECT t.house('BUSYREAD')")
    admin.one("SELECT t.card('BUSYTAG00003', 100000)")
    transaction = admin.one(START.format(f"{station}, 'BUSYTAG00003', 1000")).rsplit("|", 1)[1]
    holder, lane = Session(), Session("joulebook_app")
    holder.run(f"BEGIN; SELECT 1 FROM core.session WHERE transaction_id = {transaction} FOR NO KEY UPDATE")
    frame = f'[2,"1","StopTransaction",{{"transactionId":{transaction}}}]'
    stop = f"SELECT outcome FROM inbound.unusable({station}, 'StopTransaction', now(), '{frame}', 'x', 'meterStop')"
    items = f"SELECT count(*) FROM core.review WHERE station_id = {station} AND kind = 'unusable'"
    same(lane.one(stop), "busy", "while it is held")
    same(admin.one(items), "0", "written")
    holder.run("COMMIT")
    for _ in range(2):
        same(lane.one(stop), "done", "when it is free")
    same(admin.one(items), "1", "items")
    same(admin.one("SELECT state || core.review_blocks(uid) FROM core.session "
                   f"WHERE transaction_id = {transaction}"), "presumed_endedtrue", "its session")
    holder.close()
    lane.close()


@test
def boot_status_and_take_over_do_not_wait_either(admin):
    """The same for the other members of the lanes."""
    station = admin.one("SELECT t.house('BUSYALL')")
    holder, lane = Session(), Session("joulebook_app")
    holder.run(f"BEGIN; SELECT 1 FROM core.station WHERE id = {station} FOR NO KEY UPDATE;"
               f" SELECT 1 FROM core.connector WHERE station_id = {station} FOR NO KEY UPDATE;"
               f" SELECT 1 FROM core.station_connection WHERE station_id = {station} FOR NO KEY UPDATE")
    for call in (f"inbound.boot({station}, now(), 'V', 'M', NULL, NULL, NULL, NULL, NULL, NULL, NULL)",
                 f"inbound.status({station}, 1, 'Available', 'NoError', NULL, NULL, NULL, now(), 'x', now())",
                 f"inbound.take_over({station}, 1, 'x', now())",
                 f"inbound.connection_close({station}, 1, now(), 'x')"):
        same(lane.one(f"SELECT outcome FROM {call} AS q(outcome)" if "status(" in call or "close(" in call
                      else f"SELECT outcome FROM {call}"), "busy", call)
    same(lane.one(f"SELECT count(*) FROM core.session WHERE station_id = {station}"), "0", "the lane goes on")
    holder.run("ROLLBACK")
    holder.close()
    lane.close()


@test
def fifty_starts_on_one_account_never_take_it_below_its_floor(admin):
    """One prepaid account, fifty piles at once, money for ten."""
    admin.one("SELECT t.house('FIFTY', 1)")
    admin.run("INSERT INTO core.station (identity, site_id, protection, registered_at)"
              " SELECT 'FIFTY-' || g, site_id, 'IP54', registered_at FROM core.station, generate_series(1, 50) g WHERE identity = 'CP-FIFTY'")
    admin.run("UPDATE core.site SET hold_floor_minor = 1000, min_start_minor = 1000 WHERE code = 'FIFTY'")
    wallet = admin.one("SELECT t.card('FIFTYTAG0001', 10000, 100)")
    stations = admin.run("SELECT id FROM core.station WHERE identity LIKE 'FIFTY-%' ORDER BY id")
    same(len(stations), 50, "stations")

    def work(station):
        def start():
            session = Session("joulebook_app")
            tries = 0
            while True:
                answer = session.one(START.format(f"{station}, 'FIFTYTAG0001', 1000"))
                if not answer.startswith("busy") or tries > 400:
                    break
                tries += 1
                time.sleep(0.01)
            session.close()
            return answer.rsplit("|", 1)[0]
        return start
    answers = []
    for i in range(0, 50, 10):
        answers += parallel([work(station) for station in stations[i:i + 10]])
    same(answers.count("done|Accepted"), 10, f"accepted of {answers}")
    same(answers.count("done|Blocked"), 40, "blocked")
    same(admin.one(f"SELECT posted || '/' || held FROM ledger.account_balance WHERE account_id = {wallet}"), "10000/10000", "balance")
    sound(admin)


@test
def the_same_start_over_two_connections_at_once_is_one_session(admin):
    """The second waits for the first's commit and gives its answer."""
    station = admin.one("SELECT t.house('TWICE')")
    admin.one("SELECT t.card('TWICETAG0001', 0)")
    one, two = Session("joulebook_app"), Session("joulebook_app")
    arguments = f"{station}, 'TWICETAG0001', 1000, '2026-11-01 00:00:00+00'::timestamptz, 1, now(), true"
    # Unsecured starts take no account, so nothing but the key stands between the two.
    arguments += ", NULL, true"
    one.run("BEGIN")
    first = one.one(START.format(arguments))
    two.send(START.format(arguments))
    blocked(admin)
    one.run("COMMIT")
    same(two.receive(), [first], "the answer of the other")
    same(admin.one(f"SELECT count(*) FROM core.session WHERE station_id = {station}"), "1", "sessions")
    one.close()
    two.close()


@test
def a_thousand_parallel_repeats_of_one_top_up_book_once(admin):
    """Same key, same content: one journal, a thousand times the same answer."""
    wallet = admin.one("SELECT t.card('TOPUPTAG0001', 0)")

    def work():
        session = Session()
        answers = session.run("; ".join(
            f"SELECT outcome || journal FROM ledger.top_up('wechat', 'N1', {wallet}, 500, 0, 'me')" for _ in range(125)))
        session.close()
        return answers
    answers = [a for batch in parallel([work] * 8) for a in batch]
    same(len(answers), 1000, "answers")
    same(sum(a.startswith("done") for a in answers), 1, "booked")
    same(len({a.replace("done", "").replace("repeat", "") for a in answers}), 1, "journals")
    same(admin.one(f"SELECT posted FROM ledger.account_balance WHERE account_id = {wallet}"), "500", "balance")
    sound(admin)


@test
def a_thousand_parallel_repeats_of_one_settlement_book_once(admin):
    """Two workers on one session post it once."""
    station = admin.one("SELECT t.house('SETTLE')")
    admin.one("SELECT t.card('SETTLETAG001', 100000)")
    transaction = admin.one(START.format(f"{station}, 'SETTLETAG001', 1000")).rsplit("|", 1)[1]
    admin.one(f"SELECT outcome FROM t.stop({station}, {transaction}, 1100, now() + interval '5 minutes')")

    def work():
        session = Session()
        answers = session.run("; ".join(f"SELECT outcome || journal FROM t.settle({transaction}, 530)" for _ in range(125)))
        session.close()
        return answers
    answers = [a for batch in parallel([work] * 8) for a in batch]
    same(len(answers), 1000, "answers")
    same(len(set(answers)), 1, "answers that differ")
    same(admin.one("SELECT count(*) FROM ledger.journal WHERE kind = 'settle' AND site_id = "
                   f"(SELECT site_id FROM core.station WHERE id = {station})"), "1", "journals")
    sound(admin)


@test
def an_entry_comes_from_its_journals_own_transaction(admin):
    """A committed journal takes no third line, an open one none from another transaction."""
    wallet = admin.one("SELECT t.card('THIRDTAG0001', 500)")
    journal = admin.one("SELECT max(id) FROM ledger.journal")
    psp = admin.one("SELECT id FROM ledger.account WHERE purpose = 'psp' LIMIT 1")
    line = "INSERT INTO ledger.entry (journal_id, line, account_id, side, amount_minor) VALUES ({}, {}, {}, '{}', 5)"
    for role in ("joulebook_writer", "joulebook_owner", None):
        session = Session(role)
        # Even two lines that balance each other.
        answer = session.run("BEGIN; " + line.format(journal, 3, psp, "D") + "; " + line.format(journal, 4, psp, "C") + "; COMMIT")
        assert any("23514" in a for a in answer), f"{role}: {answer}"
        session.close()
    same(admin.one(f"SELECT count(*) FROM ledger.entry WHERE journal_id = {journal}"), "2", "lines")
    one, two = Session("joulebook_writer"), Session("joulebook_writer")
    one.run("BEGIN")
    opened = one.one("INSERT INTO ledger.journal (idem_key, request_hash, kind, event_at, period, actor)"
                     " VALUES ('open', 'x', 'adjust', now(), now()::date, 'me') RETURNING id")
    answer = two.run(line.format(opened, 1, psp, "D"))
    assert any("23514" in a for a in answer), f"another transaction: {answer}"
    one.run("ROLLBACK")
    one.close()
    two.close()
    del wallet
    sound(admin)


@test
def an_unbalanced_journal_fails_at_commit(admin):
    """From both sides, whoever writes it."""
    psp = admin.one("SELECT ledger.open_account('psp', 'unbalanced', 'CNY')")
    session = Session("joulebook_writer")
    for lines in ([], [("D", 5)], [("D", 5), ("C", 4)]):
        session.run("BEGIN")
        journal = session.one("INSERT INTO ledger.journal (idem_key, request_hash, kind, event_at, period, actor)"
                              " VALUES ('unbalanced', 'x', 'adjust', now(), now()::date, 'me') RETURNING id")
        for i, (side, amount) in enumerate(lines):
            same(session.run(f"INSERT INTO ledger.entry (journal_id, line, account_id, side, amount_minor)"
                             f" VALUES ({journal}, {i + 1}, {psp}, '{side}', {amount})"), [], "an entry")
        answer = session.run("COMMIT")
        assert any("23514" in a for a in answer), f"{lines}: {answer}"
    session.close()
    same(admin.one("SELECT count(*) FROM ledger.journal WHERE idem_key = 'unbalanced'"), "0", "journals")


@test
def closing_a_day_waits_for_whoever_books_into_it(admin):
    """A journal booked in an open transaction never lands in a day closed meanwhile."""
    psp = admin.one("SELECT ledger.open_account('psp', 'day', 'CNY')")
    promo = admin.one("SELECT ledger.open_account('promo', 'day', 'CNY')")
    booker, closer = Session(), Session()
    day = admin.one("SELECT (now() - interval '4 days')::date")
    post = (f"SELECT ledger.post('{{}}', sha256('x'), 'adjust', now() - interval '4 days', NULL, 'me',"
            f" ARRAY[ROW({psp}, 'D', 5), ROW({promo}, 'C', 5)]::ledger.leg[])")
    booker.run("BEGIN")
    booker.one(post.format("before"))
    closer.send(f"SELECT outcome FROM ledger.close_day('{day}', 'me')")
    time.sleep(0.5)
    same(admin.one(f"SELECT count(*) FROM ledger.closed_day WHERE period = '{day}'"), "0", "closed while somebody books")
    booker.run("COMMIT")
    same(closer.receive(), ["done"], "closed afterwards")
    same(admin.one(f"SELECT journals FROM ledger.closed_day WHERE period = '{day}'"), "1", "with that journal")
    booker.one(post.format("after"))
    same(admin.one("SELECT (period > now() - interval '2 days') FROM ledger.journal WHERE idem_key = 'after'"), "t", "the next is booked today")
    booker.close()
    closer.close()
    sound(admin)


@test
def jobs_and_commands_are_claimed_once_by_many(admin):
    """SKIP LOCKED: a hundred jobs, eight workers, none twice; a command goes out once."""
    admin.run("INSERT INTO core.job (kind, key) SELECT 'race', g::text FROM generate_series(1, 100) g")
    station = admin.one("SELECT t.house('RACE')")
    epoch = admin.one(f"SELECT epoch FROM inbound.take_over({station}, 1, 'x', now())")
    admin.run(f"INSERT INTO core.command (station_id, action, payload, deadline, actor)"
              f" SELECT {station}, 'ClearCache', '{{}}', now() + interval '1 minute', 'me' FROM generate_series(1, 40)")

    def work():
        session = Session("joulebook_app")
        jobs = session.run("; ".join("SELECT key FROM inbound.job_claim('{race}', 'w')" for _ in range(25)))
        commands = session.run("; ".join(f"SELECT command_id FROM inbound.command_next({station}, {epoch}, clock_timestamp())" for _ in range(10)))
        session.close()
        return jobs, commands
    results = parallel([work] * 8)
    jobs = [j for js, _ in results for j in js]
    commands = [c for _, cs in results for c in cs if c]
    same((len(jobs), len(set(jobs))), (100, 100), "jobs")
    same((len(commands), len(set(commands))), (40, 40), "commands")


@test
def the_stream_shows_nothing_that_commits_behind_its_reader(admin):
    """An id that commits later gets the later seq; a reader by seq misses none."""
    admin.run("SELECT inbound.sequence()")
    late = Session()
    late.run("BEGIN")
    first = late.one("INSERT INTO core.outbox (kind) VALUES ('late') RETURNING id")
    second = admin.one("INSERT INTO core.outbox (kind) VALUES ('early') RETURNING id")
    assert int(first) < int(second)
    admin.run("SELECT inbound.sequence()")
    cursor = admin.one(f"SELECT seq FROM core.outbox WHERE id = {second}")
    late.run("COMMIT")
    admin.run("SELECT inbound.sequence()")
    same(admin.one(f"SELECT id FROM core.outbox WHERE seq > {cursor}"), first, "what comes after the cursor")
    late.close()


@test
def a_refused_member_harms_no_other_of_its_batch(admin):
    """In one transaction, constraints deferred and immediate in turn: the good are done, the bad refused."""
    station = admin.one("SELECT t.house('BATCH')")
    admin.one("SELECT t.card('BATCHTAG0001', 1000000, 99)")
    lane = Session("joulebook_app")
    answers = lane.run(
        "BEGIN; "
        + START.format(f"{station}, 'BATCHTAG0001', 1") + "; "
        + f"SELECT inbound.status({station}, 4000, 'Available', 'NoError', NULL, NULL, NULL, now(), 'x', now()); "
        + START.format(f"{station}, 'BATCHTAG0001', 2, now(), 2") + "; "
        + START.format("999999, 'BATCHTAG0001', 3") + "; COMMIT")
    same([a.split("|")[0] for a in answers], ["done", "refused", "done", "refused"], "outcomes")
    same(admin.one(f"SELECT count(*) FROM core.session WHERE station_id = {station}"), "2", "sessions")
    lane.close()
    sound(admin)


@test
def a_late_stop_makes_a_bill_in_the_making_void(admin):
    """The Stop of a presumed ended session arrives between the input's taking and the posting."""
    station = admin.one("SELECT t.house('LATE')")
    admin.one("SELECT t.card('LATETAG00001', 100000, 9)")
    start = "{}, 'LATETAG00001', {}, now() - interval '{}', 1, now(), true"
    transaction = admin.one(START.format(start.format(station, 1000, "2 hours"))).rsplit("|", 1)[1]
    admin.one(START.format(start.format(station, 5000, "1 hour")))
    worker, lane = Session("joulebook_app"), Session("joulebook_app")
    uid = admin.one(f"SELECT uid FROM core.session WHERE transaction_id = {transaction} AND state = 'presumed_ended'")
    assert worker.one(f"SELECT ledger.settlement_input('{uid}')")
    same(lane.one(f"SELECT outcome FROM t.stop({station}, {transaction}, 4000, now() - interval '90 minutes', NULL, now(), true)"), "done", "the Stop")
    same(admin.one(f"SELECT outcome FROM t.settle({transaction}, 0)"), "busy", "the bill of before")
    same(admin.one(f"SELECT outcome FROM ledger.settlement_review('{uid}', 'register_falls', '{{}}', '\\x00')"), "busy", "nor is it reviewed")
    same(admin.one(f"SELECT state || core.review_blocks(uid) FROM core.session WHERE uid = '{uid}'"), "stoppedfalse", "its session")
    assert '"meter_stop_mwh" : "4000000"' in worker.one(f"SELECT ledger.settlement_input('{uid}')")
    same(admin.one(f"SELECT outcome FROM t.settle({transaction}, 530)"), "done", "the bill of now")
    worker.close()
    lane.close()
    sound(admin)


@test
def a_worker_that_was_overtaken_posts_and_reviews_nothing(admin):
    """Its lease has ended while it rated; the Stop came, and another worker has taken the input since."""
    station = admin.one("SELECT t.house('OVERTAKEN')")
    admin.one("SELECT t.card('OVERTAKEN001', 100000, 9)")
    start = "{}, 'OVERTAKEN001', {}, now() - interval '{}', 1, now(), true"
    transaction = admin.one(START.format(start.format(station, 1000, "2 hours"))).rsplit("|", 1)[1]
    admin.one(START.format(start.format(station, 5000, "1 hour")))
    uid = admin.one(f"SELECT uid FROM core.session WHERE transaction_id = {transaction} AND state = 'presumed_ended'")
    admin.run(f"INSERT INTO core.job (kind, key) VALUES ('settle', '{uid}') ON CONFLICT DO NOTHING")
    due = f"UPDATE core.job SET run_at = now() - interval '9 days', lease_until = now() WHERE kind = 'settle' AND key = '{uid}'"
    claim = "SELECT job_id || ',''{0}'',' || attempts FROM inbound.job_claim('{{settle}}', '{0}')"
    first, second = Session("joulebook_app"), Session("joulebook_app")
    admin.run(due)
    old = first.one(claim.format("first"))
    assert first.one(f"SELECT ledger.settlement_input('{uid}')")
    same(admin.one(f"SELECT outcome FROM t.stop({station}, {transaction}, 4000, now() - interval '90 minutes', NULL, now(), true)"), "done", "the Stop")
    admin.run(due)
    new = second.one(claim.format("second"))
    assert '"meter_stop_mwh" : "4000000"' in second.one(f"SELECT ledger.settlement_input('{uid}')")
    post = "SELECT outcome FROM ledger.settle_claimed({}, t.bill({}), '\\x00', sha256('i'), sha256('o'))"
    review = "SELECT outcome FROM ledger.settlement_review_claimed({}, 'register_falls', '{{}}', '\\x00')"
    same(admin.one(post.format(old, 0)), "refused", "the old bill")
    same(first.one(review.format(old)), "refused", "nor does it review")
    same(admin.one(f"SELECT state || core.review_blocks(uid) FROM core.session WHERE uid = '{uid}'"), "stoppedfalse", "its session")
    same(admin.one(post.format(new, 530)), "done", "the new bill")
    same(admin.one(f"SELECT state FROM core.job WHERE kind = 'settle' AND key = '{uid}'"), "done", "the job has ended with it")
    same(admin.one(post.format(new, 530)), "refused", "once")
    same(admin.one(f"SELECT gross_minor FROM ledger.settlement WHERE session_uid = '{uid}'"), "530", "what is billed")
    first.close()
    second.close()
    sound(admin)


@test
def a_worker_that_still_has_the_job_puts_its_session_in_review_and_ends_it(admin):
    station = admin.one("SELECT t.house('REVIEWED')")
    admin.one("SELECT t.card('REVIEWED0001', 100000, 9)")
    transaction = admin.one(START.format(f"{station}, 'REVIEWED0001', 1000, now() - interval '1 hour', 1, now(), true")).rsplit("|", 1)[1]
    same(admin.one(f"SELECT outcome FROM t.stop({station}, {transaction}, 4000, now() - interval '30 minutes', NULL, now(), true)"), "done", "the Stop")
    uid = admin.one(f"SELECT uid FROM core.session WHERE transaction_id = {transaction}")
    admin.run(f"UPDATE core.job SET run_at = now() - interval '9 days' WHERE kind = 'settle' AND key = '{uid}'")
    worker = Session("joulebook_app")
    job = worker.one("SELECT job_id || ',''me'',' || attempts FROM inbound.job_claim('{settle}', 'me')")
    assert worker.one(f"SELECT ledger.settlement_input('{uid}')")
    same(worker.one(f"SELECT outcome FROM ledger.settlement_review_claimed({job}, 'register_falls', '{{}}', '\\x00')"), "done", "the review")
    same(admin.one(f"SELECT s.state || j.state FROM core.session s JOIN core.job j ON j.key = s.uid::text WHERE s.uid = '{uid}'"), "reviewdone", "session and job")
    worker.close()
    sound(admin)


@test
def a_stop_before_the_input_is_taken_is_in_it(admin):
    """A Stop, or a correction, that commits while the input's taking waits for the session: one bill, of what is true then."""
    for name, change, told in (
            ("stop", "SELECT outcome FROM t.stop({0}, {1}, 4000, now() - interval '90 minutes', NULL, now(), true)", "4000000"),
            ("mend", "UPDATE core.session SET meter_start_mwh = 900000, input_current = false WHERE transaction_id = {1}", "900000")):
        station = admin.one(f"SELECT t.house('MADE{name}')")
        tag = f"MADETAG{name}"
        admin.one(f"SELECT t.card('{tag}', 100000, 9)")
        start = "{}, '{}', {}, now() - interval '{}', 1, now(), true"
        transaction = admin.one(START.format(start.format(station, tag, 1000, "2 hours"))).rsplit("|", 1)[1]
        admin.one(START.format(start.format(station, tag, 5000, "1 hour")))
        uid = admin.one(f"UPDATE core.session SET tariff_version_id = NULL WHERE transaction_id = {transaction}"
                        " AND state = 'presumed_ended' RETURNING uid")
        worker, other = Session("joulebook_app"), Session()
        other.run("BEGIN")
        other.run(change.format(station, transaction))
        worker.send(f"SELECT ledger.settlement_input('{uid}')")
        blocked(admin)
        other.run("COMMIT")
        document = "".join(worker.receive())
        assert f'"{told}"' in document, f"{name}: {document}"
        same(admin.one(f"SELECT outcome FROM t.settle({transaction}, 530)"), "done", f"{name}: its bill")
        worker.close()
        other.close()
    sound(admin)


@test
def who_gives_a_session_up_waits_for_its_account_before_its_session(admin):
    """Settlement takes them in that order: the other way about the two would wait for each other."""
    station = admin.one("SELECT t.house('GIVENUP')")
    wallet = admin.one("SELECT t.card('GIVENUPTAG01', 100000)")
    transaction = admin.one(START.format(f"{station}, 'GIVENUPTAG01', 1000, now() - interval '1 hour', 1, now() - interval '1 hour'")).rsplit("|", 1)[1]
    admin.run(f"SELECT t.stop({station}, {transaction}, 900, now() - interval '10 minutes', NULL, now() - interval '10 minutes')")
    item = admin.one(f"SELECT id FROM core.review WHERE station_id = {station} AND kind = 'negative_energy'")
    settler, decider = Session(), Session()
    settler.run(f"BEGIN; SELECT FROM ledger.account_balance WHERE account_id = {wallet} FOR NO KEY UPDATE")
    decider.send(f"SELECT core.review_decide({item}, 'lost', 'x', NULL, 'me')")
    blocked(admin)
    same(settler.run(f"SELECT 'free' FROM core.session WHERE transaction_id = {transaction} FOR NO KEY UPDATE NOWAIT"), ["free"], "the session")
    settler.run("COMMIT")
    same(decider.receive(), ["done"], "the decision")
    same(admin.one(f"SELECT s.state || b.held FROM core.session s, ledger.account_balance b WHERE s.transaction_id = {transaction} "
                   f"AND b.account_id = {wallet}"), "lost0", "the session and its hold")
    settler.close()
    decider.close()
    sound(admin)


@test
def of_two_who_decide_an_item_at_once_the_second_is_told_what_the_first_decided(admin):
    """Another decision or another correction is refused; the same one is a repeat."""
    station = admin.one("SELECT t.house('DECIDE')")
    one, two = Session(), Session()
    two.run("\\set VERBOSITY terse\nSELECT")
    for n, (first, second, answer) in enumerate((
            ("'accept', 'x'", "'reject', 'x'", "review-decided"), ("'reject', 'x'", "'accept', 'x'", "review-decided"),
            ("'accept', 'x', 0.5", "'accept', 'x', 0.6", "review-decided"),
            ("'accept', 'x'", "'accept', 'y'", '"repeated": true'), ("'accept', 'x', 0.5", "'accept', 'y', 0.5", '"repeated": true'))):
        admin.one(f"SELECT t.card('DECIDETAG{n}', 100000)")
        transaction = admin.one(START.format(f"{station}, 'DECIDETAG{n}', 1, '1970-01-01', 1, now() - interval '1 hour', false, NULL")).rsplit("|", 1)[1]
        admin.run(f"SELECT t.stop({station}, {transaction}, 2000, now() - interval '10 minutes', NULL, now() - interval '10 minutes')")
        item = admin.one("SELECT r.id FROM core.review r JOIN core.session s ON s.uid = r.session_uid "
                         f"WHERE s.transaction_id = {transaction} AND r.blocks")
        one.run("BEGIN")
        assert '"repeated": false' in one.one(f"SELECT management.decide_review({item}, {first})")
        two.send(f"SELECT management.decide_review({item}, {second})")
        blocked(admin)
        one.run("COMMIT")
        told = "".join(two.receive())
        assert answer in told, f"{first} then {second}: {told}"
    one.close()
    two.close()
    sound(admin)


@test
def a_command_is_not_claimed_beside_another_nodes_take_over(admin):
    """Before it or after it: a claim of before is unknown at once, and one of after is the new owner's alone."""
    station = admin.one("SELECT t.house('CLAIM')")
    first, second = Session("joulebook_app"), Session("joulebook_app")
    take = "SELECT outcome || COALESCE(epoch, 0) FROM inbound.take_over({}, {}, 'x', now())"
    claim = "SELECT outcome || COALESCE(action, '-') FROM inbound.command_next({}, {}, now())"
    same(first.one(take.format(station, 7)), "done1", "its node")
    admin.run("INSERT INTO core.command (station_id, action, payload, deadline, actor) "
              f"VALUES ({station}, 'Reset', '{{}}', now() + interval '1 minute', 'me')")
    second.run("BEGIN")
    same(second.one(take.format(station, 8)), "done2", "another node takes it over")
    same(first.one(claim.format(station, 1)), "done-", "meanwhile no claim")
    second.run("COMMIT")
    same(first.one(claim.format(station, 1)), "done-", "nor after it")
    second.run("BEGIN")
    same(second.one(claim.format(station, 2)), "doneReset", "the new owner's claim")
    same(first.one(take.format(station, 7)), "busy0", "meanwhile nobody takes it over")
    second.run("COMMIT")
    same(first.one(take.format(station, 7)), "done3", "but after it")
    same(admin.one(f"SELECT state FROM core.command WHERE station_id = {station}"), "unknown", "the command")
    first.close()
    second.close()


@test
def the_sweep_waits_for_no_account_while_it_has_sessions(admin):
    """Everybody takes accounts before sessions. A hold left behind whose account is in use waits for the next sweep."""
    station = admin.one("SELECT t.house('SWEEP')")
    wallet = admin.one("SELECT t.card('SWEEPTAG0001', 100000)")
    admin.run(f"SELECT inbound.take_over({station}, 1, 'x', now()); "
              + START.format(f"{station}, 'SWEEPTAG0001', 1000, now() - interval '4 hours', 1, now() - interval '4 hours'"))
    admin.run(f"UPDATE core.station_connection SET closed_at = now() - interval '3 hours' WHERE station_id = {station}")
    admin.run(f"INSERT INTO ledger.hold (session_uid, account_id, amount_minor, expires_at) VALUES (gen_random_uuid(), {wallet}, 7, now()); "
              f"UPDATE ledger.account_balance SET held = held + 7 WHERE account_id = {wallet}")
    settler, clock = Session(), Session("joulebook_app")
    settler.run(f"BEGIN; SELECT FROM ledger.account_balance WHERE account_id = {wallet} FOR NO KEY UPDATE")
    same(clock.one("BEGIN; SELECT inbound.sweep()"), "1", "swept while the account is in use")
    same(settler.run("SELECT FROM core.session x WHERE x.state = 'open' FOR NO KEY UPDATE NOWAIT"), ["ERROR:  55P03"], "the session is the sweep's")
    settler.run("ROLLBACK")
    clock.run("COMMIT")
    same(admin.one(f"SELECT state FROM core.session WHERE station_id = {station}"), "presumed_ended", "the session")
    same(admin.one("SELECT state FROM ledger.hold WHERE amount_minor = 7"), "active", "the hold, as yet")
    clock.run("SELECT inbound.sweep()")
    same(admin.one("SELECT state FROM ledger.hold WHERE amount_minor = 7"), "released", "and by the next sweep")
    settler.close()
    clock.close()
    sound(admin)


@test
def the_directorys_news_are_told_once_they_can_be_read(admin):
    """Not when a change commits, which has no number yet, but when it is numbered; and no more often."""
    station = admin.one("SELECT t.house('NEWS')")
    clock, listener = Session("joulebook_app"), Session("joulebook_app")
    clock.run("SELECT inbound.sequence()")
    listener.run("LISTEN joulebook_directory")
    admin.run(f"UPDATE core.station SET blocked = true WHERE id = {station}")
    same(len(listener.run("SELECT")), 0, "notifications of the change")
    clock.run("SELECT inbound.sequence()")
    told = listener.run("SELECT")
    same([line for line in told if "joulebook_directory" not in line] + [len(told)], [1], "notifications of its number")
    same(admin.one(f"SELECT count(*) FROM core.directory_change WHERE station_id = {station} AND seq IS NULL"), "0", "unnumbered")
    clock.run("SELECT inbound.sequence()")
    same(len(listener.run("SELECT")), 0, "notifications of nothing")
    clock.close()
    listener.close()


@test
def readings_wait_for_no_review_in_somebody_elses_hands(admin):
    """Who decides on a pile's suspect readings does not hold up the next ones."""
    station = admin.one("SELECT t.house('HELDREVIEW')")
    with open(os.path.join(HERE, "../../db/sql/reading_insert.sql")) as file:
        statement = file.read()
    values = {1: station, 2: "now()", 3: 1, 4: "random() * 1e9", 5: "now()", 6: -1, 27: "true"}
    reading = "EXECUTE reading({})".format(", ".join(
        f"ARRAY[{values[i]}]::{kind}[]" if i in values else f"ARRAY[NULL]::{kind}[]" for i, kind in enumerate(
            ["bigint", "timestamptz", "int", "bigint", "timestamptz", "bigint", "text"] + 18 * ["bigint"] + ["text", "bool"], 1)))
    holder, lane = Session(), Session("joulebook_app")
    same(lane.run(f"SET lock_timeout = '1s'; PREPARE reading AS {statement}"), [], "prepared")
    same(lane.run(reading), [], "the first")
    held = f"FROM core.review WHERE station_id = {station} AND kind = 'reading_unknown_session'"
    same(holder.run(f"BEGIN; SELECT 'held' {held} FOR UPDATE"), ["held"], "the item")
    same(lane.run(reading), [], "the next, while it is held")
    holder.run("COMMIT")
    same(admin.one(f"SELECT count(*) FROM core.meter_reading WHERE station = {station}"), "2", "stored")
    same(admin.one(f"SELECT count(*) {held}"), "1", "items")
    holder.close()
    lane.close()


def main():
    subprocess.run(["psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", CONNINFO, "-f", os.path.join(HERE, "fixture.psql")], check=True,
                   stdout=subprocess.DEVNULL)
    setup = Session()
    setup.run("GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA t TO PUBLIC")
    setup.close()
    for function in TESTS:
        name = function.__name__.replace("_", " ")
        admin = Session()
        try:
            function(admin)
            print(f"ok - {name}", flush=True)
        except (AssertionError, OSError) as error:
            print(f"not ok - {name}: {error}", flush=True)
        admin.close()


main()

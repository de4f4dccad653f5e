"""operation_concurrency.py CONNINFO - actions that meet: repeats at the same instant are one, none is lost.

Each caller is a psql process of its own.  Prints `ok - sentence` or `not ok - sentence`.
"""
import json
import os
import re
import subprocess
import sys
import time

CONNINFO = sys.argv[1]
HERE = os.path.dirname(os.path.abspath(__file__))
failures = 0


def psql(*arguments):
    return ["psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-v", "VERBOSITY=verbose",
            "-d", CONNINFO, *arguments]


def start(login, statement):
    script = f"SET SESSION AUTHORIZATION \"{login}\";\n{statement};\n"
    process = subprocess.Popen(psql(), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, text=True)
    process.stdin.write(script)
    process.stdin.close()
    return process


def finish(processes):
    """Answers as JSON, refusals as their codes."""
    results = []
    for process in processes:
        out, err = process.stdout.read(), process.stderr.read()
        process.wait(60)
        if process.returncode == 0:
            results.append(json.loads(out))
        else:
            code = re.search(r"[A-Z0-9]{5}: ([a-z-]+):", err)
            results.append(code.group(1) if code else err)
    return results


def together(login, statements):
    return finish([start(login, statement) for statement in statements])


def value(statement):
    return subprocess.run(psql("-c", statement), check=True, capture_output=True, text=True).stdout.strip()


def check(sentence, got, want):
    global failures
    if got == want:
        print(f"ok - {sentence}")
    else:
        failures += 1
        print(f"not ok - {sentence}: got {got!r}, wanted {want!r}")


def first(results):
    """How many were first, how many repeats, and what else there was."""
    answers = [r for r in results if isinstance(r, dict)]
    others = sorted({r for r in results if not isinstance(r, dict)})
    return sum(not a["repeated"] for a in answers), sum(a["repeated"] for a in answers), others


def top_up(number, amount):
    return f"SELECT operation.top_up({amount}, 'CNY', 'alipay', '{number}', 'C-A')"


def money():
    results = together("test.cashier", [top_up("same", 7)] * 10)
    check("ten repeats of one top-up at once are one", first(results), (1, 9, []))
    check("all ten have the same answer", len({json.dumps({**r, "repeated": 0}, sort_keys=True) for r in results}), 1)
    results = together("test.cashier", [top_up(f"other-{n}", n) for n in range(1, 11)])
    check("ten top-ups of one account at once are ten", first(results), (10, 0, []))
    check("its balance has all of them", value("SELECT balance FROM query.account WHERE account = 'wallet:C-A:CNY'"), "162.00")
    results = together("test.cashier", [top_up("changed", n) for n in range(1, 9)])
    check("one number with eight amounts at once books one and refuses seven", first(results), (1, 0, ["repeat-changed"]))
    check("the ledger is sound", value("SELECT count(*) FROM ledger.invariants()"), "0")


def registrations():
    pile = "SELECT management.register_pile('CP-NEW', 'S-A', 'IP54', key_hash => repeat('5a', 32))"
    check("eight registrations of one pile at once are one", first(together("test.operator", [pile] * 8)), (1, 7, []))
    user = "SELECT management.register_user('C-NEW', 'CNY', 'S-A', name => 'N')"
    check("eight registrations of one customer at once are one", first(together("test.operator", [user] * 8)), (1, 7, []))
    card = "SELECT management.register_card('NEWCARD000001', 'C-NEW', parent_group => 'NEWGROUP')"
    check("eight registrations of one card at once are one", first(together("test.operator", [card] * 8)), (1, 7, []))
    command = "SELECT operation.remote_start('CP-A', 'TAGA000012345', 1, 'at once')"
    check("eight commands with one key at once are one", first(together("test.operator", [command] * 8)), (1, 7, []))
    documents = [f"SELECT management.publish_tariff('T-MANY', t.document('{n}'), site => 'S-A')" for n in range(1, 7)]
    value("GRANT USAGE ON SCHEMA t TO PUBLIC")
    results = together("test.operator", documents)
    versions = sorted(r["version"] for r in results if isinstance(r, dict))
    check("six documents of one tariff at once are versions in a row, or refused as too early",
          (versions == list(range(1, len(versions) + 1)), set(r for r in results if not isinstance(r, dict)) <= {"tariff-later"}),
          (True, True))
    check("one of its versions holds now", value("SELECT count(*) FROM query.tariff WHERE tariff = 'T-MANY' AND valid_to_at IS NULL"), "1")
    check("one tariff holds at the site", value(
        "SELECT count(*) FROM query.tariff_assignment WHERE target = 'S-A' AND valid_to_at IS NULL"), "1")


def held_up():
    value("SELECT core.review_open('held', true, 'held', id, NULL, now(), '{}', NULL) FROM core.station WHERE identity = 'CP-A'")
    item = value("SELECT max(review_id) FROM query.review WHERE kind = 'held'")
    holder = subprocess.Popen(psql(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    holder.stdin.write("BEGIN; SELECT FROM ledger.account_balance FOR UPDATE; SELECT FROM core.review FOR UPDATE;"
                       " SELECT FROM core.card FOR UPDATE; SELECT 'held';\n")
    holder.stdin.flush()
    while holder.stdout.readline() != "held\n":
        pass
    before = value("SELECT count(*) FROM core.audit")
    for login, statement in (
            ("test.cashier", top_up("held", 1)),
            ("test.operator", f"SELECT management.decide_review({item}, 'accept', 'seen')"),
            ("test.operator", "SELECT management.set_card_status('TAGA000012345', 'blocked')"),
            ("test.cashier", "SELECT api.call('TopUp', '{\"customer\": \"C-A\", \"amount\": \"1\", \"currency\": \"CNY\","
                             " \"channel\": \"alipay\", \"externalNo\": \"held\"}')")):
        check(f"what somebody else holds is busy: {statement.split('(')[0]}",
              together(login, ["SET lock_timeout = '300ms'; " + statement]), ["busy"])
    check("and nothing was changed", value("SELECT count(*) FROM core.audit"), before)
    holder.communicate("ROLLBACK;\n", timeout=30)
    check("tried again it is done", first(together("test.cashier", [top_up("held", 1)])), (1, 0, []))


def waiting():
    number = value("SELECT max(command_id) FROM query.command")
    began = time.monotonic()
    waiter = start("test.operator", f"SELECT operation.wait({number}, 20)")
    time.sleep(0.5)
    value(f"UPDATE core.command SET state = 'rejected', answer = '{{\"status\":\"Rejected\"}}', answered_at = now() WHERE id = {number}")
    answer = finish([waiter])[0]
    check("a wait ends with the pile's answer", (answer["state"], answer["isFinal"]), ("rejected", True))
    check("and not at the end of its time", time.monotonic() - began < 18, True)


def notification():
    value("INSERT INTO core.node (name, version) VALUES ('n', '0')")
    node = value("SELECT max(id) FROM core.node")
    value(f"UPDATE core.station_connection SET node_id = {node}, opened_at = now(), closed_at = NULL, epoch = 1"
          " WHERE station_id = (SELECT id FROM core.station WHERE identity = 'CP-A')")
    listener = subprocess.Popen(psql(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    listener.stdin.write(f"LISTEN joulebook_node_{node};\nSELECT 'listening';\n")
    listener.stdin.flush()
    listener.stdout.readline()
    answer = finish([start("test.operator", "SELECT operation.remote_start('CP-A', 'TAGA000012345')")])[0]
    out, _ = listener.communicate("SELECT pg_sleep(0.2);\n", timeout=30)
    check("the node that owns the pile's connection is told", f'"joulebook_node_{node}"' in out, True)
    check("and the answer says that the pile is connected", answer["isOnline"], True)


subprocess.run(psql("-o", os.devnull, "-c", "SET client_min_messages = warning", "-f", os.path.join(HERE, "role_helpers.psql"),
                    "-c", "SELECT t.world()"), check=True)
for test in (money, registrations, held_up, waiting, notification):
    test()
sys.exit(1 if failures else 0)

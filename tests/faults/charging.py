"""charging.py - piles that charge while something breaks, and what the books say afterwards.

`pilesim run --catch-up` works through queues of charging sessions, a message at a time each; every
pile writes down what it sent and what was confirmed.  What must hold is the audit's: each confirmed
message is stored, each session once, billed to the cent.
"""
import argparse
import json
import os
import re
import signal
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
TESTS = os.path.dirname(HERE)
sys.path[:0] = [TESTS, os.path.join(TESTS, "csms"), os.path.join(TESTS, "chaos")]
import chaos  # noqa: E402
from stack import PATIENCE, TOP, Stack  # noqa: E402, F401

SHORT_S, LONG_S = 400, 6 * 3600
NOTHING = ("in review", "lost by the pile's rule", "still held by the pile", "invariants violated")


def check(what, ok, found=""):
    """One line of what was found out; the first that is wrong ends the test."""
    print(f"{'ok' if ok else 'NOT OK'} - {what}{f': {found}' if found != '' else ''}", flush=True)
    if not ok:
        raise SystemExit(1)


def too_long(number, frame):
    raise TimeoutError("the test does not come to an end")


def wrong_by(path):
    """What a test does with its database once it is furnished."""
    if path is None:
        return lambda stack: None
    with open(path) as file:
        text = file.read()
    return lambda stack: stack.value(text)


def arguments(doc):
    parser = argparse.ArgumentParser(description=doc.splitlines()[0])
    parser.add_argument("--build", default="build-release")
    parser.add_argument("--long", action="store_true", help="as long as the real trouble takes")
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--wrong", metavar="FILE", help="SQL that makes the central system wrong: to be found")
    options = parser.parse_args()
    options.wrong = wrong_by(options.wrong)
    signal.signal(signal.SIGALRM, too_long)
    signal.alarm(LONG_S if options.long else SHORT_S)
    print(f"seed {options.seed}", flush=True)
    return options


class Truth:
    """The piles' own records, as far as they were written when it was read."""

    def __init__(self, folder):
        self.folder, self.read_to, self.records = folder, {}, []

    def read(self):
        for name in sorted(os.listdir(self.folder)) if os.path.isdir(self.folder) else []:
            with open(os.path.join(self.folder, name), "rb") as file:
                file.seek(self.read_to.get(name, 0))
                whole, end, _ = file.read().rpartition(b"\n")
            self.read_to[name] = self.read_to.get(name, 0) + len(whole + end)
            self.records += [{**json.loads(line), "pile": name} for line in whole.split(b"\n") if line]
        return self

    def of(self, kind):
        return [record for record in self.records if record["record"] == kind]

    def answered_between(self, begin, end):
        """What was confirmed from one time.time() to another."""
        return [record for record in self.of("answered") if begin * 1e6 <= record["at_us"] < end * 1e6]

    def attempts(self):
        """The most transmissions of one message that a pile counts as failed on a live connection."""
        return max([record["attempt"] for record in self.of("failed")], default=0)


class Charging:
    def __init__(self, stack, seed, piles=20, sessions=200, pace_ms=40, attempts=3, retry_s=10, timeout_s=30):
        self.stack, self.sessions = stack, sessions
        self.folder = os.path.join(stack.folder, "truth")
        self.kept = Truth(self.folder)
        # A larger one has a pile to spare.
        self.fleet = chaos.fleet(piles + 1, os.path.join(stack.folder, "fleet.json")) if piles > 20 else chaos.FLEET
        self.command = [
            "--seed", seed, "--piles", piles, "--catch-up", sessions, "--pace", pace_ms, "--attempts", attempts,
            "--retry", retry_s, "--timeout", timeout_s]
        self.process = None

    def spare(self):
        """A pile of the fleet, the last, which is none of ours unless all are."""
        with open(self.fleet, encoding="utf-8") as file:
            last = json.load(file)["piles"][-1]
        return f"{last['identity']}{last['first'] + last['count'] - 1}"

    def seed(self):
        subprocess.run([self.stack.program("pilesim"), "seed", "--database", self.stack.conninfo(), "--fleet", self.fleet],
                       check=True, stdout=subprocess.DEVNULL)

    def start(self):
        with open(os.path.join(self.stack.folder, "pilesim.log"), "a") as log:
            self.process = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", self.stack.program("pilesim"), "run", "--fleet", self.fleet,
                 "--truth", self.folder, "--url", f"ws://127.0.0.1:{self.stack.port}/ocpp",
                 *map(str, self.command)], stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self.stack.children.append(self.process)

    def truth(self):
        return self.kept.read()

    def more(self, count, seconds=20):
        """Until so many more messages are confirmed; queues that are empty are filled again."""
        before = len(self.truth().of("answered"))

        def come():
            if self.process.poll() is not None:
                self.emptied()
                self.start()
            return len(self.truth().of("answered")) >= before + count
        self.stack.wait(come, seconds, f"{count} answers")

    def emptied(self):
        if self.process.returncode != 0:
            with open(os.path.join(self.stack.folder, "pilesim.log"), errors="replace") as log:
                print("".join(log.readlines()[-20:]))
            check("every pile has emptied its queue", False, f"exit status {self.process.returncode}")

    def finish(self, seconds=60):
        self.stack.wait(lambda: self.process.poll() is not None, seconds, "the end of the piles' queues")
        self.emptied()
        self.stack.wait(self.settled, 60, "the settlement of all sessions")

    def settled(self):
        """Bills of what came from a queue are made after two minutes, and those of a dead worker after five."""
        self.stack.value("UPDATE core.job SET run_at = now() WHERE kind = 'settle' AND state = 'queued';"
                         "UPDATE core.job SET lease_until = now() WHERE kind = 'settle' AND state = 'running'"
                         " AND claimed_at < now() - interval '5 s'")
        time.sleep(0.3)
        return self.stack.value("SELECT count(*) FROM core.job WHERE kind = 'settle'"
                                " AND state IN ('queued', 'running')") == "0"

    def audit(self):
        done = subprocess.run([self.stack.program("pilesim"), "audit", "--truth", self.folder, "--database",
                               self.stack.conninfo()], text=True, stdout=subprocess.PIPE, timeout=600)
        table = {name: int(number) for name, number in re.findall(r"^(\S.*?) +(-?\d+)$", done.stdout, re.M)}
        wrong = {name: table.get(name) for name in NOTHING if table.get(name) != 0}
        sessions = table.get("true sessions", 0)
        wrong |= {name: table.get(name) for name in ("delivered", "settled") if table.get(name) != sessions}
        for name in ("query.review", "core.inbound_refused", "core.unmatched_stop"):
            rows = self.stack.value(f"SELECT count(*) FROM {name}")
            if rows != "0":
                wrong[name] = rows
        if done.returncode != 0 or wrong:
            print(done.stdout)
        check("nothing lost, nothing doubled, billed to the cent", done.returncode == 0 and not wrong,
              wrong or f"{sessions} sessions")
        check("as many sessions as there should be", sessions >= self.sessions, sessions)

    def end(self):
        self.finish()
        self.audit()
        check("csmsd is the same process all the time", self.stack.csmsd.poll() is None)

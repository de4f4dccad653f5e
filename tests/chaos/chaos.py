"""chaos.py - kills csmsd and PostgreSQL while piles deliver their queues, then audits the books.

    python3 tests/chaos/chaos.py --build build-release [--seed N]

Piles work through queues of charging sessions as fast as they are answered. At seeded instants, each
with at least --open sessions open, csmsd or the whole of PostgreSQL is killed with SIGKILL and started
again, --kills times each, also while bills are being made. When the queues are empty and all is
settled, `pilesim audit` compares sessions, energy, money and journal with what the piles know.

A session is open when its pile has the confirmation of the start and not that of the stop; it is
counted in the piles' own truth right after the kill, when nothing can be confirmed any more. A kill
that found fewer open is repeated, and queues that are empty before the last kill are filled again.

With --points N as many kills of csmsd more are its own, at named places of csms/fault.h (a build with
-Dtests_fault=true): most with a COMMIT on its way or done and its confirmation not written yet.

Two wrong systems must be caught by this same command:

    --fault answer_before_commit                    csmsd confirms first (a build with -Dtests_fault=true)
    --patch tests/chaos/start_by_message_id.sql     a start is known by its message id

Prints the seed, each kill, the audit and the counts. Exit status 0: all that was asked for was done
and there is no difference. 1: otherwise; the last lines say what.
"""
import argparse
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.dirname(HERE))
from stack import PATIENCE, TOP, Stack  # noqa: E402

FLEET = os.path.join(TOP, "simulators", "fleets", "quickstart.json")
DAYS = 300            # the past that the queues may be of: many fillings, one after the other
BACK_S = 120          # the longest that piles may wait for answers after a kill
SETTLE_S = 60         # without a bill less that waits
AUDIT_S = 600
# Where csmsd kills itself, and how often it may pass there before: in a second or two as many pass.
BETWEEN = {"commit_sent.money": 60, "commit_sent.telemetry": 60, "after_commit.start": 30, "after_commit.stop": 30,
           "after_commit.reading_insert": 60, "before_write.frame": 120}
PLACES = {**BETWEEN, "before_submit.stop": 30, "after_submit.start": 30, "after_answer.stop": 30,
          "after_write.frame": 120, "before_commit.settle": 10, "after_commit.settle": 10,
          "after_commit.job_claim": 10}
POINT_S = 10          # what is not passed so often by then is no place for this kill
# A commit that takes its time, as on a slow disk: more messages are under way when the kill comes. The kernel lives
# on, so that what PostgreSQL gave it needs no fsync file by file at each start, which takes seconds on a busy disk.
SETTINGS = ("commit_delay = 10000\ncommit_siblings = 0\n"
            "recovery_init_sync_method = syncfs\ncheckpoint_timeout = 30s\n")


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", default="build-release")
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--kills", type=int, default=10, help="of csmsd, and as many of PostgreSQL")
    parser.add_argument("--points", type=int, default=0, help="kills of csmsd at named places, beside those")
    parser.add_argument("--sessions", type=int, default=300, help="at least that many must be billed")
    parser.add_argument("--queued", type=int, default=1600, help="sessions in the piles' queues")
    parser.add_argument("--piles", type=int, default=20)
    parser.add_argument("--pace", type=int, default=40, help="ms between a pile's messages: how long the queues last")
    parser.add_argument("--open", type=int, default=10, help="sessions open at each kill, at least")
    parser.add_argument("--limit", type=int, default=1200, help="seconds after which this gives up")
    parser.add_argument("--keep", metavar="DIR", help="copies the logs and the truth there at the end")
    parser.add_argument("--fault", help="JOULEBOOK_FAULT of csmsd: a fault that must be found")
    parser.add_argument("--patch", help="SQL run after the migration: a fault that must be found")
    return parser.parse_args()


def fleet(piles, path):
    """The quickstart's fleet, so many times as large that it has that many piles, at least."""
    with open(FLEET, encoding="utf-8") as file:
        larger = json.load(file)
    counts = [entry["count"] for entry in larger["piles"] if "count" in entry]
    single = len(larger["piles"]) - len(counts)
    times = max(1, -(-(piles - single) // sum(counts)))
    following = {}
    for entry in larger["piles"]:
        if "count" in entry:
            entry["first"] = max(entry["first"], following.get(entry["identity"], 0))
            entry["count"] *= times
            following[entry["identity"]] = entry["first"] + entry["count"]
    for entry in larger["users"]:
        if "count" in entry:
            entry["count"] *= times
    with open(path, "w", encoding="utf-8") as file:
        json.dump(larger, file)
    return path


class Failed(Exception):
    """What was asked for cannot be done any more."""


class Truth:
    """What the piles have written down so far."""

    def __init__(self, folder):
        self.folder = folder
        self.read_to = {}    # file name -> bytes that are known
        self.stops = {}      # (file name, seq) -> session
        self.open = set()    # (file name, session)
        self.answers = 0

    def read(self):
        for name in os.listdir(self.folder) if os.path.isdir(self.folder) else []:
            with open(os.path.join(self.folder, name), "rb") as file:
                file.seek(self.read_to.get(name, 0))
                whole, _, _ = file.read().rpartition(b"\n")
            if whole:
                self.read_to[name] = self.read_to.get(name, 0) + len(whole) + 1
                for line in whole.split(b"\n"):
                    self.take(name, json.loads(line))
        return self

    def take(self, name, record):
        if record["record"] == "end":
            self.stops[name, record["seq"]] = record["session"]
        elif record["record"] == "answered":
            self.answers += 1
            if "transaction" in record:
                self.open.add((name, record["session"]))
            elif (name, record["seq"]) in self.stops:
                self.open.discard((name, record["session"]))


class Chaos:
    def __init__(self, stack, options):
        self.stack = stack
        self.options = options
        self.random = random.Random(options.seed)
        self.truth = Truth(os.path.join(stack.folder, "truth"))
        self.pilesim = None
        self.kills = {"csmsd": 0, "PostgreSQL": 0, "csmsd at a place": 0}
        self.between = 0
        self.fleet = fleet(options.piles, os.path.join(stack.folder, "fleet.json"))
        self.place_file = os.path.join(stack.folder, "place")
        self.fewest_open = None
        self.killed_at = None
        self.slowest_s = 0

    def prepare(self):
        stack = self.stack
        stack.start_database()
        stack.migrate()
        if self.options.patch:
            with open(self.options.patch, encoding="utf-8") as patch:
                stack.value(patch.read())
        if self.options.fault:
            os.environ["JOULEBOOK_FAULT"] = self.options.fault
        if self.options.points:
            os.environ["JOULEBOOK_CRASH_FILE"] = self.place_file
        subprocess.run([stack.program("pilesim"), "seed", "--database", stack.conninfo(), "--fleet", self.fleet,
                        "--days", str(DAYS + 1)], check=True, stdout=subprocess.DEVNULL)
        stack.start_csmsd()

    def start_piles(self):
        options = self.options
        with open(os.path.join(self.stack.folder, "pilesim.log"), "a") as log:
            self.pilesim = subprocess.Popen(
                [self.stack.program("pilesim"), "run", "--fleet", self.fleet, "--truth", self.truth.folder,
                 "--url", f"ws://127.0.0.1:{self.stack.port}/ocpp", "--seed", str(options.seed),
                 "--piles", str(options.piles), "--catch-up", str(options.queued), "--open", str(options.open),
                 "--days", str(DAYS), "--pace", str(options.pace), "--attempts", "10", "--retry", "1"],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def end_piles(self):
        if self.pilesim and self.pilesim.poll() is None:
            self.pilesim.kill()
            self.pilesim.wait()

    # -- kills ------------------------------------------------------------------------------------

    def run_kills(self):
        plan = ["csmsd", "PostgreSQL"] * self.options.kills + ["csmsd at a place"] * self.options.points
        self.random.shuffle(plan)
        for number, victim in enumerate(plan, 1):
            killed = False
            while not killed:
                self.back()
                self.hurry()
                time.sleep(self.random.uniform(0.05, 0.6))
                killed = self.kill(number, victim)
        self.back(last=True)

    def back(self, last=False):
        """Until every pile could be answered once more and enough sessions are open."""
        heard, before, known = time.monotonic(), self.truth.read().answers, 0
        while True:
            self.check_alive(last)
            answers = self.truth.read().answers - before
            if answers > known:  # few may be open because the queues are nearly empty
                heard, known = time.monotonic(), answers
            if answers and self.killed_at:
                down_s = time.monotonic() - self.killed_at
                print(f"         answers again after {down_s:.1f} s", flush=True)
                self.slowest_s = max(self.slowest_s, down_s)
                self.killed_at = None
            if last and answers or answers >= self.options.piles and len(self.truth.open) >= self.options.open:
                return
            if time.monotonic() - heard > BACK_S:
                raise Failed(f"{answers} answers after a kill, {len(self.truth.open)} open sessions, and none for {BACK_S} s")
            time.sleep(0.02)

    def check_alive(self, last):
        if self.pilesim.poll() is not None and not last:
            if self.pilesim.returncode != 0:
                raise Failed(f"pilesim ended after {sum(self.kills.values())} kills, status {self.pilesim.returncode}")
            print("         the queues are empty, and are filled again", flush=True)
            self.start_piles()
        if self.stack.csmsd.poll() is not None:
            raise Failed(f"csmsd ended by itself, status {self.stack.csmsd.returncode}")

    def kill(self, number, victim):
        self.killed_at = time.monotonic()
        place = self.die_at_a_place() if victim == "csmsd at a place" else ""
        if place is None:
            return False
        if victim == "PostgreSQL":
            self.stack.kill_database()
        elif not place:
            self.stack.kill_csmsd()
        is_open = len(self.truth.read().open)
        counts = is_open >= self.options.open
        print(f"kill {number:2}: {victim}{place and ', ' + place}, {is_open} sessions open{'' if counts else ': once more'}",
              flush=True)
        if counts:
            self.kills[victim] += 1
            self.between += place.partition(":")[0] in BETWEEN
            self.fewest_open = is_open if self.fewest_open is None else min(self.fewest_open, is_open)
        if victim == "PostgreSQL":
            self.stack.start_database()
        else:
            self.stack.start_csmsd(wait=False)
        return counts

    def die_at_a_place(self):
        """Tells csmsd where to die; the place, or None if it did not come by there in time."""
        name = self.random.choice(sorted(PLACES))
        place = f"{name}:{self.random.randint(1, PLACES[name])}"
        with open(self.place_file, "w") as file:
            file.write(place)
        self.stack.csmsd.send_signal(signal.SIGUSR1)
        self.hurry()
        until = time.monotonic() + POINT_S
        while self.stack.csmsd.poll() is None:
            if time.monotonic() > until:
                with open(self.place_file, "w"):
                    pass
                self.stack.csmsd.send_signal(signal.SIGUSR1)
                time.sleep(0.2)
                return place if self.stack.csmsd.poll() is not None else None
            time.sleep(0.005)
        self.killed_at = time.monotonic()
        return place

    # -- bills ------------------------------------------------------------------------------------

    def hurry(self):
        """Makes every bill due: what came from a queue would be billed after two minutes, the work of a
        dead worker after five."""
        self.stack.value("UPDATE core.job SET run_at = now() WHERE kind = 'settle' AND state = 'queued'"
                         " AND run_at > now();"
                         "UPDATE core.job SET lease_until = now() WHERE kind = 'settle' AND state = 'running'"
                         " AND claimed_at < now() - interval '5 s'")

    def finish(self):
        while self.pilesim.poll() is None:
            self.check_alive(last=True)
            time.sleep(0.1)
        if self.pilesim.returncode != 0:
            print(self.log("pilesim.log"))
            raise Failed(f"pilesim ended with status {self.pilesim.returncode}")

    def settle(self):
        """Until no bill waits. The kills are over: no commit takes its time any more."""
        self.stack.value("ALTER SYSTEM SET commit_delay = 0")
        self.stack.value("SELECT pg_reload_conf()")
        fewest, since = None, time.monotonic()
        while fewest != 0:
            self.hurry()
            time.sleep(0.5)
            waiting = int(self.stack.value("SELECT count(*) FROM core.job WHERE kind = 'settle'"
                                           " AND state IN ('queued', 'running')"))
            if fewest is None or waiting < fewest:
                fewest, since = waiting, time.monotonic()
            if time.monotonic() - since > SETTLE_S * PATIENCE:
                raise Failed(f"{waiting} bills wait, and for {SETTLE_S * PATIENCE} s not one less")

    def log(self, name):
        with open(os.path.join(self.stack.folder, name), errors="replace") as log:
            return "".join(log.readlines()[-20:])

    def keep(self, folder):
        os.makedirs(folder, exist_ok=True)
        for name in ("csmsd.log", "postgres.log", "pilesim.log"):
            if os.path.exists(os.path.join(self.stack.folder, name)):
                shutil.copy(os.path.join(self.stack.folder, name), folder)
        if os.path.isdir(self.truth.folder):
            shutil.copytree(self.truth.folder, os.path.join(folder, "truth"), dirs_exist_ok=True)

    # -- the verdict ------------------------------------------------------------------------------

    def audit(self):
        """The audit's table by name, and its exit status."""
        done = subprocess.run([self.stack.program("pilesim"), "audit", "--truth", self.truth.folder,
                               "--database", self.stack.conninfo()],
                              text=True, stdout=subprocess.PIPE, timeout=AUDIT_S)
        print(done.stdout, end="", flush=True)
        table = {name: int(number) for name, number in
                 re.findall(r"^(\S.*?) +(-?\d+)$", done.stdout, re.MULTILINE)}
        return table, done.returncode

    def faults(self):
        """Whatever is not as it must be."""
        options = self.options
        table, status = self.audit()
        sessions = table.get("true sessions", 0)
        if status != 0:
            yield f"the audit ended with status {status}"
        for victim, count in self.kills.items():
            wanted = options.points if victim == "csmsd at a place" else options.kills
            if count != wanted:
                yield f"{count} kills of {victim}, not {wanted}"
        if sessions < options.sessions:
            yield f"{sessions} sessions, fewer than {options.sessions}"
        if self.fewest_open is None or self.fewest_open < options.open:
            yield f"{self.fewest_open} sessions open at a kill, fewer than {options.open}"
        for name in ("delivered", "settled"):
            if table.get(name) != sessions:
                yield f"{table.get(name)} sessions {name} of {sessions}"
        for name in ("in review", "lost by the pile's rule", "still held by the pile", "invariants violated"):
            if table.get(name) != 0:
                yield f"{name}: {table.get(name)}"
        for table_name in ("query.review", "core.inbound_refused", "core.unmatched_stop"):
            rows = self.stack.value(f"SELECT count(*) FROM {table_name}")
            if rows != "0":
                yield f"{rows} rows in {table_name}: nothing here gives reason to doubt"
        twice = self.logged_twice()
        if twice:
            yield f"members that a line of csmsd's log has twice: {', '.join(sorted(twice))}"
        if not any(name.startswith("trial balance") for name in table):
            yield "no trial balance"
        for name, number in table.items():
            booked = {"energy delivered, Wh": "energy billed, Wh"}.get(name, name.replace("exact", "booked", 1))
            if name.startswith(("exact ", "energy d")) and table.get(booked) != number:
                yield f"{name} {number}, {booked} {table.get(booked)}"
            if name.startswith("trial balance") and number:
                yield f"{name} is {number}"

    def logged_twice(self):
        twice = set()

        def note(pairs):
            names = [name for name, _ in pairs]
            twice.update(name for name in names if names.count(name) > 1)

        with open(os.path.join(self.stack.folder, "csmsd.log"), errors="replace") as log:
            for line in log:
                # A line may be cut off by a kill, and the next daemon's first follows at once.
                if line.endswith("}\n") and line.count('{"time"') == 1:
                    json.loads(line, object_pairs_hook=note)
        return twice

    def run(self):
        self.prepare()
        self.start_piles()
        self.run_kills()
        self.finish()
        self.settle()
        return list(self.faults())


def stop(number, frame):
    signal.signal(number, signal.SIG_IGN)
    raise Failed("it took too long" if number == signal.SIGALRM else f"signal {number}")


def main():
    options = arguments()
    began = time.monotonic()
    print(f"seed {options.seed}", flush=True)
    for number in (signal.SIGALRM, signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, stop)
    signal.alarm(options.limit)
    chaos = None
    try:
        with Stack(options.build, settings=SETTINGS) as stack:
            chaos = Chaos(stack, options)
            try:
                faults = chaos.run()
            finally:
                signal.alarm(0)
                chaos.end_piles()
                if options.keep:
                    chaos.keep(options.keep)
    except (Failed, TimeoutError, RuntimeError, OSError, subprocess.SubprocessError) as error:
        faults = [f"{type(error).__name__}: {error}"]
    if chaos:
        print(f"seed {options.seed}: {chaos.kills['csmsd']} kills of csmsd, {chaos.kills['PostgreSQL']} of PostgreSQL, "
              f"{chaos.kills['csmsd at a place']} of csmsd at named places ({chaos.between} between COMMIT and confirmation), "
              f"at least {chaos.fewest_open} sessions open at each, the next answer at most "
              f"{chaos.slowest_s:.1f} s after a kill, {time.monotonic() - began:.0f} s in all")
    for fault in faults:
        print(f"FAILED: {fault}")
    if not faults:
        print("nothing lost, nothing doubled, no difference")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())

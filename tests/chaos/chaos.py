"""chaos.py - kills csmsd and PostgreSQL while piles deliver their queues, then audits the books.

    python3 tests/chaos/chaos.py --build build-release [--seed N] [--kills 10] [--sessions 300]
                                 [--piles 20] [--open 10]

Piles work through queues of charging sessions as fast as they are answered.  At seeded instants,
each with at least --open sessions open, csmsd or the whole of PostgreSQL is killed with SIGKILL
and started again, --kills times each.  When the queues are empty and all is settled,
`pilesim audit` compares sessions, energy, money and journal with what the piles know.
Exit status 0: no difference.  1: a difference, printed.  The seed and the counts are printed.
"""
import argparse
import os
import random
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from stack import Stack  # noqa: E402

DELIVERY_S = 900  # the longest a run may take
SETTLE_S = 240


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", default="build-release")
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--kills", type=int, default=10, help="of csmsd, and as many of PostgreSQL")
    parser.add_argument("--sessions", type=int, default=300)
    parser.add_argument("--piles", type=int, default=20)
    parser.add_argument("--open", type=int, default=10, help="sessions open at each kill, at least")
    parser.add_argument("--patch", help="SQL run after the migration: a fault that must be found")
    return parser.parse_args()


class Run:
    def __init__(self, stack, options):
        self.stack = stack
        self.options = options
        self.random = random.Random(options.seed)
        self.truth = os.path.join(stack.folder, "truth")
        self.fewest_open = None
        self.lost = 0

    def prepare(self):
        stack = self.stack
        stack.start_database()
        stack.migrate()
        if self.options.patch:
            with open(self.options.patch) as patch:
                stack.value(patch.read())
        self.fleet = os.path.join(os.path.dirname(os.path.abspath(__file__)), "fleet.json")
        subprocess.run([stack.program("pilesim"), "seed", "--database", stack.conninfo(),
                        "--fleet", self.fleet], check=True)
        stack.start_csmsd()

    def open_sessions(self):
        """Sessions that have begun and not ended, as the database knows them just now."""
        answer = self.stack.psql("select count(*) from core.session where stopped_at is null",
                                 database="joulebook", quiet=True)
        return int(answer) if answer else -1

    def kill_loop(self, pilesim):
        plan = ["csmsd", "postgres"] * self.options.kills
        self.random.shuffle(plan)
        for number, victim in enumerate(plan, 1):
            time.sleep(self.random.uniform(0.2, 1.2))
            self.stack.wait(lambda: pilesim.poll() is not None or self.open_sessions() >= self.options.open,
                            60, f"{self.options.open} open sessions")
            if pilesim.poll() is not None:
                raise RuntimeError(f"the queues were empty after {number - 1} kills: more sessions are needed")
            time.sleep(self.random.uniform(0, 0.05))
            is_open = self.open_sessions()
            self.fewest_open = is_open if self.fewest_open is None else min(self.fewest_open, is_open)
            if victim == "csmsd":
                self.stack.kill_csmsd()
            else:
                self.stack.kill_database()
                self.stack.start_database()
            if self.stack.csmsd.poll() is not None:
                self.stack.start_csmsd(wait=False)
            print(f"kill {number}: {victim}, {is_open} sessions open", flush=True)

    def settle(self):
        """Until no session waits for its bill."""
        self.stack.wait(
            lambda: self.stack.value("select count(*) from core.job where kind = 'settle' and state in ('ready', 'running')") == "0",
            SETTLE_S, "the settlement of all sessions")

    def audit(self):
        return subprocess.run([self.stack.program("pilesim"), "audit", "--truth", self.truth,
                               "--database", self.stack.conninfo()]).returncode


def main():
    options = arguments()
    print(f"seed {options.seed}")
    with Stack(options.build) as stack:
        run = Run(stack, options)
        run.prepare()
        pilesim = subprocess.Popen(
            [stack.program("pilesim"), "run", "--catch-up", str(options.sessions), "--piles", str(options.piles),
             "--url", f"ws://127.0.0.1:{stack.port}/ocpp", "--fleet", run.fleet, "--seed", str(options.seed),
             "--truth", run.truth])
        stack.children.append(pilesim)
        run.kill_loop(pilesim)
        stack.wait(lambda: pilesim.poll() is not None, DELIVERY_S, "the end of the queues")
        if pilesim.returncode != 0:
            print(f"pilesim ended with status {pilesim.returncode}")
            return 1
        run.settle()
        status = run.audit()
        sessions = stack.value("select count(*) from core.session")
        print(f"seed {options.seed}: {sessions} sessions, {2 * options.kills} kills, at least {run.fewest_open} open at each")
        return 1 if status else 0


if __name__ == "__main__":
    sys.exit(main())

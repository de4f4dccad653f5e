"""storm.py - all piles come again at once, and those that stayed are answered meanwhile.

The piles that stay are on the csmsd that the others left at one instant (their sockets were cut, as when a radio mast
went out).  They have a process of their own, so that their time is not that of this busy program.  All are in when
their boot is answered.  Where fewer files may be open they are fewer, and what was found out of those is printed;
then this ends with exit status 77.  mutants.sh tells what it finds.
"""
import math
import multiprocessing
import os
import resource
import sys
import time

from charging import PATIENCE, Stack, arguments, check

from crowd import furnish
from flock import Flock

STAY, EACH_S = 100, 0.5     # so many stay, and each says something so often
SPARE = 300                 # sockets beside the piles' own, of csmsd and of this program
# On a quiet machine; a slow one gets more: as the start of a program takes (stack.Span), as answers take without a storm.
PER_S = 500                 # piles that are booted in a second, at least
# For 99 of 100 of those who stay: before them are the hang-ups, a batch of the lane in work and one that waits.
LIMIT_MS, EACH_MS, SLOWER = 200, 0.1, 4
QUIET_S = 2
SKIPPED = 77


class Stays:
    """A pile that is connected all the time.  Timed is from when it was due, whenever it left."""

    def __init__(self, flock, port, index, out):
        self.index, self.out, self.due = index, out, None
        flock.connect(port, f"F-{index}", self)

    def opened(self, line):
        line.call("boot", "BootNotification", chargePointVendor="V", chargePointModel="M")

    def closed(self, line, why):
        print("closed", self.index, why, file=self.out, flush=True)

    def heard(self, line, message):
        now = time.monotonic()
        if message[1] == "boot":
            print("booted", self.index, file=self.out, flush=True)
            self.due = now + EACH_S * self.index / STAY
        else:
            print("took", self.index, self.due, now - self.due, file=self.out, flush=True)
            self.due += EACH_S
        self.waits, self.line = False, line

    def ask(self, now):
        if self.due is not None and not self.waits and now >= self.due:
            self.waits = True
            self.line.call("s", "StatusNotification", connectorId=1, errorCode="NoError", status="Available")


def stay(port, path, over):
    flock, parent = Flock(), os.getppid()
    with open(path, "w") as out:
        piles = [Stays(flock, port, index, out) for index in range(STAY)]
        while not over.is_set() and os.getppid() == parent:
            flock.look(0.001)
            for pile in piles:
                pile.ask(time.monotonic())


class Staying:
    """The process of those who stay, and what it has written down."""

    def __init__(self, stack):
        self.path = os.path.join(stack.folder, "stay")
        self.over = multiprocessing.Event()
        self.process = multiprocessing.Process(target=stay, args=(stack.port, self.path, self.over))

    def __enter__(self):
        self.process.start()
        return self

    def __exit__(self, *ignored):
        self.over.set()
        self.process.join()

    def said(self, word):
        if not os.path.exists(self.path):
            return []
        with open(self.path) as file:
            lines = file.read().rpartition("\n")[0].split("\n")
        return [line.split()[1:] for line in lines if line.startswith(word)]

    def p99_ms(self, stack, begin, end):
        """Of all that was due between; None if not all of it was answered."""
        def answered():
            self.took = [tuple(map(float, said)) for said in self.said("took")]
            return len({index for index, due, _ in self.took if due >= end}) == STAY
        try:
            stack.wait(answered, 10, "an answer to each who stays")
        except TimeoutError:
            return None
        took = sorted(took for _, due, took in self.took if begin <= due < end)
        return took[math.ceil(len(took) * 0.99) - 1] * 1000


class Comes:
    """A pile that connects until it is booted."""

    def __init__(self, flock, port, identity, again_s):
        self.flock, self.port, self.identity, self.again_s = flock, port, identity, again_s
        self.booted, self.line, self.at = False, None, 0

    def come(self):
        self.booted = False
        self.line = self.flock.connect(self.port, self.identity, self)

    opened = Stays.opened

    def closed(self, line, why):
        self.line, self.booted, self.at = None, False, time.monotonic() + self.again_s

    def heard(self, line, message):
        self.booted = message[0] == 3 and message[2]["status"] == "Accepted"


def raise_files(wanted):
    """As many open files as are wanted, or as can be had."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, max(hard, wanted)))
    except (ValueError, PermissionError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(wanted, hard), hard))
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]


class Storm:
    def __init__(self, stack, count):
        self.stack, self.flock, self.limit_s = stack, Flock(), 2 + count / PER_S
        self.piles = [Comes(self.flock, stack.port, f"F-{index}", 0.2 + index / count)
                      for index in range(STAY, STAY + count)]

    def all_in(self):
        now = time.monotonic()
        for pile in self.piles:
            if pile.line is None and now >= pile.at:
                pile.come()
        return all(pile.booted for pile in self.piles)

    def come(self, what):
        """When it began and ended."""
        began, lines = time.monotonic(), self.flock.lines
        with self.stack.span() as span:
            took = self.flock.wait(self.all_in, self.limit_s * PATIENCE)
        left = sum(not pile.booted for pile in self.piles)
        check(f"{len(self.piles)} piles {what} within {self.limit_s:.0f} s", not left and span.within(self.limit_s),
              f"{left} are not" if left else f"{took:.2f} s, {len(self.piles) / took:.0f} a second, "
              f"{self.flock.lines - lines} connections")
        return began, began + took

    def quiet(self):
        self.flock.look(1)  # what came with the last storm is over
        began = time.monotonic()
        self.flock.look(QUIET_S)
        return began, began + QUIET_S

    def cut(self):
        for pile in self.piles:
            pile.line.end("cut")
            pile.at = 0


def run(stack, count, rounds):
    storm = Storm(stack, count)
    with Staying(stack) as staying:
        stack.wait(lambda: len(staying.said("booted")) == STAY, 10, "those who stay")
        storm.come("come for the first time")
        quiet_ms = staying.p99_ms(stack, *storm.quiet())
        for _ in range(rounds):
            storm.cut()
            storm_ms = staying.p99_ms(stack, *storm.come("at once are booted again"))
            check("nobody who stayed was closed", not staying.said("closed"), staying.said("closed") or STAY)
            after_ms = staying.p99_ms(stack, *storm.quiet())
            check("and each was answered", None not in (quiet_ms, storm_ms, after_ms))
            limit_ms = LIMIT_MS + EACH_MS * count + SLOWER * max(quiet_ms, after_ms)
            check(f"99 of 100 of them within {limit_ms:.0f} ms", storm_ms <= limit_ms,
                  f"{storm_ms:.1f} ms, before the storm {quiet_ms:.1f} ms, after it {after_ms:.1f} ms")
            check("nobody is closed after the storm", all(pile.booted for pile in storm.piles))
    owned = int(stack.value("SELECT count(*) FROM core.station_connection WHERE closed_at IS NULL AND epoch > 0"))
    check("each pile that came owns its connection", owned >= count, owned)


def main():
    options = arguments(__doc__)
    wanted = 10000 if options.long else 500
    files = raise_files(wanted + SPARE)
    count = min(wanted, files - SPARE)
    if count < 1:
        print(f"{files} open files are allowed, and {wanted} piles need {wanted + SPARE}")
        return SKIPPED
    with Stack(options.build) as stack:
        stack.start_database()
        stack.migrate()
        furnish(stack, STAY + count)
        options.wrong(stack)
        stack.start_csmsd()
        run(stack, count, 3 if options.long else 1)
    if count < wanted:
        print(f"{files} open files are allowed, and {wanted} piles need {wanted + SPARE}: there were {count}")
        return SKIPPED
    return 0


if __name__ == "__main__":
    sys.exit(main())

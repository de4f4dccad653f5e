"""nth.py - the N-th allocation of csmsd fails, then the N-th call of libpq, for N = 1, 2, ... in every handler.

    python3 tests/faults/nth.py --build build-asan           every few N, from a seed
    python3 tests/faults/nth.py --build build-asan --long    every N

The real daemon (one with -Dtests_fault=true: tests/faults/nth.c), sockets, PostgreSQL.  Whatever fails, a
pile sees a confirmation, a CALLERROR or a close, and csmsd lives; the pile says again what was not confirmed,
and in the end each charge is one session and one bill.  N ends where nothing is left to fail.
"""
import random
import threading
import time

from charging import LONG_S, Stack, arguments, check

import nth_handlers as handlers
from nth_house import ALLOCATION, ANYBODY, KINDS, LIBPQ, LOOP, OTHERS, House, books

MOST = 3000   # no handler makes so many
BACK_S = 2    # then there is memory again, where all of it had been gone
COMMANDS = ("Reset", "SetChargingProfile")   # in short


class Hunt:
    """One handler, one kind of fault: N until nothing fails any more."""

    def __init__(self, house, options):
        self.house, self.long, self.chance = house, options.long, random.Random(options.seed)

    def numbers(self, step):
        if self.long:
            return range(1, MOST)
        return range(self.chance.randint(1, step), MOST, step)

    def played(self, step, what):
        """A message for what went wrong within."""
        try:
            return step()
        except BaseException:
            print(f"   {what} ({self.house.fault.disarm()})", flush=True)
            raise

    def run(self, name, kind, who, once, steps, lasts=False):
        """once(): acts while N is armed, and returns what puts it right.  In short every so-many-th N, by kind."""
        count, began = 0, time.monotonic()
        for number in self.numbers(steps[kind - 1]):
            which = f"{name}, {KINDS[kind]} {number}{' and all after it' if lasts else ''}"
            self.house.fault.arm(kind, number, who, lasts)
            # What finds no room in a lane waits for it, for as long as there is none.
            back = threading.Timer(BACK_S if lasts else LONG_S, self.house.fault.disarm)
            back.start()
            try:
                mend = self.played(once, which)
            finally:
                back.cancel()
            what = self.house.fault.disarm()
            self.played(mend, f"after {which} ({what})")
            self.house.alive(f"{which} ({what})")
            if not what:
                break
            count += 1
        else:
            check(f"{name}: an end of {KINDS[kind]}s", False)
        print(f"ok - {name}: {count} times {KINDS[kind]}{'s' if lasts else ''} failed,"
              f" {time.monotonic() - began:.1f} s", flush=True)


def messages(hunt, house):
    talk = handlers.Messages(house)
    actions = [action for action, sender in house.senders.items() if sender != "SYSTEM"]
    check("the catalogue is read", len(actions) == 14 and len(house.senders) == 39, actions)
    for kind, lasts in ((ALLOCATION, False), (ALLOCATION, True), (LIBPQ, False)):
        for action in actions:
            hunt.run(action, kind, LOOP, talk.of(action), (1, 3), lasts)


def commands(hunt, house):
    calls = handlers.Commands(house)
    for kind in KINDS:
        for action, sender in house.senders.items():
            if sender != "PILE" and (hunt.long or action in COMMANDS):
                hunt.run(action, kind, LOOP, calls.of(action), (15, 8))


def rest(hunt, house):
    for kind in KINDS:
        hunt.run("a pile connects", kind, LOOP, handlers.connecting(house), (2, 3))
        for path in ("/", "/readyz", "/metrics") if kind == ALLOCATION else ():
            hunt.run(path, kind, LOOP, handlers.page(house, path), (1, 1))
        hunt.run("settlement", kind, OTHERS, handlers.settlement(house), (60, 20))
        hunt.run("reload", kind, ANYBODY, handlers.reload(house), (20, 40))
        hunt.run("reconnecting", kind, ANYBODY, handlers.reconnecting(house), (4, 60))
        hunt.run("by itself", kind, ANYBODY, handlers.by_itself(house), (30, 60))


def main():
    options = arguments(__doc__)
    with Stack(options.build) as stack:
        stack.start_database()
        stack.migrate()
        house = House(stack, 1000 if options.long else 120)
        stack.start_csmsd(extra="limits { accepts_per_s = 100000 }\nocpp { call_timeout_s = 2 }")
        hunt = Hunt(house, options)
        messages(hunt, house)
        rest(hunt, house)
        commands(hunt, house)
        books(house)
        stack.csmsd.terminate()
        check("it ends", stack.csmsd.wait(10) == 0, stack.csmsd.returncode)
        for kind in KINDS:
            hunt.run("start", kind, ANYBODY, handlers.starting(house), (25, 40))


if __name__ == "__main__":
    main()

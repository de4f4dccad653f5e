"""stopped.py - all of PostgreSQL stands still for a while, then csmsd does, under load.

SIGSTOP to the postmaster and every backend: connections stay open and nobody answers, for less than
the 10 s after which the piles are sent away, and for longer: then one that said nothing is told 1012, too.  It has
to be told for that reason, since csmsd sends away with the same code once it has lost its lock, as much later.  Then csmsd itself, as a machine does
that is suspended: when it goes on nobody was late, and no connection is closed for it.
"""
import json
import os
import random
import signal
import time

from charging import Charging, Stack, arguments, check

import e2e
from wire import Closed

PLAN = {"short": ((5, 13), (12,)), "long": ((5, 8, 13, 20) * 5, (5, 20) * 5)}
AWAY_S = 10  # without a commit
CONNECTED = "SELECT count(*) FROM core.station_connection WHERE closed_at IS NULL AND node_id IS NOT NULL"


def stand_still(pids, seconds, meanwhile=lambda: None):
    began = time.monotonic()
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        meanwhile()
        time.sleep(max(0, began + seconds - time.monotonic()))
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)


def repeated(truth):
    """Is each message confirmed that was once without an answer?"""
    confirmed = {(record["pile"], record["seq"]) for record in truth.of("answered")}
    return all((record["pile"], record["seq"]) in confirmed for record in truth.of("failed"))


def sent_away(quiet):
    try:
        said = quiet.wire.receive()
    except Closed as closed:
        said = closed.args
    except TimeoutError:
        said = "nothing"
    check("a quiet pile is closed for it", said == (1012, b"the database is away"), said)


def database(stack, piles, seconds):
    quiet = None
    if seconds > AWAY_S:
        quiet = e2e.Pile(stack.port, "BE-8", b"no key")
        quiet.call("BootNotification", chargePointVendor="V", chargePointModel="M")
    began = time.time()
    stand_still([stack.postgres.pid, *stack.backends()], seconds, lambda: quiet and sent_away(quiet))
    ended = time.time()
    # What was committed before may be confirmed a moment later.
    said = piles.truth().answered_between(began + 0.5, ended)
    check(f"nothing was confirmed in {seconds} s without the database", not said, len(said))


def closed(stack):
    """Why csmsd has closed connections so far."""
    with open(os.path.join(stack.folder, "csmsd.log"), errors="replace") as log:
        whole = [json.loads(line) for line in log if line.endswith("}\n")]
    return [line["detail"] for line in whole if line["event"] == "pile.disconnected" and "by the pile" not in line["detail"]]


def main():
    options = arguments(__doc__)
    chance = random.Random(options.seed)
    servers, daemons = PLAN["long" if options.long else "short"]
    with Stack(options.build) as stack:
        stack.start_database()
        stack.migrate()
        piles = Charging(stack, options.seed, piles=19, pace_ms=500, timeout_s=2)
        piles.seed()
        stack.start_csmsd()
        piles.start()
        for seconds in servers:
            piles.more(20)
            time.sleep(chance.uniform(0, 0.3))
            database(stack, piles, seconds)
            # The next one may not come upon a message that has used up its attempt.
            piles.more(20)
            stack.wait(lambda: repeated(piles.truth()), 30, "the repeat of each message")
        # Before csmsd itself is late, whose piles then know no better.
        check("at most one attempt was used up", piles.truth().attempts() <= 1, piles.truth().attempts())
        for seconds in daemons:
            piles.more(20)
            stack.wait(lambda: stack.value(CONNECTED) == "19", 30, "the last pile after the outage")
            before = len(closed(stack))
            stand_still([stack.csmsd.pid], seconds)
            piles.more(20)
            check(f"no pile is sent away because csmsd stood still for {seconds} s",
                  len(closed(stack)) == before, closed(stack)[before:] or "")
        piles.end()


if __name__ == "__main__":
    main()

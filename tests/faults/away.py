"""away.py - PostgreSQL is away for long, and piles that give a message three attempts lose none.

Each pile sends a message again 10 s after an attempt without an answer, and discards it after three:
40 s of an open connection without answers would be its loss.  So csmsd answers nothing that was not
stored, closes after 10 s and lets nobody in until it can store again: a pile that is not connected
counts no attempts.
"""
import time

from charging import Charging, Stack, arguments, check

import e2e
import outage

# Long enough queues that nobody has emptied his when the database goes.
FEW = {"piles": 19, "sessions": 120, "pace_ms": 1000}
MANY = {"piles": 1000, "sessions": 4000, "pace_ms": 4000}
CONNECTED = "SELECT count(*) FROM core.station_connection WHERE closed_at IS NULL AND node_id IS NOT NULL"
HEARTBEATS_S = 6  # well before the piles are closed


def heartbeats(pile, until):
    answered = 0
    while time.time() < until:
        answered += pile.call("Heartbeat")[0] == 3
        time.sleep(0.5)
    return answered


def away_told(stack):
    with open(f"{stack.folder}/csmsd.log", errors="replace") as log:
        return '"event":"db.away"' in log.read()


def refused(stack, identity):
    try:
        e2e.Pile(stack.port, identity, b"no key")
    except ConnectionRefusedError as refusal:
        return refusal.args[0]
    return None


def main():
    options = arguments(__doc__)
    away_s, fleet = (600, MANY) if options.long else (40, FEW)
    with Stack(options.build) as stack:
        stack.start_database()
        stack.migrate()
        piles = Charging(stack, options.seed, timeout_s=2, **fleet)
        piles.seed()
        stack.start_csmsd()
        quiet = e2e.Pile(stack.port, piles.spare(), b"no key")
        quiet.call("BootNotification", chargePointVendor="V", chargePointModel="M")
        piles.start()
        stack.wait(lambda: int(stack.value(CONNECTED)) == fleet["piles"] + 1, 30, "all piles")
        piles.more(30)

        stack.kill_database()
        gone = time.time()
        check("Heartbeat is answered from memory", heartbeats(quiet, gone + HEARTBEATS_S) >= 1)
        stack.wait(lambda: away_told(stack), 12, "what csmsd does without a database")
        check("the pile is closed with 1012", quiet.wire.closing() == 1012)
        time.sleep(max(0, gone + away_s / 2 - time.time()))
        status = refused(stack, piles.spare())
        check("nobody is let in", status == 503, status)
        check("/healthz and /readyz", (outage.status_of(stack, "/healthz"), outage.status_of(stack, "/readyz"))
              == (200, 503))
        time.sleep(max(0, gone + away_s - time.time()))
        back = time.time()
        stack.start_database()
        piles.more(20)

        # What was committed when the kill came may be confirmed a moment later.
        answers = piles.truth().answered_between(gone + 0.5, back)
        check(f"nothing was confirmed in {back - gone:.0f} s", not answers, len(answers))
        piles.end()
        check("at most one attempt of three was used up", piles.truth().attempts() <= 1, piles.truth().attempts())


if __name__ == "__main__":
    main()

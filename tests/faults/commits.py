"""commits.py - the line to PostgreSQL is cut within the COMMIT, and nobody knows whether it has.

One byte decides whether the server has committed; the proxy cuts before it, after it, or within the
answer, and then lets the server's end hear of it at once, a second later, or gives it the byte when
csmsd is at it again.  csmsd finds out by doing it again: no pile has to repeat a message, none is
stored twice, and what is confirmed is stored.
"""
import itertools
import random
import re
import time

import proxy
from charging import Charging, Stack, arguments, check

LANES = ("joulebook/money", "joulebook/telemetry")
KINDS = list(itertools.product(LANES, proxy.PLACES, proxy.ENDS))


def again(stack):
    """How often csmsd says that it does a batch again whose outcome it does not know."""
    with open(f"{stack.folder}/csmsd.log", errors="replace") as log:
        return len(re.findall(r'"event":"db.again"', log.read()))


def main():
    options = arguments(__doc__)
    chance = random.Random(options.seed)
    cuts = [proxy.Cut(*kind) for kind in KINDS * (40 if options.long else 1)]
    chance.shuffle(cuts)
    with Stack(options.build) as stack, proxy.Proxy(stack) as between:
        stack.start_database()
        stack.migrate()
        piles = Charging(stack, options.seed, sessions=300, pace_ms=100)
        piles.seed()
        stack.write_config()
        between.install()
        stack.start_csmsd()
        piles.start()
        piles.more(20)
        for number, cut in enumerate(cuts, 1):
            between.cut(cut)
            stack.wait(lambda: len(between.done) == number, 10, f"the cut: {cut}")
            time.sleep(chance.uniform(0.1, 0.5))
            piles.more(5)
        check("csmsd has seen each as an unknown outcome", again(stack) >= len(cuts), again(stack))
        piles.end()
        check("no pile had to repeat a message", repeated(piles.truth()) == 0, repeated(piles.truth()))


def repeated(truth):
    """Transmissions of what had been sent before."""
    sent = [(record["pile"], record["seq"]) for record in truth.of("sent")]
    return len(sent) - len(set(sent))


if __name__ == "__main__":
    main()

"""killed.py - PostgreSQL restarted at once under load, and csmsd and all of PostgreSQL killed together.

The first is what `pg_ctl restart -m immediate` does: no shutdown checkpoint, every backend quits, crash
recovery.  csmsd goes on and says afterwards what it could not say before.  Kills of the one or the
other, one at a time, are tests/chaos/chaos.py's.
"""
import random
import signal
import time

from charging import Charging, Stack, arguments, check

# A commit that takes its time, as on a slow disk: more is under way when the blow falls.
SETTINGS = "commit_delay = 10000\ncommit_siblings = 0\n"


def immediate(stack):
    stack.postgres.send_signal(signal.SIGQUIT)
    stack.postgres.wait(60)
    stack.start_database()


def everything(stack):
    stack.kill_csmsd()
    stack.kill_database()
    stack.start_csmsd(wait=False)  # first, so that it has to wait for its database
    time.sleep(0.5)
    stack.start_database()


def main():
    options = arguments(__doc__)
    chance = random.Random(options.seed)
    restarts, deaths = (40, 20) if options.long else (4, 2)
    with Stack(options.build, settings=SETTINGS) as stack:
        stack.start_database()
        stack.migrate()
        piles = Charging(stack, options.seed, sessions=200, attempts=10, retry_s=1)
        piles.seed()
        stack.start_csmsd()
        piles.start()
        blows = [immediate] * restarts + [everything] * deaths
        chance.shuffle(blows)
        for blow in blows:
            piles.more(20)
            time.sleep(chance.uniform(0, 0.3))
            began = time.monotonic()
            blow(stack)
            piles.more(1)
            print(f"   {blow.__name__}: answers again after {time.monotonic() - began:.1f} s", flush=True)
        piles.end()


if __name__ == "__main__":
    main()

"""histories.py - random histories of piles, played to the real database and daemon, and computed anew.

    python3 tests/histories/histories.py --build build-release --seeds 1-20

Each seed is a world: piles with good, wrong and no clocks, queues, repeats, messages in the wrong order
and lost ones (world.py). Concurrent lanes play it while csmsd makes the bills (play.py). Then, from what
the piles told, energy and cents of each bill are computed with fractions and compared with the books
(judge.py): before anybody decides on a review, and again when all of them are decided. A seed makes the
same world; how its lanes meet is another matter each time.

A wrong system must be caught by this same command: --patch FILE.sql is run after the migration
(tests/histories/mutants.sh).

Prints a line for each seed; of one with faults also the whole story of the sessions that they are
about. Exit status 0: none had one. 1: otherwise. 2: the command line.
"""
import argparse
import os
import sys
import time
from datetime import datetime, timedelta, timezone

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.dirname(HERE), HERE]
from judge import Judge             # noqa: E402
from play import Connection, Play   # noqa: E402
from stack import Stack             # noqa: E402
import world as worlds              # noqa: E402

STORIES = 3
SETTINGS = "deadlock_timeout = 100ms\n"
ROUNDS = 4                          # a decision may open another item


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", default="build-release")
    parser.add_argument("--seeds", default="1-20", help="a number, or first-last")
    parser.add_argument("--piles", type=int, default=6, help="in each world")
    parser.add_argument("--patch", help="SQL run after the migration: a fault that must be found")
    parser.add_argument("--stop", action="store_true", help="at the first seed with a fault")
    options = parser.parse_args()
    first, _, last = options.seeds.partition("-")
    try:
        options.seeds = range(int(first), int(last or first) + 1)
    except ValueError:
        parser.error(f"--seeds is a number or first-last, not {options.seeds}")
    if not options.seeds or options.piles < 1:
        parser.error("nothing to play")
    return options


def prepare(stack, patch):
    stack.start_database()
    stack.migrate()
    for path in (os.path.join(HERE, "house.sql"), *([patch] if patch else [])):
        with open(path, encoding="utf-8") as file:
            stack.value(file.read())
    stack.start_csmsd()


def decide_all(play, connection):
    """Accepts whatever waits, as often as an accepted session comes to wait for something else."""
    sessions = {transaction: session for session in play.world.sessions() for transaction in session.transactions}
    for _ in range(ROUNDS):
        if not any([accept(play, connection, item, sessions.get(int(transaction)))
                    for item, transaction in play.open_items(connection)]):
            return
        play.settle(connection)


def accept(play, connection, item, session):
    """As it stands. What cannot be billed so because its clock began anew, a person has seen with own eyes."""
    if play.decide(connection, item, "accept"):
        return True
    if session is None or not session.rebooted:
        return False
    seen = f", meter_stop_kwh => {session.register_end / 1000:.3f}, stopped_at => '{session.end}'"
    done = play.decide(connection, item, "accept", seen)
    session.corrected = session.corrected or done
    return done


def run(stack, seed, options, known):
    """One seed. True: it has no fault."""
    began, now = time.monotonic(), datetime.now(timezone.utc)
    begin = now.replace(minute=0, second=0, microsecond=0) - timedelta(hours=20)
    play = Play(stack, worlds.make(seed, begin, options.piles))
    connection = Connection(stack)
    try:
        play.build(connection)
        play.run()
        play.settle(connection)
        judge = Judge(play, connection, known)
        judge.look(final=False)
        decide_all(play, connection)
        judge.look(final=True)
        tell(play, judge, time.monotonic() - began)
    finally:
        connection.close()
    return not judge.faults


def tell(play, judge, took_s):
    world, rows = play.world, judge.rows.values()
    meanwhile = ", bills meanwhile" * world.live + ", decisions meanwhile" * world.decided
    messages = sum(len(pile.messages) for pile in world.piles)
    print(f"seed {world.seed}: {messages} messages, {len(world.sessions())} sessions, "
          f"{sum(row.billed for row in rows)} billed, {sum(row.provisional for row in rows)} of them without a Stop, "
          f"{judge.made_anew()} anew, "
          f"{sum(row.cents or 0 for row in rows)} cents{meanwhile}; {took_s:.1f} s; "
          f"{len(judge.faults) or 'no'} fault{'s' * (len(judge.faults) != 1)}", flush=True)
    told = []
    for what, session in judge.faults:
        print(f"  FAULT: {what}" + (f" ({session.tag}, {row_number(session)})" if session else ""))
        if session and session not in told and len(told) < STORIES:
            told.append(session)
            print("".join(f"    {line}\n" for line in judge.story(session)), end="")
    if judge.faults:
        print(f"  outcomes: {play.counts}", flush=True)


def row_number(session):
    return f"transaction {', '.join(map(str, sorted(session.transactions))) or 'unknown'}"


def main():
    options = arguments()
    failed, known = [], set()
    with Stack(options.build, durable=False, settings=SETTINGS) as stack:
        prepare(stack, options.patch)
        for seed in options.seeds:
            if not run(stack, seed, options, known):
                failed.append(seed)
                if options.stop:
                    break
    print(f"{len(failed)} of {len(options.seeds)} seeds with faults: {failed}" if failed else "no faults")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

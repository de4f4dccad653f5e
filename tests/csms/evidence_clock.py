"""evidence_clock.py BUILD - piles with wrong clocks, on the real daemon and a real database.

No bill is of the future: a time later than its receipt waits for a person, and what was queued is
billed when it happened.  A pile, a generator and the pauses as in evidence.py.
"""
import sys

from evidence_house import SENT, House, Run, equal
from e2e import now
from stack import Stack

HOUR = 3600
AHEAD = 8 * HOUR  # the local time of China, sent as if it were UTC


def statuses(pile, *seconds):
    for connector, second in enumerate(seconds):
        pile.confirmed('StatusNotification', {'connectorId': connector, 'errorCode': 'NoError',
                                              'status': 'Available', 'timestamp': now(second)})


def began(pile, transaction, ago_s):
    equal(f'it began {ago_s} s ago', pile.session(
        transaction, f"abs(extract(epoch FROM now() - started_at) - {ago_s}) < 120"), 't')


def live_ahead(house, pile):
    """a live session by a clock 8 hours ahead waits, and accepted is billed at its receipt"""
    pile.boot()
    transaction = pile.start(1000, at=now(AHEAD))
    pile.stop(transaction, 1300, at=now(AHEAD))
    yield SENT
    pile.in_review('implausible_time', 'stop_implausible_time')
    pile.unbilled(transaction)
    pile.decide('accept')
    pile.billed(transaction, 300)
    began(pile, transaction, 0)


def stop_ahead(house, pile):
    """a Stop 20 hours ahead of its Start waits"""
    transaction = pile.start(1000)
    pile.stop(transaction, 1300, at=now(20 * HOUR))
    yield SENT
    pile.in_review('stop_implausible_time')
    pile.unbilled(transaction)


def queue_ahead(house, pile):
    """a queue by a clock known to be 8 hours ahead is billed when it happened, without review"""
    pile.boot()
    statuses(pile, AHEAD, AHEAD)
    transaction = pile.start(1000, at=now(AHEAD - 2 * HOUR))
    pile.stop(transaction, 5000, at=now(AHEAD - HOUR))
    yield SENT
    pile.in_review()
    began(pile, transaction, 2 * HOUR)
    pile.hurry(transaction)
    pile.billed(transaction, 4000)


def queue_perhaps_ahead(house, pile):
    """a queue by a clock that one status shows 8 hours ahead waits"""
    pile.boot()
    statuses(pile, AHEAD)
    transaction = pile.start(1000, at=now(AHEAD - 2 * HOUR))
    pile.stop(transaction, 1300, at=now(AHEAD - HOUR))
    yield SENT
    pile.in_review('implausible_time', 'stop_implausible_time')
    pile.unbilled(transaction)


def queued_status(house, pile):
    """a queued status after a boot moves no queue into the future"""
    pile.boot()
    statuses(pile, -3 * HOUR)
    transaction = pile.start(1000, at=now(-2 * HOUR))
    pile.stop(transaction, 5000, at=now(-HOUR))
    yield SENT
    pile.in_review()
    began(pile, transaction, 2 * HOUR)
    pile.hurry(transaction)
    pile.billed(transaction, 4000)


def queued_statuses(house, pile):
    """two queued statuses after a boot move no queue into the future"""
    pile.boot()
    statuses(pile, -3 * HOUR, -3 * HOUR)
    transaction = pile.start(1000, at=now(-2 * HOUR))
    pile.stop(transaction, 5000, at=now(-HOUR))
    yield SENT
    pile.in_review()
    began(pile, transaction, 2 * HOUR)
    pile.hurry(transaction)
    pile.billed(transaction, 4000)


TESTS = [live_ahead, stop_ahead, queue_ahead, queue_perhaps_ahead, queued_status, queued_statuses]


def main(build):
    identities = [f'K{number:02}' for number in range(len(TESTS))]
    with Stack(build, durable=False) as stack:
        stack.start_database()
        stack.migrate()
        house = House(stack)
        house.furnish(identities)
        stack.start_csmsd()
        return Run(house, TESTS, identities).all()


if __name__ == '__main__':
    sys.exit(main(sys.argv[1]))

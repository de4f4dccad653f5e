"""evidence_stop.py BUILD - Stops that come twice, too early or without a number, on the real daemon.

Each ends its own session and no other; where two say different things, a person decides which one is
billed, before the bill or after it.  A pile, a generator and the pauses as in evidence.py.
"""
import sys

from evidence_house import SENT, House, Run, equal
from e2e import now
from stack import Stack


def stop_repeated(house, pile):
    """a Stop repeated on the same and on a new connection is one bill"""
    transaction = pile.start(1000)
    at = now()
    for _ in range(2):
        pile.stop(transaction, 1300, at=at)
    pile.connect()
    pile.stop(transaction, 1300, at=at)
    yield SENT
    pile.in_review()
    pile.billed(transaction, 300)


def stop_conflict(house, pile):
    """a Stop repeated with another meterStop is kept and reviewed, and nothing is billed before"""
    transaction = pile.start(1000)
    at = now()
    pile.stop(transaction, 1300, at=at)
    pile.stop(transaction, 1400, at=at)
    pile.kept()
    yield SENT
    pile.in_review('stop_conflict')
    pile.unbilled(transaction)
    pile.decide('accept')
    pile.billed(transaction, 300)


def stop_conflict_late(house, pile):
    """a Stop that contradicts a bill is booked in its place once somebody accepts its register"""
    pile.boot()
    transaction = pile.start(1000, at=now(-5))
    pile.stop(transaction, 1300, at=now(-1))
    pile.stop(transaction, 1300)
    pile.kept()
    yield SENT
    pile.in_review()
    pile.hurry(transaction)
    pile.billed(transaction, 300)
    pile.connect()
    pile.stop(transaction, 1400)
    pile.in_review('stop_conflict')
    pile.decide('accept', meter_stop_kwh='1.4')
    pile.billed(transaction, 400, versions=2)
    equal('broken invariants', house.value('SELECT count(*) FROM ledger.invariants()'), '0')


def stop_of_nobody(house, pile):
    """a Stop of a number that nobody gave out does not end the next customer's session"""
    pile.boot()
    pile.stop(1999999998, 1300)
    transaction = pile.start(1300, at=now(-60))
    pile.stop(transaction, 1700)
    yield SENT
    pile.in_review('unmatched_stop')
    pile.hurry(transaction)
    pile.billed(transaction, 400)


def stop_before_start(house, pile):
    """a Stop that comes before its Start waits for it, and the session is billed"""
    pile.boot()
    began = now(-60)
    pile.stop(-1, 1300, at=now(-1), idTag=pile.tag)
    pile.in_review('unmatched_stop')
    transaction = pile.start(1000, at=began)
    yield SENT
    pile.in_review()
    pile.hurry(transaction)
    pile.billed(transaction, 300)


def stop_of_another_card(house, pile):
    """a Stop with -1 of another card ends its own session when that comes, not the one that runs"""
    pile.boot()
    running = pile.start(1000)
    pile.stop(-1, 1200, idTag='TAG-NEXT')
    late = pile.start(1000, at=now(-20), connectorId=2, idTag='TAG-NEXT')
    pile.stop(running, 1400)
    yield SENT
    pile.in_review()
    for transaction, energy in ((running, 400), (late, 200)):
        pile.hurry(transaction)
        pile.billed(transaction, energy)


def stop_never(house, pile):
    """a session whose Stop never comes is billed on its readings, and anew on those that come later"""
    pile.boot()
    transaction = pile.start(1000, at=now(-30))
    pile.read(transaction, 1020, at=now(-25))
    pile.start(2000, at=now(-1))
    house.value("UPDATE core.session SET presumed_ended_at = presumed_ended_at - interval '1 hour' "
                f'WHERE transaction_id = {transaction}')
    house.value('SELECT inbound.sweep()')
    yield SENT
    pile.in_review('presumed_ended')
    pile.billed(transaction, 20)
    pile.connect()
    pile.read(transaction, 1300, at=now(-20))
    house.value(f'UPDATE core.session SET recheck_at = now() WHERE transaction_id = {transaction}')
    house.value('SELECT inbound.sweep()')
    pile.hurry(transaction)
    pile.billed(transaction, 300, versions=2)
    equal('broken invariants', house.value('SELECT count(*) FROM ledger.invariants()'), '0')


def replayed(house, pile):
    """a message said again word for word on its socket gets the same words for an answer, and is stored once"""
    pile.boot()
    at = now()

    def twice(action, payload):
        answers = [pile.send(action, payload, f'again-{action}') for _ in range(2)]
        equal(action, answers[1], answers[0])
        return answers[0][2]
    twice('Authorize', {'idTag': pile.tag})
    transaction = twice('StartTransaction', {'connectorId': 1, 'idTag': pile.tag, 'meterStart': 1000,
                                             'timestamp': at})['transactionId']
    twice('MeterValues', {'connectorId': 1, 'transactionId': transaction, 'meterValue': [
        {'timestamp': now(), 'sampledValue': [{'value': '1200'}]}]})
    twice('StopTransaction', {'transactionId': transaction, 'idTag': pile.tag, 'meterStop': 1300, 'timestamp': now()})
    yield SENT
    pile.in_review()
    equal('sessions, readings', (pile.sessions(), pile.readings()), (1, 1))
    pile.billed(transaction, 300)


def readings_out_of_place(house, pile):
    """readings before their Start, in no order, twice, after their Stop or the bill are stored once and bill nothing"""
    pile.boot()
    began, early, late = now(-60), now(-50), now(-30)
    pile.read(None, 1050, at=early)
    transaction = pile.start(1000, at=began)
    for register, second in ((1200, -35), (1100, -45), (1150, -40)):
        at = now(second)
        for _ in range(2):
            pile.read(transaction, register, at=at)
    pile.stop(transaction, 1300, at=now(-20))
    pile.read(transaction, 1250, at=late)
    pile.read(None, 1050, at=early)
    yield SENT
    pile.in_review()
    pile.hurry(transaction)
    pile.billed(transaction, 300)
    pile.connect()
    pile.read(transaction, 1250, at=late)
    pile.read(transaction, 1290, at=now(-25))
    house.value('SELECT inbound.sweep()')
    pile.hurry(transaction)
    house.stack.wait(lambda: house.value(
        "SELECT count(*) FROM core.job WHERE kind = 'settle' AND state = 'running'") == '0', 20, 'the jobs')
    equal('readings', pile.readings(), 6)
    pile.billed(transaction, 300)
    pile.in_review()


def two_alike_of_1970(house, pile):
    """two sessions of a clockless pile whose Stops say the same are two bills, within a boot and over two"""
    transactions = []
    for boots in (1, 1, 0):
        for _ in range(boots):
            pile.boot()
        transactions.append(pile.start(0, at='1970-01-01T00:00:20Z'))
        pile.stop(-1, 400, at='1970-01-01T00:05:00Z')
        pile.kept()
    yield SENT
    equal('sessions', pile.sessions(), 3)
    pile.decide('accept')
    for transaction in transactions:
        pile.billed(transaction, 400)


TESTS = [stop_repeated, stop_conflict, stop_conflict_late, stop_of_nobody, stop_before_start,
         stop_of_another_card, stop_never, replayed, readings_out_of_place, two_alike_of_1970]


def main(build):
    identities = [f'T{number:02}' for number in range(len(TESTS))]
    with Stack(build, durable=False) as stack:
        stack.start_database()
        stack.migrate()
        house = House(stack)
        house.furnish([*identities, 'NEXT'])
        stack.start_csmsd()
        return Run(house, TESTS, identities).all()


if __name__ == '__main__':
    sys.exit(main(sys.argv[1]))

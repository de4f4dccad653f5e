"""evidence.py BUILD - what a pile says that nobody can trust, on the real daemon and a real database.

Whatever it is, it is confirmed, kept as it came and shown in query.review; none of it is billed
before a person has decided, and all of it can be billed or closed afterwards.  What can be trusted
once it is understood (repeats, odd enums, queues) is billed without anybody's help.
"""
import json
import os
import subprocess
import sys
import zlib
from fractions import Fraction

from evidence_house import RESTART, SENT, TARIFF, House, Run, equal
from e2e import now
from stack import Stack

OLD = '1970-01-01T00:10:00Z'


# -- Stops that fit nothing -----------------------------------------------------------------------

def unknown_transaction(house, pile):
    """a Stop of a number that nobody gave out is kept and reviewed, and closed by a decision"""
    pile.boot()
    pile.stop(1999999999, 1300)
    pile.kept()
    yield SENT
    pile.in_review('unmatched_stop')
    equal('sessions', pile.sessions(), 0)
    pile.decide('reject')
    pile.in_review()


def minus_one_alone(house, pile):
    """a Stop with transactionId -1 that matches no session is kept and reviewed"""
    pile.boot()
    pile.stop(-1, 1300, idTag=pile.tag)
    pile.kept()
    yield SENT
    pile.in_review('unmatched_stop')
    equal('sessions', pile.sessions(), 0)
    pile.decide('accept')
    pile.in_review()


def minus_one_of_two(house, pile):
    """a Stop with transactionId -1 that could mean two sessions ends neither"""
    first = pile.start(5000)
    second = pile.start(5000, connectorId=2)
    pile.stop(-1, 5200)
    pile.kept()
    yield SENT
    pile.in_review('unmatched_stop')
    for transaction in (first, second):
        pile.unbilled(transaction)


def minus_one_of_one(house, pile):
    """a Stop with transactionId -1 ends the only session that it can mean, and it is billed"""
    transaction = pile.start(1000)
    pile.stop(-1, 1300)
    yield SENT
    pile.in_review()
    pile.billed(transaction, 300)


def of_another_pile(house, pile):
    """a Stop with another pile's transactionId is reviewed here and leaves that session alone"""
    theirs = pile.house.neighbour.start(7000)
    pile.boot()
    pile.stop(theirs, 7300, idTag=pile.tag)
    pile.kept()
    yield SENT
    pile.in_review('unmatched_stop')
    pile.house.neighbour.unbilled(theirs)
    equal('the other pile', pile.house.neighbour.session(theirs, 'state'), 'open')
    pile.decide('accept')
    pile.in_review()


# -- energy that cannot be ------------------------------------------------------------------------

def doubtful(pile, stop, kind, registers=()):
    """A session from 1000 Wh to a doubtful `stop`, in review for `kind` past the delay."""
    transaction = pile.start(1000)
    for register in registers:
        pile.read(transaction, register)
    pile.stop(transaction, stop)
    if stop is None or stop < 1000 or kind is None:
        pile.kept()
    yield SENT
    pile.in_review(kind)
    pile.unbilled(transaction)
    return transaction


def negative_zero(house, pile):
    """a meterStop below meterStart without readings, accepted, is billed as no energy"""
    transaction = yield from doubtful(pile, 900, 'negative_energy')
    pile.decide('accept')
    pile.billed(transaction, 0)


def negative_series(house, pile):
    """a meterStop below meterStart, accepted, is billed on the readings"""
    transaction = yield from doubtful(pile, 0, 'negative_energy', (1100, 1200))
    pile.decide('accept')
    pile.billed(transaction, 200)


def negative_corrected(house, pile):
    """a meterStop below meterStart, accepted with a correction, is billed by that"""
    transaction = yield from doubtful(pile, 900, 'negative_energy', (1100,))
    pile.decide('accept', meter_stop_kwh='1.25')
    pile.billed(transaction, 250)


def negative_rejected(house, pile):
    """a meterStop below meterStart, rejected, is never billed and holds no money"""
    transaction = yield from doubtful(pile, 900, 'negative_energy')
    pile.decide('reject')
    pile.unbilled(transaction)
    equal('state, hold', pile.session(transaction, 'state, hold_amount'), ['lost', ''])


def negative_stop(house, pile):
    """a meterStop below zero, accepted, is billed as no energy"""
    transaction = yield from doubtful(pile, -5, 'negative_energy')
    pile.decide('accept')
    pile.billed(transaction, 0)


def negative_start(house, pile):
    """a meterStart below zero is billed once its true value is given"""
    transaction = pile.start(-50)
    pile.kept()
    pile.stop(transaction, 250)
    yield SENT
    pile.in_review('implausible_meter_start')
    pile.unbilled(transaction)
    pile.decide('accept', meter_start_kwh='0.05')
    pile.billed(transaction, 200)


def falling_register(house, pile):
    """a register that falls within a session, accepted, is billed from start to stop"""
    transaction = yield from doubtful(pile, 1400, 'register_falls', (1300, 1100))
    pile.decide('accept')
    pile.billed(transaction, 400)


def negative_register(house, pile):
    """a register below zero is in review at once, and accepted the session is billed without it"""
    transaction = pile.start(1000)
    pile.read(transaction, -5)
    pile.in_review('negative_register')
    equal('the reading is stored', pile.readings('energy_import_kwh = -0.005'), 1)
    pile.stop(transaction, 1300)
    yield SENT
    pile.in_review('negative_register')
    pile.unbilled(transaction)
    pile.decide('accept')
    pile.billed(transaction, 300)


def negative_register_late(house, pile):
    """a register below zero that comes with the Stop keeps the session from being billed"""
    transaction = pile.start(1000)
    pile.stop(transaction, 1300, transactionData=[
        {'timestamp': now(), 'sampledValue': [{'value': '-7'}]}])
    yield SENT
    equal('in review', len(pile.open_items()), 1)
    pile.unbilled(transaction)
    pile.decide('accept')
    pile.billed(transaction, 300)


def implausible_energy(house, pile):
    """more energy than the connector can give is not accepted as it stands, and billed by a correction"""
    transaction = pile.start(1000, at=now(-20))
    pile.stop(transaction, 3000)
    pile.kept()
    yield SENT
    pile.in_review('implausible_energy')
    pile.unbilled(transaction)
    pile.undecided('accept', 'review-implausible')
    pile.unbilled(transaction)
    pile.decide('accept', meter_stop_kwh='1.4')
    pile.billed(transaction, 400)


def impossible_energy(house, pile):
    """energy that no connector can give is not accepted, nor by too small a correction"""
    transaction = pile.start(1000)
    pile.stop(transaction, 90000)
    yield SENT
    pile.in_review('implausible_energy')
    pile.undecided('accept', 'review-implausible')
    pile.undecided('accept', 'review-implausible', meter_stop_kwh='80')
    pile.unbilled(transaction)
    pile.decide('accept', meter_stop_kwh='1.3')
    pile.billed(transaction, 300)


def tariff_behind(house, pile):
    """a tariff that came past its check prices nothing: its session waits with the reason, for another one"""
    wrong = json.dumps(TARIFF | {'max_price': {'excl_vat': -1}})
    house.value(f"""WITH t AS (INSERT INTO core.tariff (code, name, currency, tax_mode)
            VALUES ('BEHIND', 'x', 'CNY', '{TARIFF.get('tax_mode', 'net')}') RETURNING id),
        v AS (INSERT INTO core.tariff_version (tariff_id, version, valid_from, state, document, published_by)
            SELECT id, 1, now() - interval '20 days', 'active', '{wrong}', 'nobody' FROM t)
        INSERT INTO core.tariff_assignment (scope, target_id, tariff_id, actor)
        SELECT 'station', p.id, t.id, 'nobody' FROM t, core.station p WHERE p.identity = '{pile.identity}'""")
    transaction = pile.start(1000)
    pile.stop(transaction, 1300)
    yield SENT
    pile.in_review('tariff_invalid')
    equal('the reason', house.value(f"""SELECT detail ->> 'member' FROM query.review
        WHERE pile = '{pile.identity}'"""), 'tariff.max_price.excl_vat')
    pile.unbilled(transaction)
    pile.undecided('accept', 'review-tariff')
    house.value(f"""SELECT management.publish_tariff(code => 'MENDED', document => '{json.dumps(TARIFF)}',
        charge_point_id => '{pile.identity}', connector_id => 1, valid_from => now() - interval '20 days')""",
                user='e2e.admin')
    pile.decide('accept')
    pile.billed(transaction, 300)


# Sells energy below the limit for 10, from it on for 50; a session for each value between its registers.
def measured(house, pile, name, limit, values):
    component = {'type': 'ENERGY', 'price': 10, 'vat': 0, 'step_size': 1}
    document = {'currency': 'CNY', 'elements': [
        {'restrictions': {f'max_{name}': limit}, 'price_components': [component]},
        {'restrictions': {f'min_{name}': limit}, 'price_components': [component | {'price': 50}]}]}
    house.value(f"""SELECT management.publish_tariff(code => 'BY-{name}', document => '{json.dumps(document)}',
        charge_point_id => '{pile.identity}', connector_id => 1, valid_from => now() - interval '20 days')""",
                user='e2e.admin')
    for value in values:
        transaction = pile.start(1000)
        pile.confirmed('MeterValues', {'connectorId': 1, 'transactionId': transaction, 'meterValue': [
            {'timestamp': now(), 'sampledValue': [{'value': '1200'}, *value]}]})
        pile.stop(transaction, 1300)
        yield transaction


def by_hand(house, transaction, measurand, scale):
    """What `csms rate` makes of the input that the settlement keeps."""
    kept = house.value(f"""SELECT encode(t.input, 'hex') FROM ledger.settlement t
        JOIN core.session s ON s.uid = t.session_uid WHERE s.transaction_id = {transaction}""")
    kept = json.loads(zlib.decompress(bytes.fromhex(kept)))['input']
    session, reading = kept['session'], kept['readings'][0]
    energy = Fraction(int(session['meter_stop_mwh']) - int(session['meter_start_mwh']), 10 ** 6)
    told = Fraction(int(reading[measurand]), scale)
    period = {'start': session['started_at'], 'end': session['stopped_at'], 'energy_kwh': str(float(energy)),
              'current' if scale == 1000 else 'power': str(float(told))}
    files = [os.path.join(house.stack.folder, f'{transaction}.{name}.json') for name in ('tariff', 'session')]
    for path, value in zip(files, (kept['tariff'], {**period, 'periods': [period]})):
        with open(path, 'w', encoding='utf-8') as out:
            json.dump(value, out)
    done = subprocess.run([house.stack.program('csms'), 'rate', '--tariff', files[0], '--zone', session['zone'],
                           '--session', files[1]], capture_output=True, text=True, check=True)
    return Fraction(json.loads(done.stdout)['total_incl_vat'])


def billed_measured(house, pile, transactions, *how):
    pile.in_review()
    for transaction, amount in zip(transactions, (3, 15)):
        house.stack.wait(lambda number=transaction: pile.session(number, 'is_settled') == 't', 20, 'the bill')
        equal('amount', Fraction(pile.session(transaction, 'amount')), amount)
        equal('by hand', by_hand(house, transaction, *how), amount)


def slow_energy(house, pile):
    """energy is sold at the price of the power that its reading tells"""
    transactions = list(measured(house, pile, 'power', 50, [
        [{'value': value, 'measurand': 'Power.Active.Import', 'unit': 'kW'}] for value in ('11', '50')]))
    yield SENT
    billed_measured(house, pile, transactions, 'power_import_mw', 10 ** 6)


def weak_energy(house, pile):
    """and at that of its current, which is that of all phases"""
    transactions = list(measured(house, pile, 'current', 60, [
        [{'value': value, 'measurand': 'Current.Import', 'phase': phase} for phase in ('L1', 'L2', 'L3')]
        for value in ('19.9', '20')]))
    yield SENT
    billed_measured(house, pile, transactions, 'current_import_ma', 1000)


def huge_register(house, pile):
    """a meterStop that fits no integer is kept, and billed by a correction"""
    transaction = pile.start(1000)
    pile.stop(transaction, 10 ** 18)
    pile.kept()
    yield SENT
    pile.in_review('unusable')
    pile.unbilled(transaction)
    pile.decide('accept', meter_stop_kwh='1.3', stopped_at='now()')
    pile.billed(transaction, 300)


# -- what is missing or cannot be read ------------------------------------------------------------

def missing_stop_series(house, pile):
    """a Stop without meterStop, accepted, is billed on the last reading"""
    transaction = pile.start(1000)
    pile.read(transaction, 1150, 1300)
    pile.stop(transaction, None)
    pile.kept()
    yield SENT
    pile.in_review('unusable')
    pile.unbilled(transaction)
    pile.decide('accept')
    pile.billed(transaction, 300)


def missing_stop_corrected(house, pile):
    """a Stop without meterStop and without readings is billed by a correction"""
    transaction = pile.start(1000)
    pile.stop(transaction, None)
    pile.kept()
    yield SENT
    pile.in_review('unusable')
    pile.unbilled(transaction)
    pile.decide('accept', meter_stop_kwh='1.2', stopped_at='now()')
    pile.billed(transaction, 200)


def missing_stop_rejected(house, pile):
    """a Stop without meterStop, rejected, closes its session unbilled"""
    transaction = pile.start(1000)
    pile.stop(transaction, None)
    yield SENT
    pile.decide('reject')
    pile.unbilled(transaction)
    equal('state, hold', pile.session(transaction, 'state, hold_amount'), ['lost', ''])


def missing_stop_superseded(house, pile):
    """a session with an unreadable Stop is not billed when the next one starts, but after its decision"""
    transaction = pile.start(1000)
    pile.stop(transaction, None)
    after = pile.start(2000)
    house.value("UPDATE core.session SET presumed_ended_at = now() - interval '1 hour' "
                f'WHERE transaction_id = {transaction}')
    house.value('SELECT inbound.sweep()')
    yield SENT
    pile.unbilled(transaction)
    equal('the next one runs', pile.session(after, 'state, verdict'), ['open', 'Accepted'])
    pile.decide('accept', meter_stop_kwh='1.3')
    pile.billed(transaction, 300)


def missing_stop_mended(house, pile):
    """a Stop that can be read after one that could not counts, once the first is decided"""
    transaction = pile.start(1000)
    pile.stop(transaction, None)
    pile.stop(transaction, 1250)
    yield SENT
    pile.in_review('unusable')
    pile.unbilled(transaction)
    pile.decide('accept')
    pile.billed(transaction, 250)


def missing_start(house, pile):
    """a Start without meterStart gets a number; its session is billed once the register is known"""
    transaction = pile.start(None)
    pile.kept()
    pile.stop(transaction, 1300)
    yield SENT
    pile.unbilled(transaction)
    pile.decide('accept', meter_start_kwh='1.1')
    pile.billed(transaction, 200)


def bad_time_start(house, pile, at='1000000'):
    """a Start with the time "1000000" is one session however often, and accepted it is billed"""
    transaction = pile.start(1000, at=at)
    pile.kept()
    equal('the same start again', pile.start(1000, at=at), transaction)
    pile.stop(transaction, 1300)
    yield SENT
    equal('sessions', pile.sessions(), 1)
    pile.in_review('unusable')
    pile.unbilled(transaction)
    equal('who pays', pile.session(transaction, 'customer, connector'), ['C-' + pile.identity, '1'])
    pile.decide('accept')
    pile.billed(transaction, 300)


def bad_year_start(house, pile):
    """a Start of the year 222222017, accepted, is billed"""
    yield from bad_time_start(house, pile, '222222017-01-01T00:00:00Z')


def bad_time_stop(house, pile):
    """a Stop with the time "1000000", accepted, is billed by its register and its receipt"""
    transaction = pile.start(1000)
    pile.stop(transaction, 1300, at='1000000')
    pile.kept()
    yield SENT
    pile.in_review('unusable')
    pile.unbilled(transaction)
    pile.decide('accept')
    pile.billed(transaction, 300)


def bad_time_readings(house, pile):
    """readings that have no time hold their session back until one decision"""
    transaction = pile.start(1000)
    for register in (1100, 1200):
        pile.read(transaction, register, at='222222017-01-01T00:00:00Z')
        pile.kept()
    pile.stop(transaction, 1300)
    yield SENT
    pile.in_review('unusable', 'unusable')
    pile.unbilled(transaction)
    item = house.value(f"""SELECT min(review_id) FROM query.review
                           WHERE pile = '{pile.identity}' AND state = 'open'""")
    house.value(f"SELECT management.decide_review({item}, 'accept', 'both of them')",
                user='e2e.admin')
    pile.in_review()
    pile.billed(transaction, 300)


def long_tag(house, pile):
    """a Start whose idTag is too long is nobody's, and billed to nobody before its review is decided"""
    transaction = pile.start(1000, idTag='T' * 21)
    equal('verdict', pile.verdict, 'Invalid')
    pile.kept()
    pile.stop(transaction, 1300)
    yield SENT
    pile.in_review('id_tag_too_long', 'unknown_tag')
    pile.unbilled(transaction)
    pile.decide('accept')
    pile.billed(transaction, 300)
    equal('who pays', pile.session(transaction, "coalesce(customer, '-')"), '-')


def unreadable_start(house, pile):
    """a Start that says nothing at all gets a number, and a rejection closes it"""
    answer = pile.confirmed('StartTransaction', {'connectorId': 'gun', 'idTag': [1], 'x': None})
    pile.kept()
    again = pile.confirmed('StartTransaction', {'connectorId': 'gun', 'idTag': [1], 'x': None})
    equal('the same start again', again['transactionId'], answer['transactionId'])
    equal('a positive number', answer['transactionId'] > 0, True)
    yield SENT
    pile.in_review('unusable')
    pile.unbilled(answer['transactionId'])
    pile.decide('reject')
    equal('state', pile.session(answer['transactionId'], 'state'), 'lost')


# -- clocks ---------------------------------------------------------------------------------------

def year_1970(house, pile):
    """a session of 1970 on a pile connected throughout waits, and accepted is billed by our clock"""
    pile.boot()
    transaction = pile.start(1000, at=OLD)
    pile.kept()
    pile.stop(transaction, 1300, at='1970-01-01T00:20:00Z')
    yield SENT
    pile.in_review('implausible_time', 'stop_implausible_time')
    pile.unbilled(transaction)
    pile.decide('accept')
    pile.billed(transaction, 300)
    equal('in our time', pile.session(transaction, "started_at > now() - interval '5 minutes'"), 't')


def year_9999(house, pile):
    """a session of the year 9999 waits, and rejected is never billed"""
    transaction = pile.start(1000, at='9999-12-31T23:59:59Z')
    pile.stop(transaction, 1300)
    yield SENT
    pile.in_review('implausible_time')
    pile.unbilled(transaction)
    pile.decide('reject')
    pile.unbilled(transaction)


def stop_in_the_past(house, pile):
    """a Stop dated before its Start, accepted, is billed with no duration"""
    transaction = pile.start(1000)
    pile.stop(transaction, 1300, at=now(-10))
    pile.kept()
    yield SENT
    pile.in_review('stop_before_start')
    pile.unbilled(transaction)
    pile.decide('accept')
    pile.billed(transaction, 300)


def two_of_1970(house, pile):
    """two sessions of a clockless pile in 1970 are two bills; one such start sent thrice is one"""
    pile.boot()
    transactions = []
    for meter in (1000, 1300):
        first = pile.start(meter, at=OLD, message_id=f'first-{meter}')
        equal('the same id', pile.start(meter, at=OLD, message_id=f'first-{meter}'), first)
        equal('a new id', pile.start(meter, at=OLD), first)
        pile.stop(first, meter + 300, at=OLD)
        transactions.append(first)
    equal('two numbers', len(set(transactions)), 2)
    yield SENT
    equal('sessions', pile.sessions(), 2)
    for transaction in transactions:
        pile.unbilled(transaction)
    pile.decide('accept')
    for transaction in transactions:
        pile.billed(transaction, 300)


def offline_queue(house, pile):
    """a Start and a Stop out of an offline queue are billed at their own time without review"""
    pile.boot()
    began = now(-3600)
    transaction = pile.start(1000, at=began)
    pile.read(transaction, 5000, at=now(-2700))
    pile.stop(transaction, 9000, at=now(-1800))
    yield SENT
    pile.in_review()
    equal('began, Wh', pile.session(transaction, "to_char(started_at at time zone 'UTC', "
                                    "'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"')"), began)
    pile.unbilled(transaction)
    pile.hurry(transaction)
    pile.billed(transaction, 8000)


# -- readings -------------------------------------------------------------------------------------

def unknown_readings(house, pile):
    """MeterValues of a number that nobody gave out are stored and reviewed"""
    pile.boot()
    pile.read(1999999998, 4711)
    yield SENT
    equal('stored', pile.readings('transaction_id = 1999999998 AND energy_import_kwh = 4.711'), 1)
    pile.in_review('reading_unknown_session')
    pile.decide('accept')
    pile.in_review()


def readings_of_another(house, pile):
    """MeterValues with another pile's transactionId are reviewed here and touch no bill there"""
    theirs = house.neighbour.transaction
    pile.boot()
    pile.read(theirs, 999999)
    yield SENT
    equal('stored', pile.readings(f'transaction_id = {theirs}'), 1)
    pile.in_review('reading_unknown_session')
    equal('of that session', house.value(f"""SELECT count(*) FROM query.session_reading
        WHERE transaction_id = {theirs} AND energy_import_kwh = 999.999"""), '0')


def one_second(house, pile):
    """two readings of one second with different contexts are both stored"""
    transaction = pile.start(1000)
    at = now()
    for context in ('Sample.Periodic', 'Sample.Clock', 'Sample.Periodic', 'Sample.Clock'):
        pile.read(transaction, 1200, at=at, context=context)
    equal('stored', house.value(f"""SELECT string_agg(context, ' ' ORDER BY context)
        FROM query.meter_reading WHERE pile = '{pile.identity}'"""), 'Sample.Clock Sample.Periodic')
    pile.stop(transaction, 1300)
    yield SENT
    pile.in_review()
    pile.billed(transaction, 300)


def far_readings(house, pile):
    """a reading of 1970 and one of the year 9999 are stored and hurt no other"""
    transaction = pile.start(1000)
    pile.confirmed('MeterValues', {'connectorId': 1, 'transactionId': transaction, 'meterValue': [
        {'timestamp': at, 'sampledValue': [{'value': value}]} for at, value in (
            (OLD, '777777'), (now(), '1200'), ('9999-12-31T23:59:59Z', '888888'))]})
    equal('stored', pile.readings(), 3)
    equal('the far ones', pile.readings("extract(year from at at time zone 'UTC') IN (1970, 9999)"), 2)
    pile.stop(transaction, 1300)
    yield SENT
    pile.in_review()
    pile.billed(transaction, 300)


def year_zero(house, pile):
    """readings of the year 0, which the database does not have, are stored as received, and their Stop ends its session"""
    transaction = pile.start(1000)
    for at in ('0000-06-01T00:00:00Z', '0000-12-31T23:59:59Z'):
        pile.read(transaction, 1200, at=at)
    pile.stop(transaction, 1300, transactionData=[
        {'timestamp': '0000-06-01T00:00:00Z', 'sampledValue': [{'value': '1250'}]}])
    equal('as received', pile.readings("at > now() - interval '1 hour' AND extra::text LIKE '%0000-%'"), 3)
    yield SENT
    pile.in_review()
    pile.billed(transaction, 300)


def same_reading(house, pile):
    """the same reading sent twice is one row"""
    transaction = pile.start(1000)
    at = now()
    for _ in range(3):
        pile.read(transaction, 1200, at=at)
    equal('stored', pile.readings(), 1)
    pile.read(transaction, 1201, at=at)
    equal('another value of that second', pile.readings(), 2)
    yield SENT


# -- repeats --------------------------------------------------------------------------------------

def start_repeated(house, pile):
    """a Start repeated by same id, new id, new connection, after its Stop and a restart is one"""
    at = now()
    first = pile.start(1000, at=at, message_id='one')
    verdict = pile.verdict
    equal('verdict', verdict, 'Accepted')
    house.value(f"SELECT management.set_card_status(id_tag => '{pile.tag}', status => 'blocked')",
                user='e2e.admin')

    def again(how, message_id=None):
        equal(how, (pile.start(1000, at=at, message_id=message_id), pile.verdict), (first, verdict))
    again('the same id', 'one')
    again('a new id')
    pile.connect()
    again('a new connection')
    pile.stop(first, 1300)
    again('after its Stop')
    yield RESTART
    pile.connect()
    again('after a restart')
    yield SENT
    equal('sessions', pile.sessions(), 1)
    pile.hurry(first)
    pile.billed(first, 300)


def start_conflict(house, pile):
    """a Start repeated with another meterStart keeps its number and waits for a decision"""
    at = now()
    transaction = pile.start(1000, at=at)
    equal('the number', pile.start(1100, at=at), transaction)
    pile.kept()
    pile.stop(transaction, 1300)
    yield SENT
    pile.in_review('start_conflict')
    pile.unbilled(transaction)
    pile.decide('accept')
    pile.billed(transaction, 300)


# -- refused starts, odd values -------------------------------------------------------------------

def blocked_card(house, pile):
    """a Start that is refused gets a number, and its energy is billed to the card's owner"""
    house.value(f"SELECT management.set_card_status(id_tag => '{pile.tag}', status => 'blocked')",
                user='e2e.admin')
    transaction = pile.start(1000)
    equal('verdict', pile.verdict, 'Blocked')
    pile.stop(transaction, 1300)
    yield SENT
    pile.billed(transaction, 300)
    equal('who pays', pile.session(transaction, 'customer'), 'C-' + pile.identity)


def unknown_card(house, pile):
    """a Start of an unknown idTag gets a number, its energy is recorded and shown for review"""
    transaction = pile.start(1000, idTag='NOBODY')
    equal('verdict', pile.verdict, 'Invalid')
    pile.stop(transaction, 1300)
    yield SENT
    pile.in_review('unknown_tag')
    pile.billed(transaction, 300)
    equal('who pays', pile.session(transaction, "coalesce(customer, '-')"), '-')


def unknown_enums(house, pile):
    """unknown enums are tolerated, kept as text, and the session is billed"""
    pile.boot()
    pile.confirmed('StatusNotification', {'connectorId': 1, 'errorCode': 'Error',
                                          'status': 'Dreaming', 'timestamp': now()})
    transaction = pile.start(1000)
    pile.read(transaction, 1200, context='Sample.Weird')
    pile.stop(transaction, 1300, reason='Teapot')
    yield SENT
    pile.in_review()
    equal('reason', pile.session(transaction, 'stop_reason'), 'Teapot')
    equal('context', pile.readings("context = 'Sample.Weird'"), 1)
    equal('status', house.rows(f"""SELECT e.status, e.error_code FROM core.status_event e
        JOIN core.station p ON p.id = e.station WHERE p.identity = '{pile.identity}'"""),
          [['Dreaming', 'Error']])
    pile.billed(transaction, 300)


TESTS = [test for name, test in list(globals().items())
         if getattr(test, '__module__', None) == __name__ and test.__doc__
         and test.__code__.co_varnames[:2] == ('house', 'pile')]


def main(build):
    identities = [f'E{number:02}' for number in range(len(TESTS))]
    with Stack(build, durable=False) as stack:
        stack.start_database()
        stack.migrate()
        house = House(stack)
        house.furnish([*identities, 'NEXT'])
        stack.start_csmsd()
        house.neighbour = house.pile('NEXT')
        house.neighbour.transaction = house.neighbour.start(1000, connectorId=2)
        return Run(house, TESTS, identities).all()


if __name__ == '__main__':
    sys.exit(main(sys.argv[1]))

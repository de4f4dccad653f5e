"""evidence_house.py - what evidence.py needs around its tests: a house with many piles, and a runner.

A test is a generator over (house, pile): it sends, yields, and looks and decides after the pauses
that all tests share, so that fifty of them wait for the settlement together.
"""
import json
import os
import socket
import sys
import time
import traceback
from fractions import Fraction

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.dirname(HERE)]
from e2e import TARIFF, now
from wire import PATIENCE_S, Wire

# A Stop's settlement is queued five seconds later; a worker looks every second.
SETTLEMENT_DELAY_S = 8
RESTART, SENT = 'restart', 'sent'


def quote(text):
    return "'" + text.replace("'", "''") + "'"


def equal(what, got, wanted):
    if got != wanted:
        raise AssertionError(f'{what}: got {got!r}, wanted {wanted!r}')


def price(energy_wh):
    """1.2 and 0.4 a kWh and 6 % tax, rounded once to the fen."""
    gross = Fraction(energy_wh, 1000) * Fraction('1.6') * Fraction(106, 100)
    return Fraction(int(gross * 100 + Fraction(1, 2)), 100)


class Pile:
    """One CALL at a time over a raw websocket; every answer is looked at."""

    def __init__(self, house, identity):
        self.house, self.identity = house, identity
        self.tag = 'TAG-' + identity
        self.count = 0
        self.frames = []
        self.wire = None

    def host(self):
        return type('Host', (), {'socket': lambda _: socket.create_connection(
            ('127.0.0.1', self.house.stack.port), PATIENCE_S)})()

    def connect(self):
        if self.wire is not None:
            self.wire.socket.close()
        self.wire = Wire(self.host(), self.identity, auth=None)
        self.wire.socket.settimeout(PATIENCE_S)

    def send(self, action, payload, message_id=None):
        """The answer, whatever it is."""
        if self.wire is None:
            self.connect()
        if message_id is None:
            self.count += 1
            message_id = f'{self.identity}-{self.count}'
        self.frames.append(json.dumps([2, message_id, action, payload]))
        self.wire.send(self.frames[-1])
        answer = json.loads(self.wire.receive())
        equal('the answer is to', answer[1], message_id)
        return answer

    def confirmed(self, action, payload, message_id=None):
        answer = self.send(action, payload, message_id)
        if answer[0] != 3:
            raise AssertionError(f'{action} was refused: {answer}')
        return answer[2]

    def boot(self):
        self.confirmed('BootNotification', {'chargePointVendor': 'V', 'chargePointModel': 'M'})

    def start(self, meter=1000, at=None, message_id=None, **other):
        """The transactionId; the verdict stays in `verdict`."""
        payload = {'connectorId': 1, 'idTag': self.tag, 'meterStart': meter,
                   'timestamp': now() if at is None else at}
        payload.update(other)
        payload = {name: value for name, value in payload.items() if value is not None}
        answer = self.confirmed('StartTransaction', payload, message_id)
        self.verdict = answer['idTagInfo']['status']
        if answer['transactionId'] <= 0:
            raise AssertionError(f'not a transactionId: {answer}')
        return answer['transactionId']

    def stop(self, transaction, meter=1300, at=None, **other):
        payload = {'transactionId': transaction, 'timestamp': now() if at is None else at}
        if meter is not None:
            payload['meterStop'] = meter
        payload.update(other)
        return self.confirmed('StopTransaction', payload)

    def read(self, transaction, *registers, at=None, context=None):
        """One MeterValues; a register may be any JSON value."""
        values = []
        for register in registers:
            time.sleep(0.002)  # each has a millisecond of its own: readings stand in order of time
            sample = {'value': register if isinstance(register, str) else str(register)}
            if context is not None:
                sample['context'] = context
            values.append({'timestamp': now() if at is None else at, 'sampledValue': [sample]})
        payload = {'connectorId': 1, 'meterValue': values}
        if transaction is not None:
            payload['transactionId'] = transaction
        equal('MeterValues', self.confirmed('MeterValues', payload), {})

    # -- what the books say -------------------------------------------------------------------

    def kept(self, frame=None):
        """The frame's text stands with a business row or a review; the trace does not count."""
        text = quote(self.frames[-1] if frame is None else frame)
        places = ('review', 'session_message', 'unmatched_stop', 'inbound_refused')
        found = self.house.value(' UNION ALL '.join(
            f'SELECT frame FROM core.{place} WHERE frame = {text}' for place in places))
        if not found:
            raise AssertionError(f'not kept: {text}')

    def open_items(self):
        return [kind for kind, in self.house.rows(
            f"""SELECT kind FROM query.review WHERE pile = '{self.identity}' AND state = 'open'
                ORDER BY kind""")]

    def in_review(self, *kinds):
        """Exactly these items of this pile are open."""
        equal('open reviews', self.open_items(), sorted(kinds))

    def session(self, transaction, columns):
        rows = self.house.rows(f"""SELECT {columns} FROM query.session
            WHERE transaction_id = {transaction} AND pile = '{self.identity}'""")
        equal('sessions of this number', len(rows), 1)
        return rows[0][0] if len(rows[0]) == 1 else rows[0]

    def sessions(self):
        return int(self.house.value(
            f"SELECT count(*) FROM query.session WHERE pile = '{self.identity}'"))

    def readings(self, where='true'):
        return int(self.house.value(f"""SELECT count(*) FROM query.meter_reading
            WHERE pile = '{self.identity}' AND {where}"""))

    def settlements(self, transaction):
        """Of every version: a bill that was taken back counts too."""
        return int(self.house.value(f"""SELECT count(*) FROM ledger.settlement t
            JOIN core.session s ON s.uid = t.session_uid WHERE s.transaction_id = {transaction}"""))

    def unbilled(self, transaction):
        equal('settlements', self.settlements(transaction), 0)
        equal('is settled', self.session(transaction, 'is_settled'), 'f')

    def billed(self, transaction, energy_wh, versions=1):
        """Waits for the bill; the energy and the amount are computed here again."""
        self.house.stack.wait(lambda: self.session(transaction, 'is_settled') == 't', 20,
                              f'the bill of {self.identity}')
        energy, amount = self.session(transaction, 'energy_kwh, coalesce(amount, 0)')
        equal('energy, kWh', Fraction(energy), Fraction(energy_wh, 1000))
        equal('amount', Fraction(amount), price(energy_wh))
        equal('settlements', self.settlements(transaction), versions)

    def decide(self, decision, **correction):
        """Decides every open item of this pile; a correction goes with the first."""
        items = self.house.rows(f"""SELECT review_id FROM query.review
            WHERE pile = '{self.identity}' AND state = 'open' ORDER BY is_blocking DESC, review_id""")
        equal('there is something to decide', len(items) > 0, True)
        for item, in items:
            given = ''.join(f', {name} => {value}' for name, value in correction.items())
            self.house.value(f"""SELECT management.decide_review({item}, '{decision}',
                'decided by a test'{given})""", user='e2e.admin')
            correction = {}

    def undecided(self, decision, code, **correction):
        """No open item that blocks takes this decision; the refusal is the one of that code."""
        given = ''.join(f', {name} => {value}' for name, value in correction.items())
        for item, in self.house.rows(f"""SELECT review_id FROM query.review
                WHERE pile = '{self.identity}' AND state = 'open' AND is_blocking"""):
            try:
                self.house.value(f"""SELECT management.decide_review({item}, '{decision}',
                    'decided by a test'{given})""", user='e2e.admin')
            except RuntimeError as error:
                equal('the refusal', code in str(error), True)
            else:
                equal('the decision', 'taken', 'refused')

    def hurry(self, transaction):
        """After offline a bill waits two minutes for what else may come; not here."""
        self.house.value(f"""UPDATE core.job j SET run_at = now() FROM core.session s
            WHERE j.kind = 'settle' AND j.key = s.uid::text AND s.transaction_id = {transaction}""")


class House:
    def __init__(self, stack):
        self.stack = stack

    def value(self, sql, user='joulebook'):
        return self.stack.value(sql, user=user)

    def rows(self, sql):
        return self.stack.rows(sql)

    def furnish(self, identities):
        """In service for a month, so that an hour ago is a time like any other."""
        self.value("""SELECT core.make_login('e2e.admin', 'admin', 'all');
            SELECT core.make_login('e2e.cashier', 'cashier', 'all')""")
        self.value(f"""SELECT management.register_site(site => 'S1', name => 'Depot',
                kind => 'bus_depot', zone => 'Asia/Shanghai', currency => 'CNY');
            SELECT management.publish_tariff(code => 'T1', document => '{json.dumps(TARIFF)}',
                site => 'S1', valid_from => now() - interval '20 days')""", user='e2e.admin')
        names = "unnest(ARRAY['" + "', '".join(identities) + "']) AS n"
        self.value(f"""SELECT management.register_pile(charge_point_id => n, site => 'S1',
                protection => 'IP54', security_profile => 0,
                in_service_since => now() - interval '30 days') FROM {names};
            SELECT management.register_connector(charge_point_id => n, connector_id => c,
                kind => 'DC', max_power_kw => 120) FROM {names}, generate_series(1, 2) AS c;
            SELECT management.register_user(customer => 'C-' || n, currency => 'CNY', site => 'S1',
                name => n) FROM {names};
            SELECT management.register_card(id_tag => 'TAG-' || n, customer => 'C-' || n)
                FROM {names}""", user='e2e.admin')
        self.value(f"""SELECT operation.top_up(amount => 1000, currency => 'CNY', channel => 'cash',
            external_no => 'R-' || n, customer => 'C-' || n) FROM {names}""", user='e2e.cashier')

    def pile(self, identity):
        return Pile(self, identity)

    def restart(self):
        self.stack.kill_csmsd()
        self.stack.start_csmsd()


class Run:
    """The tests, each with a pile of its own, and how they ended."""

    def __init__(self, house, tests, identities):
        self.house = house
        self.passed, self.failed = 0, []
        self.waiting = []
        for test, identity in zip(tests, identities):
            pile = Pile(house, identity)
            pile.connect()
            self.waiting.append([test, test(house, pile), None])

    def done(self, test, error=None):
        name = test.__doc__.strip()
        if error is None:
            self.passed += 1
            print(f'ok - {name}', flush=True)
        else:
            line = traceback.extract_tb(error.__traceback__)
            place = [f'{frame.name}:{frame.lineno}' for frame in line if 'evidence' in frame.filename]
            self.failed.append(f'not ok - {name}\n    {" ".join(place)}: {error!r}')
            print(self.failed[-1], flush=True)

    def resume(self, pause):
        """Goes on with all that wait at this pause, to their next."""
        still = []
        for item in self.waiting:
            if item[2] != pause:
                still.append(item)
                continue
            try:
                item[2] = next(item[1])
                still.append(item)
            except StopIteration:
                self.done(item[0])
            except Exception as error:  # a test's failure, of whatever kind, is that test's
                self.done(item[0], error)
        self.waiting = still

    def all(self):
        self.resume(None)
        self.house.restart()
        self.resume(RESTART)
        time.sleep(SETTLEMENT_DELAY_S)
        # A slow machine may still be at it; what is due later is not waited for.
        self.house.stack.wait(lambda: self.house.value("""SELECT count(*) FROM core.job
            WHERE kind = 'settle' AND state IN ('queued', 'running')
              AND run_at < now() + interval '30 seconds'""") == '0', 60, 'the settlements')
        self.resume(SENT)
        for test, *_ in self.waiting:
            self.done(test, AssertionError('it waits for a pause that does not come'))
        # Once more, where whoever reads the end of the log finds them.
        print('\n'.join([*self.failed, f'{self.passed} passed, {len(self.failed)} failed']))
        return 1 if self.failed else 0

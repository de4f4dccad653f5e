"""e2e.py BUILD - one charge from plug to ledger through the real daemon and a real database.

Registers a site, a pile, a user with a card and money, and a tariff, through SQL functions alone;
connects over a raw websocket, charges, stops, and waits for the bill.  The bill is computed here a
second time with fractions, from the readings that were stored.
"""
import datetime
import json
import os
import subprocess
import sys
import time
from fractions import Fraction

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import socket

from stack import Stack
from wire import PATIENCE_S, Wire, basic

TARIFF = {
    'id': 'T', 'currency': 'CNY', 'tax_mode': 'net',
    'elements': [{'price_components': [
        {'type': 'ENERGY', 'price': 1.2, 'vat': 6, 'step_size': 1, 'charge_code': 'ENERGY_ELEC'},
        {'type': 'ENERGY', 'price': 0.4, 'vat': 6, 'step_size': 1, 'charge_code': 'ENERGY_SERVICE'},
    ]}],
}


class Host:
    def __init__(self, port):
        self.port = port

    def socket(self):
        return socket.create_connection(('127.0.0.1', self.port), PATIENCE_S)


class Pile:
    """Enough of a pile to charge once: one CALL at a time, commands answered as told."""

    def __init__(self, port, identity, key):
        self.wire = Wire(Host(port), identity, auth=basic(identity, key))
        self.wire.socket.settimeout(PATIENCE_S)
        self.count = 0
        self.calls = []

    def call(self, action, **payload):
        self.count += 1
        mine = str(self.count)
        self.wire.send(json.dumps([2, mine, action, payload]))
        while True:
            message = json.loads(self.wire.receive())
            if message[0] == 2:
                self.calls.append(message)
                continue
            assert message[1] == mine, message
            return message

    def command(self, answer):
        """Waits for a CALL and answers it."""
        message = self.calls.pop(0) if self.calls else json.loads(self.wire.receive())
        assert message[0] == 2, message
        self.wire.send(json.dumps([3, message[1], answer]))
        return message


def now(shift=0):
    moment = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=shift)
    return moment.isoformat(timespec='milliseconds').replace('+00:00', 'Z')


def check(name, got, wanted):
    if got != wanted:
        raise AssertionError(f'{name}: got {got!r}, wanted {wanted!r}')
    print(f'ok - {name}')


def furnish(stack):
    """Site, pile, card and tariff; the pile's key as bytes."""
    stack.value("""
        SELECT core.make_login('e2e.admin', 'admin', 'all');
        SELECT core.make_login('e2e.cashier', 'cashier', 'all');
        SELECT core.make_login('e2e.operator', 'operator', 'all')""")
    stack.value(f"""
        SELECT management.register_site(site => 'S1', name => 'Depot', kind => 'bus_depot',
            zone => 'Asia/Shanghai', currency => 'CNY');
        SELECT management.register_pile(charge_point_id => 'CP-1', site => 'S1', protection => 'IP54');
        SELECT management.register_connector(charge_point_id => 'CP-1', connector_id => 1,
            kind => 'DC', max_power_kw => 120);
        SELECT management.register_user(customer => 'C1', currency => 'CNY', site => 'S1', name => 'Li');
        SELECT management.register_card(id_tag => 'TAG-1', customer => 'C1');
        SELECT management.publish_tariff(code => 'T1', document => '{json.dumps(TARIFF)}', site => 'S1');
        """, user='e2e.admin')
    stack.value("""
        SELECT operation.top_up(amount => 100, currency => 'CNY', channel => 'cash',
            external_no => 'R-1', customer => 'C1')""", user='e2e.cashier')
    key = subprocess.run(
        [stack.program('csms'), 'pile', 'key', '--config', stack.config, '--database',
         stack.conninfo('e2e.operator'), 'CP-1'],
        check=True, capture_output=True, text=True).stdout.strip()
    check('the key is 40 hex digits', len(bytes.fromhex(key)), 20)
    return bytes.fromhex(key)


def connect(stack, key):
    """The directory learns of a pile within seconds, not at once."""
    end = time.monotonic() + PATIENCE_S
    while True:
        try:
            return Pile(stack.port, 'CP-1', key)
        except ConnectionRefusedError:
            if time.monotonic() > end or stack.csmsd.poll() is not None:
                raise
            time.sleep(0.2)


def charge(stack, pile):
    """Boots, charges 0.425 kWh (as much as half a second may plausibly give), stops; the id."""
    check('boot', pile.call('BootNotification', chargePointVendor='V',
                            chargePointModel='M')[2]['status'], 'Accepted')
    for connector in (0, 1):
        pile.call('StatusNotification', connectorId=connector, errorCode='NoError',
                  status='Available', timestamp=now())
    check('authorize', pile.call('Authorize', idTag='TAG-1')[2]['idTagInfo']['status'], 'Accepted')
    start = pile.call('StartTransaction', connectorId=1, idTag='TAG-1', meterStart=1000,
                      timestamp=now())
    check('start', start[2]['idTagInfo']['status'], 'Accepted')
    transaction = start[2]['transactionId']
    for register in (1150, 1300):
        values = [{'timestamp': now(), 'sampledValue': [
            {'value': str(register)}, {'value': '41', 'measurand': 'SoC', 'unit': 'Percent'}]}]
        check('meter values', pile.call('MeterValues', connectorId=1, transactionId=transaction,
                                        meterValue=values), [3, str(pile.count), {}])
        time.sleep(0.2)
    stop = pile.call('StopTransaction', transactionId=transaction, idTag='TAG-1', meterStop=1425,
                     timestamp=now(), reason='Local')
    check('stop', stop[2]['idTagInfo']['status'], 'Accepted')
    return transaction


def bill_again(stack, transaction):
    """0.425 kWh at 1.2 and 0.4, 6 % VAT, rounded once to the fen."""
    energy = Fraction(425, 1000)
    gross = energy * (Fraction('1.2') + Fraction('0.4')) * Fraction(106, 100)
    amount = Fraction(int(gross * 100 + Fraction(1, 2)), 100)
    lines = stack.rows(f"""SELECT charge_code, amount, quantity_kwh FROM query.session_line
                           WHERE transaction_id = {transaction} ORDER BY charge_code""",
                       user='e2e.admin')
    check('the lines', [line[0] for line in lines], ['ENERGY_ELEC', 'ENERGY_SERVICE'])
    check('the sum, computed again', sum(Fraction(line[1]) for line in lines), amount)
    check('the energy', {Fraction(line[2]) for line in lines}, {energy})
    balance = stack.value("SELECT balance FROM query.account WHERE customer = 'C1' "
                          "AND purpose = 'wallet'", user='e2e.admin')
    check('the wallet', Fraction(balance), 100 - amount)


def refusals(stack, key, pile):
    """A stranger with the pile's identity changes nothing: its connection is the same, and lives."""
    row = """SELECT c FROM core.station_connection c JOIN core.station s ON s.id = c.station_id
        WHERE s.identity = 'CP-1'"""
    before = stack.value(row)
    for wrong in (key[:-1] + b'\0', b''):
        try:
            Pile(stack.port, 'CP-1', wrong)
            raise AssertionError('a wrong key was let in')
        except ConnectionRefusedError as refused:
            check('a wrong key', refused.args[0], 401)
    check('the connection, its epoch and its node', stack.value(row), before)
    check('the pile speaks on', pile.call('Heartbeat')[0], 3)
    stack.wait(lambda: stack.value("SELECT sum(count) FROM query.door WHERE identity = 'CP-1'",
                                   user='e2e.admin') == '2', 10, 'the word of who was refused')


def command(stack, pile):
    """A remote start goes out, its answer comes back into the row."""
    number = stack.value("""SELECT operation.remote_start(charge_point_id => 'CP-1',
        id_tag => 'TAG-1', connector_id => 1) ->> 'commandId'""", user='e2e.operator')
    sent = pile.command({'status': 'Accepted'})
    check('the command', sent[2:], ['RemoteStartTransaction', {'connectorId': 1, 'idTag': 'TAG-1'}])
    stack.wait(lambda: stack.value(f'SELECT state FROM core.command WHERE id = {number}') == 'accepted',
               5, 'the answer')
    print('ok - the command is accepted')


def main(build):
    with Stack(build) as stack:
        stack.start_database()
        stack.migrate()
        stack.write_config(credentials='required')
        key = furnish(stack)
        stack.start_csmsd()
        pile = connect(stack, key)
        transaction = charge(stack, pile)
        repeat = pile.call('StopTransaction', transactionId=transaction, meterStop=1425,
                           timestamp=now())
        check('a repeated stop', repeat[0], 3)
        stack.wait(lambda: stack.value(f"""SELECT count(*) FROM query.session
            WHERE transaction_id = {transaction} AND is_settled""", user='e2e.admin') == '1',
            30, 'the settlement')
        bill_again(stack, transaction)
        refusals(stack, key, pile)
        command(stack, pile)
        stack.csmsd.terminate()
        check('going away', pile.wire.closing(), 1001)
        check('the exit status', stack.csmsd.wait(10), 0)


if __name__ == '__main__':
    main(sys.argv[1])

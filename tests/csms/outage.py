"""outage.py BUILD - the database goes away under a charge, and a pile's key is revoked.

While PostgreSQL is dead nothing is answered, the pile is closed with 1012 after 10 s and upgrades
get 503; when it is back the pile's repeated messages are stored once and the charge is billed.
"""
import json
import signal
import subprocess
import sys
import time
import urllib.error

import e2e
from stack import Stack
from wire import Closed


def status_of(stack, path):
    try:
        stack.page(path)
        return 200
    except urllib.error.HTTPError as error:
        return error.code


def meter_values(register, at, transaction):
    return {'connectorId': 1, 'transactionId': transaction, 'meterValue': [
        {'timestamp': at, 'sampledValue': [{'value': str(register)}]}]}


def away(stack, key, pile, transaction):
    """Kills the database; the pile's next message must stay without an answer."""
    at = e2e.now()
    stack.kill_database()
    began = time.monotonic()
    pile.wire.send(json.dumps([2, 'm', 'MeterValues', meter_values(1300, at, transaction)]))
    try:
        raise AssertionError('answered without a database: ' + pile.wire.receive())
    except Closed as closed:
        e2e.check('closed with', closed.code, 1012)
    waited = time.monotonic() - began
    e2e.check('closed after some ten seconds, not before', waited >= 8, True)
    e2e.check('/readyz', status_of(stack, '/readyz'), 503)
    e2e.check('/healthz', status_of(stack, '/healthz'), 200)
    try:
        e2e.Pile(stack.port, 'CP-1', key)
        raise AssertionError('let in without a database')
    except ConnectionRefusedError as refused:
        e2e.check('an upgrade', refused.args[0], 503)
    return at


def holding(stack, rows, seconds=600):
    """Somebody's open transaction; it holds the rows when this returns, and gives them back after
    so many seconds or when it is let_go of."""
    name = f'holder{len(stack.children)}'
    stack.children.append(subprocess.Popen(
        ['psql', '-X', '-q', '-d', f'{stack.conninfo()} application_name={name}', '-c',
         f'BEGIN; {rows} FOR UPDATE; SELECT pg_sleep({seconds}); COMMIT'],
        stdout=subprocess.DEVNULL))
    stack.wait(lambda: stack.value(
        "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep' "
        f"AND application_name = '{name}'") == '1', 5, 'the lock')
    return name


def let_go(stack, name):
    stack.value(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = '{name}'")


def rows_held(stack, pile):
    """Rows in other hands delay one pile, and nobody else: a start goes on without its hold."""
    holder = holding(stack, 'SELECT FROM ledger.account_balance')
    began = time.monotonic()
    start = pile.call('StartTransaction', connectorId=1, idTag='TAG-1', meterStart=5000,
                      timestamp=e2e.now())
    e2e.check('a start without its hold', start[2]['idTagInfo']['status'], 'Accepted')
    e2e.check('after some two seconds, not before', time.monotonic() - began >= 1.5, True)
    transaction = start[2]['transactionId']
    e2e.check('flagged', stack.value('SELECT unsecured FROM core.session '
                                     f'WHERE transaction_id = {transaction}'), 't')
    let_go(stack, holder)
    began = time.monotonic()
    holding(stack, f'SELECT FROM core.session WHERE transaction_id = {transaction}', 4)
    stop = pile.call('StopTransaction', transactionId=transaction, meterStop=5010,
                     timestamp=e2e.now())
    e2e.check('a stop that waited', stop[0], 3)
    e2e.check('until the row was free', time.monotonic() - began >= 4, True)
    e2e.check('stopped', stack.value('SELECT meter_stop_mwh FROM core.session '
                                     f'WHERE transaction_id = {transaction}'), '5010000')


def stopped(stack, pile):
    """SIGSTOP and SIGCONT: the daemon was away, not the database and not the pile."""
    stack.csmsd.send_signal(signal.SIGSTOP)
    time.sleep(12)
    pile.wire.send(json.dumps([2, 'h', 'Heartbeat', {}]))
    stack.csmsd.send_signal(signal.SIGCONT)
    e2e.check('the same socket goes on', json.loads(pile.wire.receive())[:2], [3, 'h'])
    time.sleep(1)
    e2e.check('and stays', pile.call('Heartbeat')[0], 3)


def revoked(stack, pile, key):
    """A new key without the old one: the live socket closes within five seconds, however many bills wait."""
    stack.value("""INSERT INTO core.job (kind, key, run_at)
        SELECT 'settle', gen_random_uuid(), now() - interval '1 hour' FROM generate_series(1, 20000)""")
    with stack.span() as span:
        subprocess.run([stack.program('csms'), 'pile', 'key', '--config', stack.config, '--database',
                        stack.conninfo('e2e.operator'), 'CP-1'], check=True, stdout=subprocess.DEVNULL)
        e2e.check('the socket of a revoked key', pile.wire.closing(), 1008)
    waiting = stack.value("""SELECT count(*) FROM core.job
        WHERE kind = 'settle' AND state = 'queued' AND run_at < now() - interval '30 minutes'""")
    e2e.check('within five seconds', span.within(5), True)
    e2e.check(f'before the bills, of which {waiting} still wait', int(waiting) > 2000, True)
    try:
        e2e.Pile(stack.port, 'CP-1', key)
        raise AssertionError('a revoked key was let in')
    except ConnectionRefusedError as refused:
        e2e.check('the revoked key', refused.args[0], 401)


def main(build):
    with Stack(build) as stack:
        stack.start_database()
        stack.migrate()
        stack.write_config(credentials='required')
        key = e2e.furnish(stack)
        stack.start_csmsd()
        pile = e2e.connect(stack, key)
        pile.call('BootNotification', chargePointVendor='V', chargePointModel='M')
        transaction = pile.call('StartTransaction', connectorId=1, idTag='TAG-1', meterStart=1000,
                                timestamp=e2e.now())[2]['transactionId']
        at = away(stack, key, pile, transaction)
        stack.start_database()
        stack.wait(stack.ready, 20, 'readiness after the outage')
        pile = e2e.connect(stack, key)
        for _ in range(2): # a pile that did not hear our answer sends it once more
            e2e.check('the repeated readings', pile.call(
                'MeterValues', **meter_values(1300, at, transaction))[0], 3)
        e2e.check('stored once', stack.value(
            f'SELECT count(*) FROM core.meter_reading WHERE transaction_id = {transaction}'), '1')
        e2e.check('stop', pile.call('StopTransaction', transactionId=transaction, meterStop=1425,
                                    timestamp=e2e.now())[0], 3)
        # After an outage a bill waits two minutes for what else the pile may bring; not here.
        stack.value("UPDATE core.job SET run_at = now() WHERE kind = 'settle'")
        stack.wait(lambda: stack.value(f"""SELECT count(*) FROM ledger.settlement t
            JOIN core.session s ON s.uid = t.session_uid
            WHERE s.transaction_id = {transaction} AND t.state = 'posted'""") == '1',
            30, 'the settlement')
        e2e.bill_again(stack, transaction)
        rows_held(stack, pile)
        stopped(stack, pile)
        revoked(stack, pile, key)


if __name__ == '__main__':
    main(sys.argv[1])

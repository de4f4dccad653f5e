"""workers.py BUILD - what workers and looks owe when rows are held and servers stand still.

Rows that somebody holds delay neither the looks of a node nor the jobs; a server that does not
answer delays neither the end of the daemon nor the news that its directory is old; a command that
was claimed in a drain and never left waits for the next node; nothing is left behind in memory.
"""
import json
import os
import signal
import subprocess
import sys
import threading
import time

import e2e
import outage
from nodes import reason
from stack import Stack
from wire import Closed

PILES = 30
DRAIN_S = 3


def new_key(stack, name):
    out = subprocess.run(
        [stack.program('csms'), 'pile', 'key', '--config', stack.config, '--database',
         stack.conninfo('e2e.operator'), name], check=True, capture_output=True, text=True).stdout
    return bytes.fromhex(out.strip())


def connect(stack, name, key, seconds=20):
    end = time.monotonic() + seconds
    while True:
        try:
            pile = e2e.Pile(stack.port, name, key)
            break
        except ConnectionRefusedError:
            if time.monotonic() > end:
                raise
            time.sleep(0.2)
    pile.call('BootNotification', chargePointVendor='V', chargePointModel='M')
    return pile


class Stop(threading.Thread):
    """A pile that says its Stop until it is confirmed, over as many connections as that takes."""

    def __init__(self, stack, name, key, pile):
        super().__init__(daemon=True)
        self.stack, self.name_, self.key, self.pile = stack, name, key, pile
        self.transaction = pile.call('StartTransaction', connectorId=1, idTag=name, meterStart=0,
                                     timestamp=e2e.now())[2]['transactionId']
        self.confirmed, self.trouble = 0, None

    def run(self):
        payload = {'transactionId': self.transaction, 'meterStop': 10, 'timestamp': e2e.now()}
        while self.confirmed == 0:
            try:
                self.confirmed += self.pile.call('StopTransaction', **payload)[0] == 3
            except Closed:
                self.pile = connect(self.stack, self.name_, self.key)
            except Exception as trouble:
                self.trouble = trouble
                return


def fleet(stack):
    stack.value('\n'.join(
        f"""SELECT management.register_pile(charge_point_id => 'H-{i}', site => 'S1', protection => 'IP54');
        SELECT management.register_connector(charge_point_id => 'H-{i}', connector_id => 1, kind => 'DC',
            max_power_kw => 60);
        SELECT management.register_card(id_tag => 'H-{i}', customer => 'C1');""" for i in range(PILES)),
        user='e2e.admin')
    stack.value("""SELECT operation.top_up(amount => 100000, currency => 'CNY', channel => 'cash',
        external_no => 'R-2', customer => 'C1')""", user='e2e.cashier')
    return {f'H-{i}': new_key(stack, f'H-{i}') for i in range(PILES)}


def settled(stack, transaction):
    return stack.value('SELECT count(*) FROM query.session WHERE is_settled AND '
                       f'transaction_id = {transaction}', user='e2e.admin') == '1'


def rows_held(stack, key, keys):
    """30 Stops wait for rows that psql holds: a revoked key and another one's bill do not."""
    pile = connect(stack, 'CP-1', key)
    piles = {name: connect(stack, name, each) for name, each in keys.items()}
    transaction = e2e.charge(stack, pile)
    stops = [Stop(stack, name, keys[name], each) for name, each in piles.items()]
    numbers = ','.join(str(stop.transaction) for stop in stops)
    outage.holding(stack, f'SELECT FROM core.session WHERE transaction_id IN ({numbers})', 10)
    held = time.monotonic()
    for stop in stops:
        stop.start()
    time.sleep(3) # the lane has given them to the workers
    e2e.check('the bill of another session is not due yet', settled(stack, transaction), False)
    changed = time.monotonic()
    fresh = new_key(stack, 'CP-1')
    e2e.check('the socket of a revoked key', pile.wire.closing(), 1008)
    took = time.monotonic() - changed
    e2e.check('closed within five seconds (%.1f s)' % took, took < 5, True)
    stack.wait(lambda: settled(stack, transaction), 10 - (time.monotonic() - held),
               'the bill of another session')
    e2e.check('another session is billed while they are held', time.monotonic() - held < 10, True)
    for stop in stops:
        stop.join(40)
    e2e.check('no pile was in trouble', [stop.trouble for stop in stops if stop.trouble], [])
    e2e.check('every Stop is confirmed', [stop.confirmed for stop in stops], [1] * PILES)
    e2e.check('and once, for the next answer is the next call\'s',
              [stop.pile.call('Heartbeat')[0] for stop in stops], [3] * PILES)
    e2e.check('each is stored', stack.value(
        'SELECT count(*) FROM core.session WHERE stop_received_at IS NOT NULL AND '
        f'meter_stop_mwh = 10000 AND transaction_id IN ({numbers})'), str(PILES))
    for stop in stops:
        stop.pile.wire.socket.close()
    return fresh


def backends(stack, like):
    return [int(row[0]) for row in stack.rows(
        f"SELECT pid FROM pg_stat_activity WHERE application_name LIKE '{like}'")]


class Stopped:
    """Processes that stand still for a while."""

    def __init__(self, pids):
        self.pids = pids

    def __enter__(self):
        for pid in self.pids:
            os.kill(pid, signal.SIGSTOP)

    def __exit__(self, *ignored):
        for pid in self.pids:
            os.kill(pid, signal.SIGCONT)


class StoppedIdle(Stopped):
    """The same for backends, at a moment when they hold nothing that others need."""

    def __init__(self, stack, like):
        self.stack, self.like = stack, like

    def __enter__(self):
        while True:
            self.pids = backends(self.stack, self.like)
            super().__enter__()
            idle = self.stack.value("SELECT count(*) FROM pg_stat_activity WHERE "
                                    f"application_name LIKE '{self.like}' AND state = 'idle'")
            if self.pids and idle == str(len(self.pids)):
                return
            self.__exit__()
            time.sleep(0.1)


def looks_late(stack):
    """The lanes commit, but nobody reads the directory: the node says so, until it is read again."""
    with StoppedIdle(stack, 'joulebook/%/%'), Stopped([stack.postgres.pid]):
        began = time.monotonic()
        while (said := reason(stack)) == 'ready\n' and time.monotonic() - began < 30:
            time.sleep(0.2)
        took = time.monotonic() - began
    e2e.check('/readyz', said, 'the directory or the clock has not been looked at for 15 s\n')
    e2e.check('after some 15 seconds (%.1f s)' % took, 12 <= took <= 18, True)
    stack.wait(stack.ready, 15, 'readiness')
    print('ok - and ready again')


def seconds_to_end(stack):
    began = time.monotonic()
    stack.csmsd.send_signal(signal.SIGTERM)
    try:
        return stack.csmsd.wait(DRAIN_S + 5), time.monotonic() - began
    except subprocess.TimeoutExpired:
        return None, time.monotonic() - began


def stands_still(stack, key, postmaster):
    """The daemon ends although no backend answers it any more."""
    stack.start_csmsd()
    pile = connect(stack, 'CP-1', key)
    with Stopped(backends(stack, 'joulebook/%') + ([stack.postgres.pid] if postmaster else [])):
        time.sleep(3) # a look has begun, and a job is being looked for
        pile.wire.send(json.dumps([2, 'x', 'Authorize', {'idTag': 'TAG-1'}]))
        status, took = seconds_to_end(stack)
    e2e.check('it ends in time (%.1f s)' % took, status, 0)


def claimed_in_a_drain(stack, key):
    """A claim that comes back in the drain is put back; the next node's pile gets the command."""
    stack.start_csmsd()
    pile = connect(stack, 'CP-1', key)
    pile.call('Heartbeat')
    with StoppedIdle(stack, 'joulebook/money'):
        number = stack.value("""SELECT operation.remote_start(charge_point_id => 'CP-1',
            id_tag => 'TAG-1', connector_id => 1) ->> 'commandId'""", user='e2e.operator')
        time.sleep(1) # the node has heard of it, and its claim is on its way
        stack.csmsd.send_signal(signal.SIGTERM)
        time.sleep(0.5)
    e2e.check('going away', pile.wire.closing(), 1001)
    e2e.check('the exit status', stack.csmsd.wait(DRAIN_S + 5), 0)
    e2e.check('no command came', pile.calls, [])
    state = f'SELECT state, attempts FROM core.command WHERE id = {number}'
    e2e.check('it was claimed and put back', stack.rows(state), [['queued', '1']])
    stack.start_csmsd()
    pile = connect(stack, 'CP-1', key)
    sent = pile.command({'status': 'Accepted'})
    e2e.check('the next node sends it', sent[2], 'RemoteStartTransaction')
    stack.wait(lambda: stack.rows(state) == [['accepted', '2']], 5, 'its answer')
    print('ok - and it is accepted')
    return pile


def answer_held(stack, pile):
    """A command's answer is written once its row is free, however long somebody holds it."""
    number = stack.value("""SELECT operation.remote_start(charge_point_id => 'CP-1',
        id_tag => 'TAG-1', connector_id => 1) ->> 'commandId'""", user='e2e.operator')
    command = json.loads(pile.wire.receive())
    outage.holding(stack, f'SELECT FROM core.command WHERE id = {number}', 7)
    began = time.monotonic()
    pile.wire.send(json.dumps([3, command[1], {'status': 'Accepted'}]))
    e2e.check('the pile goes on', pile.call('Heartbeat')[0], 3)
    stack.wait(lambda: stack.value(f'SELECT state FROM core.command WHERE id = {number}') ==
               'accepted', 12, 'the answer')
    e2e.check('the answer was written when the row was free', time.monotonic() - began > 6, True)


def nothing_left(stack, key, pile):
    """SIGTERM without a database, with answers, patients and looks outstanding."""
    start = pile.call('StartTransaction', connectorId=1, idTag='TAG-1', meterStart=0,
                      timestamp=e2e.now())
    outage.holding(stack, 'SELECT FROM core.session WHERE transaction_id = '
                   f"{start[2]['transactionId']}", 30)
    number = stack.value("""SELECT operation.remote_start(charge_point_id => 'CP-1',
        id_tag => 'TAG-1', connector_id => 1) ->> 'commandId'""", user='e2e.operator')
    command = json.loads(pile.wire.receive())
    e2e.check('a command is out', command[2], 'RemoteStartTransaction')
    pile.wire.send(json.dumps([2, 's', 'StopTransaction', {
        'transactionId': start[2]['transactionId'], 'meterStop': 5, 'timestamp': e2e.now()}]))
    time.sleep(3) # the lane has given the Stop to the workers
    stack.kill_database()
    pile.wire.send(json.dumps([3, command[1], {'status': 'Accepted'}]))
    time.sleep(1)
    status, took = seconds_to_end(stack)
    e2e.check('it ends in time without a database (%.1f s)' % took, status, 0)
    with open(os.path.join(stack.folder, 'csmsd.log'), errors='replace') as log:
        e2e.check('and leaves no memory behind', 'LeakSanitizer' in log.read(), False)
    stack.start_database()
    e2e.check('what the pile answered nobody knows', stack.value(
        f'SELECT state FROM core.command WHERE id = {number}'), 'sent')


def main(build):
    with Stack(build) as stack:
        stack.start_database()
        stack.migrate()
        stack.write_config(credentials='required', extra='limits { drain_s = %d }' % DRAIN_S)
        key = e2e.furnish(stack)
        keys = fleet(stack)
        stack.start_csmsd()
        key = rows_held(stack, key, keys)
        looks_late(stack)
        status, took = seconds_to_end(stack)
        e2e.check('an idle node ends at once (%.1f s)' % took, (status, took < 3), (0, True))
        stands_still(stack, key, postmaster=False)
        stands_still(stack, key, postmaster=True)
        pile = claimed_in_a_drain(stack, key)
        answer_held(stack, pile)
        nothing_left(stack, key, pile)


if __name__ == '__main__':
    main(sys.argv[1])

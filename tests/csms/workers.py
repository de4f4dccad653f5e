"""workers.py BUILD - what workers and looks owe when rows are held and servers stand still.

Rows that somebody holds delay neither the looks of a node nor the jobs; a server that does not
answer delays neither the end of the daemon nor the news that its directory is old; a command that
was claimed in a drain and never left waits for the next node; nothing is left behind in memory.
"""
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time

import e2e
import outage
from house import log_of
from nodes import reason
from stack import PATIENCE, Stack
from wire import Closed

PILES = 30
DRAIN_S, LONG_DRAIN_S = 3, 40


def configure(stack, drain_s):
    stack.write_config(credentials='required', extra='limits { drain_s = %d }' % drain_s)


def new_key(stack, name):
    out = subprocess.run(
        [stack.program('csms'), 'pile', 'key', '--config', stack.config, '--database',
         stack.conninfo('e2e.operator'), name], check=True, capture_output=True, text=True).stdout
    return bytes.fromhex(out.strip())


def connect(stack, name, key, seconds=20):
    end = time.monotonic() + seconds * PATIENCE
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
    due = f"""UPDATE core.job j SET run_at = now() + interval '%s' FROM core.session s
        WHERE j.key = s.uid::text AND j.kind = 'settle' AND s.transaction_id = {transaction}"""
    stack.value(due % '1 hour')
    stops = [Stop(stack, name, keys[name], each) for name, each in piles.items()]
    numbers = ','.join(str(stop.transaction) for stop in stops)
    holder = outage.holding(stack, f'SELECT FROM core.session WHERE transaction_id IN ({numbers})')
    for stop in stops:
        stop.start()
    time.sleep(3) # the lane has given them to the workers
    e2e.check('the bill of another session is not due yet', settled(stack, transaction), False)
    with stack.span() as span:
        fresh = new_key(stack, 'CP-1')
        e2e.check('the socket of a revoked key', pile.wire.closing(), 1008)
    e2e.check('closed within five seconds', span.within(5), True)
    stack.value(due % '0 seconds')
    stack.wait(lambda: settled(stack, transaction), 10, 'the bill of another session')
    e2e.check('another session is billed while they are held', [stop.confirmed for stop in stops],
              [0] * PILES)
    outage.let_go(stack, holder)
    for stop in stops:
        stop.join(40 * PATIENCE)
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


def wallet_held(stack, key):
    """A bill whose wallet somebody holds has not changed: it is tried again soon, and for as long as it takes."""
    transaction = e2e.charge(stack, connect(stack, 'CP-1', key))
    job = f"""FROM core.job j JOIN core.session s ON s.uid::text = j.key
        WHERE j.kind = 'settle' AND s.transaction_id = {transaction}"""
    holder = outage.holding(stack, 'SELECT FROM ledger.account_balance')
    stack.value(f"UPDATE core.job SET run_at = now() WHERE id IN (SELECT j.id {job})")
    for _ in range(3):
        stack.value(f"UPDATE core.job SET error = NULL WHERE id IN (SELECT j.id {job})")
        stack.wait(lambda: stack.value(f'SELECT j.error IS NOT NULL {job}') == 't', 20, 'a try')
        told = stack.rows(f"SELECT j.error LIKE 'somebody holds a row: %', j.attempts <= 1, run_at < now() + interval '3 s' {job}")
        e2e.check('the row is held', told, [['t', 't', 't']])
    outage.let_go(stack, holder)
    stack.wait(lambda: settled(stack, transaction), 8, 'the bill')
    e2e.check('billed by the first attempt', stack.value(f'SELECT j.attempts {job}'), '1')
    text = log_of(stack)
    e2e.check('it is told, and no failure', ('job.put_off' in text, 'job.failed' in text), (True, False))


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
    with stack.span() as span, StoppedIdle(stack, 'joulebook/%/%'), Stopped([stack.postgres.pid]):
        stack.wait(lambda: reason(stack) != 'ready\n', 30, 'another reason')
        said = reason(stack)
    e2e.check('/readyz', said, 'the directory or the clock has not been looked at for 15 s\n')
    e2e.check('after some 15 seconds', (span.took >= 12, span.within(18)), (True, True))
    stack.wait(stack.ready, 15, 'readiness')
    print('ok - and ready again')


def seconds_to_end(stack):
    """The exit status, None if it does not end, and the time that it took."""
    with stack.span() as span:
        stack.csmsd.send_signal(signal.SIGTERM)
        try:
            status = stack.csmsd.wait(DRAIN_S + 5)
        except subprocess.TimeoutExpired:
            status = None
    return status, span


def stands_still(stack, key, postmaster):
    """The daemon ends although no backend answers it any more."""
    stack.start_csmsd()
    pile = connect(stack, 'CP-1', key)
    with Stopped(backends(stack, 'joulebook/%') + ([stack.postgres.pid] if postmaster else [])):
        time.sleep(3) # a look has begun, and a job is being looked for
        pile.wire.send(json.dumps([2, 'x', 'Authorize', {'idTag': 'TAG-1'}]))
        status, span = seconds_to_end(stack)
    e2e.check('it ends in time', (status, span.within(DRAIN_S + 5)), (0, True))


def claimed_in_a_drain(stack, key):
    """A claim that comes back in the drain is put back; the next node's pile gets the command."""
    configure(stack, LONG_DRAIN_S)
    stack.start_csmsd()
    pile = connect(stack, 'CP-1', key)
    pile.call('Heartbeat')
    with StoppedIdle(stack, 'joulebook/money'):
        number = stack.value("""SELECT operation.remote_start(charge_point_id => 'CP-1',
            id_tag => 'TAG-1', connector_id => 1) ->> 'commandId'""", user='e2e.operator')
        stack.wait(lambda: re.search(r'^csms_queue_depth{link="money"} [1-9]', stack.page('/metrics'), re.M),
                   5, 'the claim')
        stopping = log_of(stack).count('csmsd.stopping')
        stack.csmsd.send_signal(signal.SIGTERM)
        stack.wait(lambda: log_of(stack).count('csmsd.stopping') > stopping, 5, 'the drain')
    e2e.check('going away', pile.wire.closing(), 1001)
    e2e.check('the exit status', stack.csmsd.wait(LONG_DRAIN_S), 0)
    configure(stack, DRAIN_S)
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
    holder = outage.holding(stack, f'SELECT FROM core.command WHERE id = {number}')
    pile.wire.send(json.dumps([3, command[1], {'status': 'Accepted'}]))
    e2e.check('the pile goes on', pile.call('Heartbeat')[0], 3)
    time.sleep(6)
    state = f'SELECT state FROM core.command WHERE id = {number}'
    e2e.check('it waits while the row is held', stack.value(state), 'sent')
    outage.let_go(stack, holder)
    stack.wait(lambda: stack.value(state) == 'accepted', 12, 'the answer')
    print('ok - and is written once the row is free')


def answer_after_an_outage(stack, key, pile):
    """A command's answer that waits for its row survives an outage of the database, however it ends."""
    number = stack.value("""SELECT operation.remote_start(charge_point_id => 'CP-1',
        id_tag => 'TAG-1', connector_id => 1) ->> 'commandId'""", user='e2e.operator')
    command = json.loads(pile.wire.receive())
    outage.holding(stack, f'SELECT FROM core.command WHERE id = {number}')
    pile.wire.send(json.dumps([3, command[1], {'status': 'Accepted'}]))
    e2e.check('the pile goes on', pile.call('Heartbeat')[0], 3)
    time.sleep(6) # the lane has given it to the workers
    stack.kill_database()
    time.sleep(3) # all of them have tried in vain, and wait before they connect again
    stack.start_database()
    stack.wait(lambda: stack.value(f'SELECT state FROM core.command WHERE id = {number}') == 'accepted', 12,
               'the answer')
    print('ok - the answer is written once the database is back')
    stack.wait(stack.ready, 15, 'readiness')
    return connect(stack, 'CP-1', key)


def nothing_left(stack, key, pile):
    """SIGTERM without a database, with answers, patients and looks outstanding."""
    start = pile.call('StartTransaction', connectorId=1, idTag='TAG-1', meterStart=0,
                      timestamp=e2e.now())
    outage.holding(stack, f"SELECT FROM core.session WHERE transaction_id = {start[2]['transactionId']}")
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
    status, span = seconds_to_end(stack)
    e2e.check('it ends in time without a database', (status, span.within(DRAIN_S + 5)), (0, True))
    with open(os.path.join(stack.folder, 'csmsd.log'), errors='replace') as log:
        text = log.read()
    e2e.check('and leaves no memory behind', 'LeakSanitizer' in text, False)
    e2e.check('and says whose answer is lost', [line.split('"why":')[1] for line in text.splitlines()
                                                if '"event":"command.lost"' in line], ['"the node ends"}'])
    stack.start_database()
    e2e.check('what the pile answered nobody knows', stack.value(
        f'SELECT state FROM core.command WHERE id = {number}'), 'sent')


def main(build):
    with Stack(build) as stack:
        stack.start_database()
        stack.migrate()
        configure(stack, DRAIN_S)
        key = e2e.furnish(stack)
        keys = fleet(stack)
        stack.start_csmsd()
        key = rows_held(stack, key, keys)
        wallet_held(stack, key)
        looks_late(stack)
        status, span = seconds_to_end(stack)
        e2e.check('an idle node ends at once', (status, span.within(3)), (0, True))
        stands_still(stack, key, postmaster=False)
        stands_still(stack, key, postmaster=True)
        pile = claimed_in_a_drain(stack, key)
        answer_held(stack, pile)
        pile = answer_after_an_outage(stack, key, pile)
        nothing_left(stack, key, pile)


if __name__ == '__main__':
    main(sys.argv[1])

"""nodes.py BUILD - several nodes on one database: who owns a pile, and who says so.

A pile that goes to another node has a new epoch and its old connection is closed; no command leaves
on an old epoch; a lock in other hands and a wrong clock make a node unready; a node that was killed
leaves connections open, and another one closes them.
"""
import os
import signal
import subprocess
import sys
import time

import e2e
import outage
from stack import PATIENCE, Stack, free_port

OPEN = "SELECT count(*) FROM core.station_connection WHERE closed_at IS NULL AND node_id IS NOT NULL"


class Node:
    """A further csmsd beside the stack's own."""

    def __init__(self, stack, name):
        self.stack, self.port = stack, free_port()
        self.config = os.path.join(stack.folder, f'{name}.conf')
        with open(stack.config) as source, open(self.config, 'w') as out:
            out.write(source.read().replace(f'port = {stack.port}', f'port = {self.port}')
                      + f'node = "{name}"\n')
        self.log = os.path.join(stack.folder, f'{name}.log')
        with open(self.log, 'a') as log:
            self.process = subprocess.Popen(
                [stack.program('csmsd'), '--config', self.config],
                stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        stack.children.append(self.process)
        stack.wait(lambda: status(self.port, '/readyz') == 200, 30, name)

    def says(self, word):
        with open(self.log) as log:
            return word in log.read()


class Page:
    def __init__(self, port):
        self.port = port

    page = Stack.page


def status(port, path):
    try:
        return outage.status_of(Page(port), path)
    except OSError:
        return None


def reason(stack):
    import urllib.error
    import urllib.request
    try:
        with urllib.request.urlopen(f'http://127.0.0.1:{stack.port}/readyz', timeout=5 * PATIENCE) as answer:
            return answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.read().decode()


def epoch(stack):
    return int(stack.value("""SELECT c.epoch FROM core.station_connection c
        JOIN core.station s ON s.id = c.station_id WHERE s.identity = 'CP-1'"""))


def boot(pile):
    e2e.check('boot', pile.call('BootNotification', chargePointVendor='V',
                                chargePointModel='M')[2]['status'], 'Accepted')


def take_over(stack, key, other):
    """The pile moves to the other node: epochs rise, the old connection goes, commands follow."""
    first = e2e.connect(stack, key)
    boot(first)
    before = epoch(stack)
    second = e2e.Pile(other.port, 'CP-1', key)
    boot(second)
    with stack.span() as span:
        e2e.check('the epoch has risen', epoch(stack), before + 1)
        e2e.check('the old connection is closed', first.wire.closing(), 1001)
    e2e.check('by notification, not by the slow look', span.within(5), True)
    time.sleep(1)
    e2e.check('and its close touches the new one not', stack.value(OPEN), '1')
    e2e.command(stack, second)
    e2e.check('the command bears the new epoch', stack.value(
        'SELECT epoch FROM core.command ORDER BY id DESC LIMIT 1'), str(before + 1))
    third = e2e.connect(stack, key)
    boot(third)
    e2e.check('and back', (second.wire.closing(), epoch(stack)), (1001, before + 2))
    return third


def a_lie(stack, pile):
    """NOTIFY needs no privilege: what it says of a pile is believed only when the table says so."""
    station, node = stack.rows("""SELECT c.station_id, c.node_id FROM core.station_connection c
        JOIN core.station s ON s.id = c.station_id WHERE s.identity = 'CP-1'""")[0]
    for lie in (f'moved {station} 9223372036854775807', 'moved', station, '', 'moved -1 -1'):
        stack.value(f"NOTIFY joulebook_node_{node}, '{lie}'", user='e2e.viewer')
    time.sleep(2)
    e2e.check('a viewer closes nothing', pile.call('Heartbeat')[0], 3)


def without_notification(stack, key, other, pile):
    """A notification that was lost: the slow look finds it, and no command goes to the old socket."""
    stack.value("""UPDATE core.station_connection c SET epoch = c.epoch + 1, opened_at = now(),
        node_id = (SELECT max(id) FROM core.node WHERE name = 'second')
        FROM core.station s WHERE s.id = c.station_id AND s.identity = 'CP-1'""")
    number = stack.value("""SELECT operation.remote_start(charge_point_id => 'CP-1',
        id_tag => 'TAG-1', connector_id => 1) ->> 'commandId'""", user='e2e.operator')
    began = time.monotonic()
    e2e.check('closed by the slow look', pile.wire.closing(), 1001)
    e2e.check('within its interval', time.monotonic() - began < 15 * PATIENCE, True)
    e2e.check('no command came on the old epoch', pile.calls, [])
    e2e.check('it still waits', stack.value(
        f'SELECT state FROM core.command WHERE id = {number}'), 'queued')
    stack.value(f"UPDATE core.command SET state = 'expired' WHERE id = {number}")
    pile = e2e.connect(stack, key)
    boot(pile)
    return pile


def lock_in_other_hands(stack, key, pile):
    """Somebody else takes the node's lock the moment that its session dies."""
    node = stack.value("SELECT node_id FROM core.station_connection WHERE closed_at IS NULL")
    stack.children.append(subprocess.Popen(
        ['psql', '-X', '-q', '-d', f'{stack.conninfo()} application_name=thief', '-c',
         f'SELECT pg_advisory_lock(1245859407, {node})', '-c', 'SELECT pg_sleep(600)'],
        stdout=subprocess.DEVNULL))
    thief = stack.children[-1]
    stack.wait(lambda: stack.value("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' "
                                   f"AND objid = {node} AND NOT granted") == '1', 5, 'the thief')
    with stack.span() as span:
        stack.value("SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' "
                    f"AND classid = 1245859407 AND objid = {node} AND granted")
        e2e.check('the pile is given up', pile.wire.closing(), 1012)
    e2e.check('at once, not as for a lock that is only lost', span.within(9), True)
    e2e.check('/readyz', reason(stack), "the node's lock is not held\n")
    try:
        e2e.Pile(stack.port, 'CP-1', key)
        raise AssertionError('a node without its lock let a pile in')
    except ConnectionRefusedError as refused:
        e2e.check('an upgrade', refused.args[0], 503)
    stack.value("SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE application_name = 'thief'")
    thief.wait(10 * PATIENCE)
    stack.wait(stack.ready, 10, 'the lock')
    pile = e2e.connect(stack, key)
    boot(pile)
    return pile


def clock(stack, key):
    """The server's clock seems to be three seconds ahead, to the daemon's login alone."""
    stack.value("CREATE OR REPLACE FUNCTION clocks.clock_timestamp() RETURNS timestamptz LANGUAGE sql "
                "AS $$ SELECT pg_catalog.clock_timestamp() + interval '3 s' $$")
    stack.wait(lambda: status(stack.port, '/readyz') == 503, 10, 'the clock rule')
    e2e.check('/readyz', reason(stack), "the clock differs from the database's by more than 2 s\n")
    try:
        e2e.Pile(stack.port, 'CP-1', key)
        raise AssertionError('a node with a wrong clock let a pile in')
    except ConnectionRefusedError as refused:
        e2e.check('an upgrade', refused.args[0], 503)
    stack.value("CREATE OR REPLACE FUNCTION clocks.clock_timestamp() RETURNS timestamptz LANGUAGE sql "
                "AS $$ SELECT pg_catalog.clock_timestamp() + interval '1 s' $$")
    stack.wait(stack.ready, 10, 'one second is no matter')
    print('ok - one second is no matter')


def killed(stack, key, other):
    """kill -9 of a node leaves its connections open; the one that lives on closes them."""
    stack.wait(lambda: status(other.port, '/readyz') == 200, 10, 'the clock of the other node')
    pile = e2e.Pile(other.port, 'CP-1', key)
    boot(pile)
    other.process.kill()
    other.process.wait()
    e2e.check('left open', stack.value(OPEN), '1')
    stack.wait(lambda: stack.value(OPEN) == '0', 40, 'the settling of a dead node')
    e2e.check('with the reason', stack.value(
        "SELECT close_reason FROM core.station_connection WHERE node_id IS NOT NULL"),
        'its node has ended')


def row_held(stack, key):
    """The close of a connection finds its row in other hands for longer than a lane waits."""
    pile = e2e.connect(stack, key)
    boot(pile)
    holder = outage.holding(stack, 'SELECT FROM core.station_connection')
    pile.wire.socket.close()
    time.sleep(3)
    e2e.check('still open', stack.value(OPEN), '1')
    outage.let_go(stack, holder)
    stack.wait(lambda: stack.value(OPEN) == '0', 10, 'the close')
    print('ok - closed once the row was free')


def farewell(stack, key):
    """A node that ends in good order leaves nothing open."""
    pile = e2e.connect(stack, key)
    boot(pile)
    e2e.check('open', stack.value(OPEN), '1')
    stack.csmsd.send_signal(signal.SIGTERM)
    e2e.check('going away', pile.wire.closing(), 1001)
    e2e.check('the exit status', stack.csmsd.wait(15), 0)
    e2e.check('nothing is left open', stack.value(OPEN), '0')


def main(build):
    with Stack(build) as stack:
        stack.start_database()
        stack.migrate()
        stack.write_config(credentials='required')
        key = e2e.furnish(stack)
        stack.value("""CREATE SCHEMA clocks; GRANT USAGE ON SCHEMA clocks TO PUBLIC;
            CREATE FUNCTION clocks.clock_timestamp() RETURNS timestamptz LANGUAGE sql
            AS $$ SELECT pg_catalog.clock_timestamp() $$;
            ALTER ROLE joulebook_app SET search_path = clocks, pg_catalog""")
        stack.start_csmsd()
        other = Node(stack, 'second')
        pile = take_over(stack, key, other)
        stack.value('CREATE ROLE "e2e.viewer" LOGIN IN ROLE joulebook_viewer')
        a_lie(stack, pile)
        pile = without_notification(stack, key, other, pile)
        pile = lock_in_other_hands(stack, key, pile)
        pile.wire.socket.close()
        clock(stack, key)
        killed(stack, key, other)
        row_held(stack, key)
        farewell(stack, key)


if __name__ == '__main__':
    main(sys.argv[1])

"""house.py BUILD - what an operator relies on: the start without a database, the switches of a pile,
the trace and its masks, the metrics, the reload.
"""
import json
import os
import re
import resource
import shutil
import signal
import subprocess
import sys
import threading
import time

import e2e
import outage
from stack import TOP, Stack
from wire import PATIENCE_S, Wire, basic

SECRET = 'FEEDFACE0123456789ABCDEFFEEDFACE01234567'


def log_of(stack):
    with open(os.path.join(stack.folder, 'csmsd.log'), errors='replace') as log:
        return log.read()


def upgrade(stack, key, identity='CP-1'):
    """The status of an upgrade that shall not succeed."""
    try:
        e2e.Pile(stack.port, identity, key)
        return 101
    except ConnectionRefusedError as refused:
        return refused.args[0]


def away_at_start(stack, key):
    """Without a database the daemon starts, says so, admits nobody, and serves when it comes."""
    stack.end(stack.postgres, signal.SIGINT)
    stack.start_csmsd(wait=False)
    stack.wait(lambda: os.path.exists(os.path.join(stack.folder, 'csmsd.log')) and
               'listen.open' in log_of(stack), 10, 'the listener')
    e2e.check('/healthz', outage.status_of(stack, '/healthz'), 200)
    e2e.check('/readyz', outage.status_of(stack, '/readyz'), 503)
    e2e.check('/metrics say so', 'csms_db_up{link="money"} 0' in stack.page('/metrics'), True)
    e2e.check('an upgrade with the right key', upgrade(stack, key), 503)
    e2e.check('and one with a wrong key, since nobody is known', upgrade(stack, bytes(20)), 503)
    time.sleep(2)
    e2e.check('it lives', stack.csmsd.poll(), None)
    stack.start_database()
    stack.wait(stack.ready, 20, 'readiness')
    print('ok - it serves by itself when the database comes')


def wrong_schema(stack):
    """A schema of another build is refused as soon as it is met, with what helps."""
    stack.end(stack.csmsd, signal.SIGTERM)
    newest = "(SELECT max(number) FROM migration.step)"
    for change, back, status, word in (
            (f"UPDATE migration.step SET number = 9999 WHERE number = {newest}",
             "UPDATE migration.step SET number = %s WHERE number = 9999", 78, 'install'),
            (f"UPDATE migration.step SET number = -1 WHERE number = {newest}",
             "UPDATE migration.step SET number = %s WHERE number = -1", 69, 'csms db migrate')):
        number = stack.value(f'SELECT {newest}')
        stack.value(change)
        stack.end(stack.postgres, signal.SIGINT)
        stack.start_csmsd(wait=False)
        time.sleep(1)
        e2e.check('it waits for the database', stack.csmsd.poll(), None)
        stack.start_database()
        e2e.check('the exit status', stack.csmsd.wait(20), status)
        e2e.check('the log names what helps', word in log_of(stack).rsplit('csmsd.fatal')[-1], True)
        stack.value(back % number)
    stack.start_csmsd()


def piles(stack):
    """Two more piles, with switches; without a key of their own they get the first one's way."""
    keys = {}
    stack.value("""
        SELECT management.register_pile(charge_point_id => 'CP-S', site => 'S1', protection => 'IP54',
            strict => true);
        SELECT management.register_pile(charge_point_id => 'CP-Q', site => 'S1', protection => 'IP54',
            ping_s => 1, quirks => 'assume-ocpp1.6 no-server-ping trace-readings');
        SELECT management.register_pile(charge_point_id => 'CP-P', site => 'S1', protection => 'IP54',
            ping_s => 1)""", user='e2e.admin')
    for name in ('CP-S', 'CP-Q', 'CP-P'):
        out = subprocess.run([stack.program('csms'), 'pile', 'key', '--config', stack.config, '--database',
                              stack.conninfo('e2e.operator'), name],
                             check=True, capture_output=True, text=True).stdout.strip()
        keys[name] = bytes.fromhex(out)
    return keys


def connect(stack, name, key):
    end = time.monotonic() + PATIENCE_S
    while True:
        try:
            pile = e2e.Pile(stack.port, name, key)
            break
        except ConnectionRefusedError:
            if time.monotonic() > end:
                raise
            time.sleep(0.2)
    e2e.check(f'{name} boots', pile.call('BootNotification', chargePointVendor='V',
                                         chargePointModel='M')[2]['status'], 'Accepted')
    return pile


def strict(stack, keys, lenient):
    """To the letter for what is no evidence; evidence is stored, whatever it looks like."""
    pile = connect(stack, 'CP-S', keys['CP-S'])
    deviant = {'connectorId': 1, 'errorCode': 'NoError', 'status': 'Available', 'colour': 'red'}
    e2e.check('tolerated elsewhere', lenient.call('StatusNotification', **deviant)[0], 3)
    refused = pile.call('StatusNotification', **deviant)
    e2e.check('refused by the letter', (refused[0], refused[2]), (4, 'FormationViolation'))
    start = pile.call('StartTransaction', connectorId=1, idTag='TAG-1', meterStart=1, colour='red',
                      timestamp=e2e.now())
    e2e.check('a start never is', (start[0], start[2]['transactionId'] > 0), (3, True))
    pile.call('StopTransaction', transactionId=start[2]['transactionId'], meterStop=1,
              timestamp=e2e.now(), reason='EVDisconnected')
    stack.value("UPDATE core.station SET strict = false WHERE identity = 'CP-S'")
    stack.wait(lambda: pile.call('StatusNotification', **deviant)[0] == 3, 10, 'leniency')
    print('ok - the switch takes effect on a live connection')
    e2e.check('an unknown action', pile.call('Teleport')[2], 'NotImplemented')
    e2e.check('an action to piles', pile.call('Reset', type='Soft')[2], 'NotSupported')
    e2e.check('one of the security extension to piles',
              pile.call('SignedUpdateFirmware', requestId=1)[2], 'NotSupported')
    e2e.check('the connection goes on', pile.call('Heartbeat')[0], 3)


def quirks(stack, keys):
    """No subprotocol offered, and no ping sent; the neighbour without the switch is pinged."""
    try:
        Wire(e2e.Host(stack.port), 'CP-P', auth=basic('CP-P', keys['CP-P']), protocols=())
        raise AssertionError('let in without a subprotocol')
    except ConnectionRefusedError as refused:
        e2e.check('without a subprotocol', refused.args[0], 400)
    wire = Wire(e2e.Host(stack.port), 'CP-Q', auth=basic('CP-Q', keys['CP-Q']), protocols=())
    e2e.check('nothing offered, nothing named', 'sec-websocket-protocol' in wire.headers, False)
    pinged = Wire(e2e.Host(stack.port), 'CP-P', auth=basic('CP-P', keys['CP-P']))
    e2e.check('the neighbour is pinged', pinged.frame()[0], 9)
    wire.socket.settimeout(3)
    try:
        raise AssertionError(f'it got {wire.frame()}')
    except TimeoutError:
        print('ok - the quirky one is not')
    e2e.check('query.pile shows them', stack.value(
        "SELECT quirks FROM query.pile WHERE pile = 'CP-Q'", user='e2e.admin'),
        'assume-ocpp1.6 no-server-ping trace-readings')
    pinged.socket.close()
    wire.socket.close()


def conversation(stack, name, action):
    return stack.value(f"""SELECT count(*) FROM query.conversation
        WHERE pile = '{name}' AND action = '{action}'""", user='e2e.admin')


def change_key(stack, pile):
    """A command with a secret, in the queue as any other, and the key in an answer."""
    station = stack.value("SELECT id FROM core.station WHERE identity = 'CP-1'")
    for action, payload in (
            ('ChangeConfiguration', {'key': 'AuthorizationKey', 'value': SECRET}),
            ('GetDiagnostics', {'location': f'ftp://{SECRET}:{SECRET}@host/up'}),
            ('UpdateFirmware', {'location': f'https://u:{SECRET}@host/f.bin',
                                'retrieveDate': e2e.now()}),
            ('GetConfiguration', {'key': ['AuthorizationKey']})):
        stack.value(f"""INSERT INTO core.command (station_id, action, payload, message_id, deadline, actor)
            VALUES ({station}, '{action}', '{json.dumps(payload)}', gen_random_uuid()::text,
                    now() + interval '1 minute', 'test')""")
        answer = {'ChangeConfiguration': {'status': 'Accepted'}, 'GetDiagnostics': {},
                  'UpdateFirmware': {}, 'GetConfiguration': {'configurationKey': [
                      {'key': 'Color', 'readonly': False, 'value': 'visible'},
                      {'key': 'AuthorizationKey', 'readonly': False, 'value': SECRET}]}}[action]
        sent = pile.command(answer)
        e2e.check(f'{action} leaves whole', sent[2:], [action, payload])


def trace(stack, pile, keys, transaction):
    """MeterValues on request alone, bad frames with the reason, refused callers, no secret."""
    values = outage.meter_values(1, e2e.now(), transaction)
    e2e.check('readings', pile.call('MeterValues', **values)[0], 3)
    quirky = connect(stack, 'CP-Q', keys['CP-Q'])
    e2e.check('readings', quirky.call('MeterValues', **{
        'connectorId': 1, 'meterValue': values['meterValue']})[0], 3)
    stack.wait(lambda: conversation(stack, 'CP-Q', 'MeterValues') == '2', 5, 'the trace')
    print('ok - on request MeterValues are traced, both ways')
    e2e.check('otherwise not', conversation(stack, 'CP-1', 'MeterValues'), '0')
    change_key(stack, pile)
    pile.wire.send('{"key":"AuthorizationKey","value":"' + SECRET)
    pile.wire.send('[7,"x"]')
    pile.call('Heartbeat')
    bad = """SELECT count(*) FROM query.conversation WHERE pile = 'CP-1' AND message_type IS NULL
        AND note IS NOT NULL"""
    stack.wait(lambda: stack.value(bad, user='e2e.admin') == '2', 5, 'the bad frames')
    print('ok - bad frames are in the conversation with the reason')
    e2e.check('no secret in the trace', stack.value(
        f"SELECT count(*) FROM core.frame WHERE frame LIKE '%{SECRET}%'"), '0')
    e2e.check('its neighbour is shown', stack.value(
        "SELECT count(*) FROM core.frame WHERE frame LIKE '%visible%***%'"), '1')
    e2e.check('a wrong key', upgrade(stack, bytes.fromhex(SECRET)), 401)
    e2e.check('an unknown name', upgrade(stack, bytes.fromhex(SECRET), 'CP-X'), 401)
    door = 'SELECT identity, reason FROM query.door'
    wanted = {('CP-1', 'wrong_key'), ('CP-X', 'unknown_identity'), ('CP-1', 'database_away'),
              ('CP-P', 'subprotocol')}
    stack.wait(lambda: wanted <= set(map(tuple, stack.rows(door, user='e2e.admin'))), 5, 'the door')
    print('ok - refused callers are in the door, each with the reason')
    log = log_of(stack)
    e2e.check('frames are in the log', '"frame"' in log or 'frame=' in log, True)
    for name, text in (('the secret', SECRET), ('the key', keys['CP-1'].hex()),
                       ('the Basic header', basic('CP-1', keys['CP-1'])[6:])):
        e2e.check(f'{name} is not in the log', text.lower() in log.lower(), False)


# Counters that stay without a sample as long as nothing of the kind has happened.
CONDITIONAL = {'csms_ws_cut_total': 'a pile that breaks a limit'}


def metrics(stack):
    page = stack.page('/metrics')
    with open(os.path.join(TOP, 'csms', 'metrics.def')) as table:
        names = re.findall(r'"(csms_[a-z_]+)"', table.read())
    e2e.check('the table has metrics', len(names) > 20, True)
    for name in names:
        if name in CONDITIONAL:
            print(f'ok - {name} needs {CONDITIONAL[name]}')
            e2e.check(f'{name} is declared', f'# TYPE {name} ' in page, True)
        else:
            e2e.check(f'{name} has a sample', re.search(
                rf'^{name}(_count)?(\{{[^}}]*\}})? [0-9.]+$', page, re.M) is not None, True)
    for line in ('csms_commands_total{action="ChangeConfiguration",outcome="accepted"} 1',
                 'csms_sessions_finished_total{reason="EVDisconnected"} 1',
                 'csms_ocpp_messages_total{action="Reset",direction="in",outcome="error"} 1'):
        e2e.check(line, line in page, True)
    if shutil.which('promtool') is None:
        print('skipped - promtool is missing (Debian package prometheus)')
        return
    tool = subprocess.run(['promtool', 'check', 'metrics'], input=page, text=True,
                          capture_output=True)
    e2e.check('promtool', (tool.returncode, tool.stdout + tool.stderr), (0, ''))


def reload(stack, pile):
    """SIGHUP: limits and level at once, a bad file refused, what needs a restart told."""
    with open(stack.config) as conf:
        good = conf.read()

    def signalled(text, word):
        before = len(log_of(stack))
        with open(stack.config, 'w') as conf:
            conf.write(text)
        stack.csmsd.send_signal(signal.SIGHUP)
        stack.wait(lambda: word in log_of(stack)[before:], 5, word)
        return log_of(stack)[before:]

    big = json.dumps([2, 'b', 'DataTransfer', {'vendorId': 'V', 'data': 'x' * 3000}])
    pile.wire.send(big)
    e2e.check('a long message', json.loads(pile.wire.receive())[:2], [3, 'b'])
    told = signalled(good + 'log { level = "error" }\nlimits { message_bytes = 0 }\n',
                     'csmsd.reload_refused')
    e2e.check('the bad value is named', 'limits.message_bytes' in told, True)
    pile.wire.send(big)
    e2e.check('the old limit holds', json.loads(pile.wire.receive())[:2], [3, 'b'])
    e2e.check('and the connection', pile.call('Heartbeat')[0], 3)
    text = re.sub(r'^log .*$', 'log { level = "info" }', good, flags=re.M)
    told = signalled(text + 'workers { threads = 3 }\nlimits { message_bytes = 2048 }\n', 'csmsd.reloaded')
    e2e.check('what needs a restart is told', 'workers.threads' in told, True)
    before = log_of(stack).count('frame.in')
    e2e.check('the same connection goes on', pile.call('Heartbeat')[0], 3)
    time.sleep(0.5)
    e2e.check('the level holds at once', log_of(stack).count('frame.in'), before)
    pile.wire.send(big)
    e2e.check('the new limit holds for it', pile.wire.closing(), 1009)
    signalled(text, 'csmsd.reloaded')


def intervals(stack, pile, key):
    """SIGHUP: the heartbeat, the time for an answer and the ping of a pile that has none of its own."""
    e2e.check('the heartbeat that is built in', pile.call('BootNotification', chargePointVendor='V',
              chargePointModel='M')[2]['interval'], 300)
    with open(stack.config, 'a') as conf:
        conf.write('ocpp { heartbeat_s = 77 call_timeout_s = 1 ping_s = 2 dead_s = 60 }\n')
    before = log_of(stack).count('csmsd.reloaded')
    stack.csmsd.send_signal(signal.SIGHUP)
    stack.wait(lambda: log_of(stack).count('csmsd.reloaded') > before, 5, 'the reload')
    e2e.check('the new heartbeat', pile.call('BootNotification', chargePointVendor='V',
              chargePointModel='M')[2]['interval'], 77)
    number = stack.value("""INSERT INTO core.command (station_id, action, payload, deadline, actor)
        SELECT id, 'Reset', '{"type": "Soft"}', now() + interval '1 minute', 'test'
        FROM core.station WHERE identity = 'CP-1' RETURNING id""")
    e2e.check('a command leaves', json.loads(pile.wire.receive())[2], 'Reset')
    stack.wait(lambda: stack.value(f'SELECT state FROM core.command WHERE id = {number}') != 'sent',
               3, 'the end of the time for its answer')
    print('ok - and has its time for an answer')
    pile.wire.socket.close()
    pile = e2e.connect(stack, key)
    pile.wire.socket.settimeout(30)
    e2e.check('a quiet pile is pinged', pile.wire.frame()[0], 9)
    pile.wire.socket.close()


class Load:
    """A pile that never rests; what it suffers is told at the end."""

    def __init__(self, pile):
        self.pile, self.calls, self.over, self.trouble = pile, 0, False, None
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def run(self):
        try:
            while not self.over:
                assert self.pile.call('Heartbeat')[0] == 3
                self.calls += 1
        except Exception as trouble:
            self.trouble = trouble

    def end(self):
        self.over = True
        self.thread.join()
        e2e.check('the pile beside it suffered nothing', self.trouble, None)
        e2e.check('and was busy', self.calls > 10, True)


def starved(stack, pile):
    """No descriptor is left: the log and the metric say so, and it goes on when there are some; a
    bill that could not be made meanwhile is made then."""
    pile.call('Heartbeat')
    before = resource.prlimit(stack.csmsd.pid, resource.RLIMIT_NOFILE)
    used = len(os.listdir(f'/proc/{stack.csmsd.pid}/fd'))
    resource.prlimit(stack.csmsd.pid, resource.RLIMIT_NOFILE, (used + 2, before[1]))
    sockets = [e2e.Host(stack.port).socket() for _ in range(8)]
    stack.wait(lambda: 'listen.no_descriptors' in log_of(stack), 5, 'the event')
    start = pile.call('StartTransaction', connectorId=1, idTag='TAG-1', meterStart=2000,
                      timestamp=e2e.now())[2]
    pile.call('StopTransaction', transactionId=start['transactionId'], meterStop=2000,
              timestamp=e2e.now())
    stack.wait(lambda: stack.value("SELECT count(*) FROM core.job WHERE kind = 'settle' "
                                   "AND error LIKE '%zone%'") == '1', 30, 'a try at the bill')
    resource.prlimit(stack.csmsd.pid, resource.RLIMIT_NOFILE, before)
    for each in sockets:
        each.close()
    stack.wait(lambda: re.search(r'^csms_ws_accept_paused_total [1-9]', stack.page('/metrics'), re.M),
               10, 'the metric')
    print('ok - the lack of descriptors is told')
    stack.wait(lambda: stack.value(f"""SELECT state FROM query.session
        WHERE transaction_id = {start['transactionId']}""", user='e2e.admin') == 'settled', 30,
               'the bill')
    print('ok - and what it kept from being billed is billed')


def main(build):
    with Stack(build) as stack:
        stack.start_database()
        stack.migrate()
        stack.write_config('log { level = "debug" frames = "full" }', credentials='required')
        keys = {'CP-1': e2e.furnish(stack)}
        away_at_start(stack, keys['CP-1'])
        wrong_schema(stack)
        keys.update(piles(stack))
        pile = e2e.connect(stack, keys['CP-1'])
        transaction = e2e.charge(stack, pile)
        strict(stack, keys, pile)
        quirks(stack, keys)
        trace(stack, pile, keys, transaction)
        metrics(stack)
        load = Load(connect(stack, 'CP-P', keys['CP-P']))
        intervals(stack, e2e.connect(stack, keys['CP-1']), keys['CP-1'])
        reload(stack, e2e.connect(stack, keys['CP-1']))
        load.end()
        starved(stack, e2e.connect(stack, keys['CP-1']))
        stack.csmsd.terminate()
        e2e.check('the exit status', stack.csmsd.wait(10), 0)


if __name__ == '__main__':
    main(sys.argv[1])

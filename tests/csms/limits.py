"""limits.py BUILD - each setting `limits.*` is set low in the real csmsd, and bites.

What a limit does is tested around csms/ws.c alone; here it is that each setting leads to its limit,
in a daemon that runs (SIGHUP) where that is enough.  The settings are asked of csmsd itself, so one
without a trial fails.  Then what a pile and its commands are to the node when a limit has cut it.
"""
import fcntl
import json
import os
import re
import select
import signal
import subprocess
import sys
import time
import traceback

sys.path[:0] = [os.path.dirname(os.path.abspath(__file__)),
                os.path.dirname(os.path.dirname(os.path.abspath(__file__)))]
import e2e  # noqa: E402
from house import log_of  # noqa: E402
from stack import Daemon, Stack  # noqa: E402
from wire import CLOSE, CONT, PING, TEXT, Wire, basic, frame, parse_head, read_all, upgrade  # noqa: E402

ELSEWHERE = {'drain_s': 'drain.py'}
LOCAL = {'spare_loopback': 'no'}


class Trials:
    """A method for each setting: what it is set to, and the proof that it bites."""

    def __init__(self, stack):
        self.stack = stack

    def reload(self, **limits):
        before = log_of(self.stack).count('csmsd.reloaded')
        self.stack.write_config(text_of(limits))
        self.stack.csmsd.send_signal(signal.SIGHUP)
        self.stack.wait(lambda: log_of(self.stack).count('csmsd.reloaded') > before, 5, 'the reload')

    def pile(self, name='P1', **how):
        return Wire(e2e.Host(self.stack.port), name, auth=None, **how)

    def piles(self, count):
        """The statuses of so many connections that are held at once."""
        held, got = [], []
        for i in range(count):
            try:
                held.append(self.pile('P%d' % i))
                got.append(101)
            except ConnectionRefusedError as refused:
                got.append(refused.args[0])
        for each in held:
            each.socket.close()
        self.stack.wait(self.all_gone, 5, 'the end of them')
        return got

    def all_gone(self):
        try:
            return self.metric('csms_ws_connections') == 0
        except OSError: # a limit for the page, too
            return False

    def ask(self, raw=b'GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n'):
        with e2e.Host(self.stack.port).socket() as s:
            s.sendall(raw)
            return parse_head(read_all(s))[0]

    def metric(self, name):
        line = re.search(rf'^{re.escape(name)} (\d+)', self.stack.page('/metrics'), re.M)
        return int(line[1]) if line else 0

    def closing(self, *raw, pause=None):
        """What the close frame says that these pieces bring; nothing after 20 s."""
        with self.pile() as wire:
            wire.socket.settimeout(20)
            try:
                for piece in raw:
                    wire.raw(piece)
                    if pause and select.select([wire.socket], [], [], pause)[0]:
                        break
                while True:
                    opcode, payload = wire.frame()
                    if opcode == CLOSE:
                        return int.from_bytes(payload[:2], 'big'), payload[2:].decode()
            except TimeoutError:
                return None
            except OSError as lost:
                return repr(lost)

    def silent(self, count):
        return [e2e.Host(self.stack.port).socket() for _ in range(count)]

    def flood(self):
        """How many answers wait for a pile that reads nothing when it is cut."""
        def counted():
            return [self.metric('csms_ws_messages_total{direction="%s"}' % way) for way in ('in', 'out')]
        name, before = 'csms_ws_cut_total{reason="slow_reader"}', counted()
        cuts = self.metric(name)
        with self.pile(receive_buffer=1024) as wire:
            wire.socket.settimeout(2)
            try:
                while True:
                    wire.raw(frame(TEXT, '[2,"%s","Heartbeat",{}]' % ('x' * 200)) * 50)
            except OSError:
                pass
            self.stack.wait(lambda: self.metric(name) > cuts, 5, 'the cut')
        after = counted()
        return after[0] - before[0] - (after[1] - before[1])

    # -- one for each setting -----------------------------------------------------------------

    def connections_per_address(self):
        self.reload(connections_per_address=2, **LOCAL)
        return self.piles(3) == [101, 101, 503]

    def spare_loopback(self):
        self.reload(connections_per_address=1)
        spared = self.piles(2)
        self.reload(connections_per_address=1, **LOCAL)
        return (spared, self.piles(2)) == ([101, 101], [101, 503])

    def half_open(self):
        self.reload(half_open=16)
        began, sockets = time.monotonic(), self.silent(30)
        evicted = sum(s.recv(1) == b'' for s in sockets[:14])
        for s in sockets:
            s.close()
        return evicted == 14 and time.monotonic() - began < 8 # before their time is over

    def half_open_per_address(self):
        self.reload(half_open_per_address=5, **LOCAL)
        sockets = self.silent(5)
        status = self.ask()
        for s in sockets:
            s.close()
        self.stack.wait(lambda: self.ask() == 200, 5, 'room again')
        return status == 503

    def accepts_per_s(self):
        self.reload(accepts_per_s=4)
        began = time.monotonic()
        for _ in range(9):
            self.ask()
        return time.monotonic() - began > 0.9

    def accepts_per_address_per_minute(self):
        self.reload(accepts_per_address_per_minute=4, **LOCAL)
        return 503 in [self.ask() for _ in range(10)]

    def failures_per_address_per_minute(self):
        self.reload(failures_per_address_per_minute=3)
        got = [self.ask(upgrade('K0', auth=basic('K0', b'wrong' * 4))) for _ in range(6)]
        return got[0] == 401 and 503 in got

    def head_bytes(self):
        self.reload(head_bytes=512)
        return self.ask(upgrade('P1', auth=None, headers=('X: ' + 'y' * 700,))) == 431

    def handshake_s(self):
        self.reload(handshake_s=1)
        began = time.monotonic()
        return self.ask(b'GET / HT') == 408 and time.monotonic() - began < 8

    def message_bytes(self):
        self.reload(message_bytes=1024)
        return self.closing(frame(TEXT, 'x' * 1025)) == (1009, 'message too large')

    def large_bytes(self):
        """As little as one message's worth: the second above 16 KiB waits for the first."""
        self.reload(large_bytes=1048576)
        large = [frame(TEXT, json.dumps([2, str(i), 'DataTransfer', {
            'vendorId': 'V', 'data': 'x' * 20000}])) for i in range(2)]
        with self.pile('P1') as first, self.pile('P2') as second:
            first.raw(large[0][:-1])
            time.sleep(0.3)
            second.raw(large[1])
            waits = not select.select([second.socket], [], [], 1)[0]
            first.raw(large[0][-1:])
            return waits and [json.loads(w.receive())[0] for w in (first, second)] == [3, 3]

    def fragments(self):
        self.reload(fragments=5)
        return self.closing(frame(TEXT, '[2,"', final=False),
                            *[frame(CONT, 'a', final=False)] * 6) == (1008, 'too many fragments')

    def stall_s(self):
        self.reload(stall_s=1)
        return self.closing(frame(TEXT, 'x' * 100)[:50]) == (1008, 'message stalled')

    def message_s(self):
        self.reload(message_s=1)
        whole = frame(TEXT, 'x' * 300)
        return self.closing(*[whole[i:i + 1] for i in range(200)],
                            pause=0.1) == (1008, 'message too slow')

    def send_messages(self):
        self.reload(send_messages=3, send_bytes=67108864)
        return self.flood() <= 4

    def send_bytes(self):
        self.reload(send_messages=4096, send_bytes=4096)
        return 4 < self.flood() < 25

    def control_frames_per_minute(self):
        self.reload(control_frames_per_minute=20)
        # One after the other: of several at once the library answers the last.
        with self.pile() as wire:
            for _ in range(100):
                wire.raw(frame(PING, b'x'))
                opcode, payload = wire.frame()
                if opcode == CLOSE:
                    return payload[2:] == b'too many control frames'
        return False

    def connections(self):
        self.stack.csmsd.terminate()
        self.stack.csmsd.wait(10)
        self.stack.write_config(text_of({'connections': 2}))
        self.stack.start_csmsd()
        self.stack.wait(lambda: self.piles(1) == [101], 10, 'the directory')
        return self.piles(3) == [101, 101, 503]


def text_of(limits):
    return 'log { level = "info" }\nlimits { %s }\n' % ' '.join(
        '%s = %s' % pair for pair in limits.items())


def furnish(stack):
    e2e.furnish(stack)
    stack.value(''.join(f"""SELECT management.register_pile(charge_point_id => '{name}', site => 'S1',
        protection => 'IP54', security_profile => {profile});
        SELECT management.register_connector(charge_point_id => '{name}', connector_id => 1,
            kind => 'DC', max_power_kw => 120);"""
        for name, profile in [('P%d' % i, 0) for i in range(5)] + [('K0', 1)]), user='e2e.admin')


def each_setting(stack):
    table = subprocess.run([stack.program('csmsd'), '--list-settings'], check=True, text=True,
                           capture_output=True).stdout
    names = re.findall(r'^\| `limits\.(\w+)`', table, re.M)
    e2e.check('there are settings', len(names) > 15, True)
    trials = Trials(stack)
    # What this address has used up stays so for a while, unless csmsd is started again.
    blunt, last = [], ['accepts_per_address_per_minute', 'connections']
    for name in [name for name in names if name not in last] + last:
        if name in ELSEWHERE:
            with open(os.path.join(os.path.dirname(__file__), ELSEWHERE[name])) as script:
                e2e.check(f'limits.{name} has a test of its own', name in script.read(), True)
            continue
        try:
            bites = getattr(trials, name)()
        except Exception:
            traceback.print_exc()
            bites = False
        print(f'limits.{name} bites' if bites else f'limits.{name} DOES NOT BITE', flush=True)
        blunt += [] if bites else [name]
    e2e.check('each setting bites', blunt, [])


def state_of(stack, number):
    return stack.value(f'SELECT state FROM core.command WHERE id = {number}')


def command(stack, name):
    return stack.value(f"""INSERT INTO core.command (station_id, action, payload, deadline, actor)
        SELECT id, 'Reset', '{{"type": "Soft"}}', now() + interval '5 minutes', 'test'
        FROM core.station WHERE identity = '{name}' RETURNING id""")


def boot(wire):
    wire.send('[2,"b","BootNotification",{"chargePointVendor":"V","chargePointModel":"M"}]')
    e2e.check('boot', json.loads(wire.receive())[2]['status'], 'Accepted')


def cut_is_away(stack, trials):
    """Whoever is cut is away at once, though its socket is read on; its commands wait for it."""
    with trials.pile('P3') as wire:
        boot(wire)
        wire.raw(frame(TEXT, b'x', length=8 << 20))
        e2e.check('it reads why', wire.frame()[0], CLOSE)
        stack.wait(lambda: stack.value("SELECT is_online FROM query.pile WHERE pile = 'P3'",
                                       user='e2e.admin') == 'f', 3, 'the end in the database')
        number = command(stack, 'P3')
        time.sleep(3)
        e2e.check('a command to it waits', state_of(stack, number), 'queued')
    with trials.pile('P3') as wire:
        boot(wire)
        e2e.check('and leaves when it is back', json.loads(wire.receive())[2], 'Reset')


def storms(stack, trials):
    """One identity, two sockets that come and go: sixty returns, then one a minute."""
    got = []
    for _ in range(50):
        with trials.pile('P4') as one:
            try:
                with trials.pile('P4') as two:
                    got.append(two.status)
            except ConnectionRefusedError as refused:
                got.append(refused.args[0])
                break
    e2e.check('a storm ends', got[-1:], [503])
    e2e.check('not at once', 25 < len(got) < 35, True)
    stack.wait(lambda: 'P4' in stack.value(
        "SELECT identity FROM query.door WHERE reason = 'flapping'", user='e2e.admin'), 5, 'the refusal')
    print('ok - and is told')


def stood_still(stack, trials):
    """What came while the process did not run was in time."""
    with open(stack.config, 'a') as conf:
        conf.write('ocpp { call_timeout_s = 3 }\n')
    before = log_of(stack).count('csmsd.reloaded')
    stack.csmsd.send_signal(signal.SIGHUP)
    stack.wait(lambda: log_of(stack).count('csmsd.reloaded') > before, 5, 'the reload')
    with trials.pile('P2') as wire:
        boot(wire)
        number = command(stack, 'P2')
        call = json.loads(wire.receive())
        said = len(log_of(stack))
        stack.csmsd.send_signal(signal.SIGSTOP)
        wire.send(json.dumps([3, call[1], {'status': 'Accepted'}]))
        time.sleep(4)
        stack.csmsd.send_signal(signal.SIGCONT)
        stack.wait(lambda: state_of(stack, number) == 'accepted', 5, 'the answer')
        e2e.check('its time was not over', 'timed_out' in log_of(stack)[said:], False)


def unread_log(stack):
    """A pipe that nobody reads for a log does not hold up the end."""
    stack.write_config('log { level = "debug" frames = "full" }')
    out, into = os.pipe()
    fcntl.fcntl(into, fcntl.F_SETPIPE_SZ, 16384)
    stack.csmsd = Daemon([stack.program('csmsd'), '--config', stack.config], stderr=into)
    os.close(into)
    stack.wait(stack.ready, 30, 'csmsd')
    trials = Trials(stack)
    stack.wait(lambda: trials.piles(1) == [101], 10, 'the directory')
    with trials.pile() as wire:
        boot(wire)
        for i in range(300):
            wire.send('[2,"%d","Heartbeat",{}]' % i)
            wire.receive()
        stack.csmsd.terminate()
        e2e.check('it ends well, its log unread', stack.csmsd.wait(10), 0)
    os.close(out)


def main(build):
    with Stack(build, durable=False) as stack:
        stack.start_database()
        stack.migrate()
        stack.write_config(text_of({}))
        furnish(stack)
        stack.start_csmsd()
        trials = Trials(stack)
        stack.wait(lambda: trials.piles(1) == [101], 10, 'the directory')
        cut_is_away(stack, trials)
        stood_still(stack, trials)
        storms(stack, trials)
        each_setting(stack)
        stack.csmsd.terminate()
        e2e.check('the exit status', stack.csmsd.wait(10), 0)
        unread_log(stack)


if __name__ == '__main__':
    main(sys.argv[1])

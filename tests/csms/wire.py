"""A websocket client of our own for tests: raw sockets, RFC 6455 framing, nothing but the standard
library.  It does what a well-behaved client does, and, asked to, what none should."""
import base64
import hashlib
import os
import signal
import socket
import struct
import subprocess
import threading
import time

# Whoever waits is woken by what it waits for; this ends what hangs, on a busy machine, too.
PATIENCE_S = 120
KEY = bytes([0, 1, 2, 3, 4, 5, 6, 7]) + b'\xff' * 12
GUID = b'258EAFA5-E914-47DA-95CA-C5AB0DC85B11'
CONT, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10


def until(condition, what):
    """Waits until the condition holds, and gives what it gave."""
    end = time.monotonic() + PATIENCE_S
    while True:
        holds = condition()
        if holds:
            return holds
        if time.monotonic() > end:
            raise AssertionError(f'{what} did not come within {PATIENCE_S} s')
        time.sleep(0.02)


def basic(user, key=KEY):
    user = user.encode() if isinstance(user, str) else user
    return 'Basic ' + base64.b64encode(user + b':' + key).decode()


class Host:
    """The daemon under test (tests/csms/echo_host.c), one for each test that wants its own."""

    def __init__(self, *settings, prefix=(), program='ECHO_HOST'):
        self.process = subprocess.Popen([*prefix, os.environ[program], *settings],
                                        stdout=subprocess.PIPE, text=True, bufsize=1)
        line = self.process.stdout.readline()
        if not line.startswith('port '):
            raise RuntimeError('echo_host did not start: %r' % line)
        self.port = int(line.split()[1])
        self.said = ''
        self.listener = threading.Thread(target=self.listen)
        self.listener.start()

    def listen(self):
        """A full pipe would stop the host."""
        for said in self.process.stdout:
            self.said += said

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()
        return False

    def stop(self):
        """Asks it to end and fails unless it ends well: that is where the sanitizers speak."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise
        self.listener.join()
        self.process.stdout.close()
        if self.process.returncode:
            raise AssertionError('echo_host ended with %d' % self.process.returncode)

    def refusals(self, least=1):
        """The reasons that it has told of, as soon as there are so many."""
        def told():
            return [line.split()[1] for line in self.said.splitlines() if line.startswith('refused ')]
        until(lambda: len(told()) >= least, 'a refusal')
        return told()

    def socket(self):
        return socket.create_connection(('127.0.0.1', self.port), PATIENCE_S)

    def ask(self, raw):
        """Sends bytes and reads until the other side closes."""
        with self.socket() as s:
            try:
                s.sendall(raw)
                return read_all(s)
            except (ConnectionResetError, BrokenPipeError):
                return b''

    def connect(self, identity='CP-1', **how):
        return Wire(self, identity, **how)

    def connect_at_last(self, identity='CP-1'):
        """When the host has noticed that there is room again."""
        def attempt():
            try:
                return Wire(self, identity)
            except ConnectionError:
                return None
        return until(attempt, 'room for one more')

    def status(self, identity='CP-1', **how):
        """The status of an upgrade that is not expected to succeed, and the answer's headers."""
        answer = self.ask(upgrade(identity, **how))
        return parse_head(answer)

    def stats(self):
        with self.connect('CP-2') as wire:
            return wire.stats()


def read_all(s):
    answer = b''
    while True:
        try:
            piece = s.recv(65536)
        except ConnectionResetError:
            return answer
        if not piece:
            return answer
        answer += piece


def parse_head(answer):
    head, _, _ = answer.partition(b'\r\n\r\n')
    lines = head.decode('latin-1').split('\r\n')
    if not lines[0].startswith('HTTP/1.1 '):
        return 0, {}
    headers = {}
    for line in lines[1:]:
        name, _, value = line.partition(': ')
        headers[name.lower()] = value
    return int(lines[0].split()[1]), headers


def upgrade(identity='CP-1', *, path=None, auth='right', protocols=('ocpp1.6',), version='13',
            key=None, headers=(), host='test', method='GET', upgrade_to='websocket'):
    """An upgrade request; every part can be made wrong or left out (None)."""
    if path is None:
        path = '/ocpp/' + ''.join(c if c.isalnum() or c in '-._~' else ''.join(
            '%%%02X' % b for b in c.encode()) for c in identity)
    lines = ['%s %s HTTP/1.1' % (method, path)]
    lines += ['Host: ' + host] if host is not None else []
    lines += ['Upgrade: ' + upgrade_to, 'Connection: Upgrade'] if upgrade_to else []
    lines += ['Sec-WebSocket-Version: ' + version] if version else []
    if key is None:
        key = base64.b64encode(os.urandom(16)).decode()
    lines += ['Sec-WebSocket-Key: ' + key] if key else []
    lines += ['Sec-WebSocket-Protocol: ' + p for p in protocols]
    if auth == 'right':
        auth = basic(identity)
    lines += ['Authorization: ' + auth] if auth else []
    lines += headers
    return ('\r\n'.join(lines) + '\r\n\r\n').encode('utf-8', 'surrogateescape')


def frame(opcode, payload=b'', *, final=True, masked=True, rsv=0, length=None):
    """One frame; `length` may lie."""
    payload = payload.encode() if isinstance(payload, str) else payload
    n = len(payload) if length is None else length
    head = bytes([(0x80 if final else 0) | rsv << 4 | opcode])
    bit = 0x80 if masked else 0
    if n < 126:
        head += bytes([bit | n])
    elif n < 65536:
        head += bytes([bit | 126]) + struct.pack('>H', n)
    else:
        head += bytes([bit | 127]) + struct.pack('>Q', n)
    if not masked:
        return head + payload
    mask = os.urandom(4)
    whole = (mask * (len(payload) // 4 + 1))[:len(payload)]
    mixed = int.from_bytes(payload, 'big') ^ int.from_bytes(whole, 'big')
    return head + mask + mixed.to_bytes(len(payload), 'big')


class Closed(Exception):
    """The other side closed; code is None if it sent no close frame."""

    def __init__(self, code, reason=b''):
        super().__init__(code, reason)
        self.code, self.reason = code, reason


class Wire:
    def __init__(self, host, identity='CP-1', rest=b'', receive_buffer=None, **how):
        if receive_buffer:
            self.socket = socket.socket()
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
            self.socket.settimeout(PATIENCE_S)
            self.socket.connect(('127.0.0.1', host.port))
        else:
            self.socket = host.socket()
        self.buffer = b''
        self.key = base64.b64encode(os.urandom(16)).decode()
        how.setdefault('key', self.key)
        self.socket.sendall(upgrade(identity, **how) + rest)
        while b'\r\n\r\n' not in self.buffer:
            piece = self.socket.recv(4096)
            if not piece:
                break
            self.buffer += piece
        if not self.buffer:
            raise ConnectionResetError('closed without an answer')
        self.status, self.headers = parse_head(self.buffer)
        self.buffer = self.buffer.partition(b'\r\n\r\n')[2]
        if self.status != 101:
            self.socket.close()
            raise ConnectionRefusedError(self.status)
        expected = base64.b64encode(hashlib.sha1(how['key'].encode() + GUID).digest()).decode()
        assert self.headers['sec-websocket-accept'] == expected

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()
        return False

    def raw(self, data):
        self.socket.sendall(data)

    def send(self, text):
        self.raw(frame(TEXT, text))

    def exactly(self, n):
        while len(self.buffer) < n:
            try:
                piece = self.socket.recv(65536)
            except ConnectionResetError:
                piece = b''
            if not piece:
                raise Closed(None)
            self.buffer += piece
        data, self.buffer = self.buffer[:n], self.buffer[n:]
        return data

    def frame(self):
        """The next frame, whatever it is: (opcode, payload)."""
        first, second = self.exactly(2)
        assert first & 0x70 == 0, 'reserved bits'
        assert second & 0x80 == 0, 'a server masks nothing'
        n = second & 0x7f
        if n == 126:
            n, = struct.unpack('>H', self.exactly(2))
        elif n == 127:
            n, = struct.unpack('>Q', self.exactly(8))
        return first & 0x0f, self.exactly(n)

    def receive(self):
        """The next text; pings are answered, a close raises Closed."""
        while True:
            opcode, payload = self.frame()
            if opcode == TEXT:
                return payload.decode()
            if opcode == PING:
                self.raw(frame(PONG, payload))
            elif opcode == CLOSE:
                code = struct.unpack('>H', payload[:2])[0] if len(payload) >= 2 else 1005
                try:
                    self.raw(frame(CLOSE, payload))
                except OSError:
                    pass
                raise Closed(code, payload[2:])

    def closing(self):
        """Reads until it is closed and returns the code."""
        try:
            while True:
                self.receive()
        except Closed as closed:
            return closed.code

    def echo(self, text):
        self.send(text)
        return self.receive()

    def closing_silently(self):
        """Reads and answers nothing until it is closed."""
        try:
            while True:
                opcode, payload = self.frame()
                if opcode == CLOSE:
                    return struct.unpack('>H', payload[:2])[0]
        except Closed:
            return None

    def stats(self):
        text = self.echo('!stats')
        pairs = dict(item.split('=', 1) for item in text.split(' last_reason=')[0].split())
        stats = {name: int(value) for name, value in pairs.items()}
        stats['last_reason'] = text.split(' last_reason=')[1]
        return stats

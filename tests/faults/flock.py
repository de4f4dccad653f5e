"""flock.py - many piles on one thread: sockets that block nobody, and connections that come and go.

A pile is whoever has the methods

    opened(line)            the upgrade has been answered
    heard(line, message)    a frame of OCPP-J
    closed(line, why)       it is over: a close code, an HTTP status or the error's name

Each line comes from an address of its own in 127.0.0.0/8, which csmsd writes beside the epoch that it gave it: so
a test knows which epoch belongs to which socket.
"""
import json
import selectors
import socket
import time

from wire import CLOSE, PING, PONG, TEXT, basic, frame, parse_head, upgrade


def source_address(number):
    """127.1.0.0 and up, so that nobody meets the machine's own 127.0.0.1."""
    return f"127.{1 + (number >> 16)}.{number >> 8 & 255}.{number & 255}"


class Line:
    """One connection of a pile, from its connect() to its end."""

    def __init__(self, flock, port, identity, pile):
        self.flock, self.port, self.identity, self.pile = flock, port, identity, pile
        self.number, flock.lines = flock.lines, flock.lines + 1
        self.source = source_address(self.number)
        self.buffer, self.out, self.is_open, self.is_over = b"", b"", False, False
        self.socket = socket.socket()
        self.socket.setblocking(False)
        self.socket.bind((self.source, 0))
        self.socket.connect_ex(("127.0.0.1", port))
        self.mask = selectors.EVENT_WRITE
        flock.selector.register(self.socket, self.mask, self)
        self.out = upgrade(identity, auth=basic(identity, b"no key"))

    def call(self, message_id, action, **payload):
        self.send([2, message_id, action, payload])

    def send(self, message):
        self.raw(frame(TEXT, json.dumps(message)))

    def raw(self, data):
        self.out += data
        if self.is_open:
            self.flush()

    def flush(self):
        if self.is_over:
            return
        try:
            self.out = self.out[self.socket.send(self.out):] if self.out else b""
        except BlockingIOError:
            pass
        except OSError as error:
            self.end(type(error).__name__)
            return
        mask = selectors.EVENT_READ | (selectors.EVENT_WRITE if self.out else 0)
        if mask != self.mask:
            self.mask = mask
            self.flock.selector.modify(self.socket, mask, self)

    def end(self, why):
        """Both ends: what was heard of the other's, and the pile's own."""
        if self.is_over:
            return
        self.is_over, self.is_open = True, False
        self.flock.selector.unregister(self.socket)
        self.socket.close()
        self.pile.closed(self, why)

    def ready(self, mask):
        if mask & selectors.EVENT_WRITE:
            self.flush()
        if mask & selectors.EVENT_READ and not self.is_over:
            try:
                piece = self.socket.recv(65536)
            except BlockingIOError:
                return
            except OSError as error:
                self.end(type(error).__name__)
                return
            if not piece:
                self.end("end of file")
                return
            self.buffer += piece
            if not self.is_open and not self.upgraded():
                return
            self.frames()

    def upgraded(self):
        head, found, rest = self.buffer.partition(b"\r\n\r\n")
        if not found:
            return False
        status, _ = parse_head(self.buffer)
        if status != 101:
            self.end(status)
            return False
        self.buffer, self.is_open = rest, True
        self.pile.opened(self)
        return not self.is_over

    def frames(self):
        while len(self.buffer) >= 2 and not self.is_over:
            length, head = self.buffer[1] & 0x7f, 2
            if length == 126:
                length, head = int.from_bytes(self.buffer[2:4], "big"), 4
            if len(self.buffer) < head + length:
                return
            opcode, text = self.buffer[0] & 0x0f, self.buffer[head:head + length]
            self.buffer = self.buffer[head + length:]
            if opcode == TEXT:
                self.pile.heard(self, json.loads(text))
            elif opcode == PING:
                self.raw(frame(PONG, text))
            elif opcode == CLOSE:
                self.end(int.from_bytes(text[:2], "big"))


class Flock:
    def __init__(self):
        self.selector = selectors.DefaultSelector()
        self.lines = 0          # how many there were

    def connect(self, port, identity, pile):
        return Line(self, port, identity, pile)

    def look(self, seconds):
        """What comes within that time."""
        until = time.monotonic() + seconds
        while True:
            for key, mask in self.selector.select(max(0, until - time.monotonic())):
                if not key.data.is_over:
                    key.data.ready(mask)
            if time.monotonic() >= until:
                return

    def wait(self, condition, seconds):
        """Seconds until it held, None if it never did."""
        began = time.monotonic()
        while not condition():
            if time.monotonic() - began > seconds:
                return None
            self.look(0.02)
        return time.monotonic() - began

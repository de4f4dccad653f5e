"""forwarder.py - stands between piles and csmsd on TCP, and loses lines.

    with Forwarder(stack.port) as between:
        pile = e2e.Pile(between.port, "CP-1", key)
        between.line("CP-1").die()      nothing is forwarded any more and nothing closed: both ends believe
                                        that the line lives
        between.line("CP-1").live()     and what was said meanwhile arrives
        between.line("CP-1").leave()    the pile's end is closed, and csmsd does not hear of it
        between.last = lambda identity: (bytes, how)
                                        of each new line: how many bytes pass before it ends, and how:
                                        "reset" at both ends, or "die"; None: as many as come

Lines are known by the identity in their request, the newest first.  One thread of the test's process.
Standard library only.
"""
import os
import re
import select
import selectors
import socket
import struct
import threading

CHUNK = 1 << 16
RESET = struct.pack("ii", 1, 0)


class Line:
    """One connection: two sockets.  What changes it is done by the forwarder's thread."""

    def __init__(self, forwarder, pile, csmsd):
        self.forwarder, self.pile, self.csmsd = forwarder, pile, csmsd
        self.identity, self.head = None, b""
        self.passed = {pile: 0, csmsd: 0}    # bytes from there
        self.left, self.how = None, None
        self.open = {pile, csmsd}            # ends that may still say something
        self.watched = set()
        self.closed = self.dead = False

    def other(self, sock):
        return self.csmsd if sock is self.pile else self.pile

    def watch(self, sock):
        self.watched.add(sock)
        self.forwarder.selector.register(sock, selectors.EVENT_READ, self)

    def unwatch(self, sock):
        if sock in self.watched:
            self.watched.discard(sock)
            self.forwarder.selector.unregister(sock)

    def die(self):
        self.forwarder.do(self.kill)

    def kill(self):
        self.dead = True
        for sock in self.open:
            self.unwatch(sock)

    def live(self):
        self.forwarder.do(self.revive)

    def revive(self):
        self.dead = False
        for sock in self.open:
            self.watch(sock)

    def leave(self):
        def left():
            self.kill()
            self.open.discard(self.pile)
            self.pile.close()
        self.forwarder.do(left)

    def reset(self):
        """Both ends, at once."""
        for sock in (self.pile, self.csmsd):
            self.unwatch(sock)
            if sock.fileno() >= 0:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
                sock.close()
        self.open, self.closed = set(), True

    def given_up(self):
        """Has csmsd closed its end, whether anybody reads that or not?"""
        def look():
            if self.closed or self.csmsd not in self.open:
                return True
            poll = select.poll()
            poll.register(self.csmsd, select.POLLRDHUP)
            return bool(poll.poll(0))
        return self.forwarder.do(look)

    def read(self, sock):
        try:
            data = sock.recv(CHUNK)
        except OSError:
            self.reset()
            return
        if data:
            self.forward(sock, data)
            return
        self.unwatch(sock)
        self.open.discard(sock)
        try:
            self.other(sock).shutdown(socket.SHUT_WR)
        except OSError:
            pass
        if not self.open:
            self.reset()

    def forward(self, sock, data):
        if self.identity is None and sock is self.pile:
            self.meet(data)
        whole = data
        if self.left is not None:
            data = data[:self.left]
            self.left -= len(data)
        try:
            self.other(sock).sendall(data)
        except OSError:
            self.reset()
            return
        self.passed[sock] += len(data)
        if self.left == 0 or len(data) < len(whole):
            self.reset() if self.how == "reset" else self.kill()

    def meet(self, data):
        self.head += data
        found = re.match(rb"GET /ocpp/(\S+) ", self.head)
        if found:
            self.identity = found[1].decode()
            self.left, self.how = self.forwarder.last(self.identity) or (None, None)
            self.forwarder.lines.insert(0, self)


class Forwarder:
    def __init__(self, port):
        self.upstream = port
        self.lines = []                        # the newest first
        self.last = lambda identity: None
        self.selector, self.jobs = selectors.DefaultSelector(), []
        self.wake, self.bell = os.pipe()
        self.ending, self.trouble = False, None

    def __enter__(self):
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
        self.port = self.listener.getsockname()[1]
        self.selector.register(self.listener, selectors.EVENT_READ)
        self.selector.register(self.wake, selectors.EVENT_READ)
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()
        return self

    def __exit__(self, *ignored):
        self.ending = True
        os.write(self.bell, b"!")
        self.thread.join()
        for line in self.lines:
            line.reset()
        self.listener.close()
        if self.trouble is not None:
            raise self.trouble

    def line(self, identity):
        """The newest of that pile."""
        return next(line for line in self.lines if line.identity == identity)

    def do(self, what):
        """Has the thread do it, and gives what it gave."""
        done, found = threading.Event(), []

        def job():
            found.append(what())
            done.set()
        self.jobs.append(job)
        os.write(self.bell, b"!")
        while not done.wait(1):
            if self.trouble is not None:
                raise self.trouble
        return found[0]

    def serve(self):
        try:
            while not self.ending:
                for key, _ in self.selector.select():
                    if key.fileobj is self.listener:
                        self.accept()
                    elif key.fileobj == self.wake:
                        os.read(self.wake, 64)
                    elif key.fileobj in key.data.open and not key.data.dead:
                        key.data.read(key.fileobj)
                while self.jobs:
                    self.jobs.pop(0)()
        except Exception as trouble:
            self.trouble = trouble

    def accept(self):
        pile, _ = self.listener.accept()
        csmsd = socket.socket()
        try:
            csmsd.connect(("127.0.0.1", self.upstream))
        except OSError:  # as if nobody listened
            csmsd.close()
            pile.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            pile.close()
            return
        for sock in (pile, csmsd):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        line = Line(self, pile, csmsd)
        for sock in (pile, csmsd):
            line.watch(sock)

"""proxy.py - stands between csmsd and PostgreSQL on a unix socket, and does harm.

    with Proxy(stack) as proxy:
        proxy.install()                      csmsd's configuration leads here from now on
        proxy.slow["joulebook/telemetry"] = 0.5
        proxy.cut(Cut("joulebook/money", "before", "late"))

Connections are known by their application_name.  A cut is carried out once, at the next COMMIT of such a
connection; where it falls is one byte's difference, and what the server's end then hears is another:

    before      all but the last byte of the COMMIT's Execute: the server has not committed
    after       with that byte: it has, and nobody hears of it
    answer      with its answer, but for that one's last byte

    close       both ends at once
    linger      the server's end a second later: the transaction lives on, and holds what it holds
    late        the bytes held back follow after 300 ms: it commits when csmsd is at it again
    half        csmsd hears the end and may still write; the server's end a second later

One thread of the test's process.  Standard library only.
"""
import heapq
import itertools
import os
import selectors
import socket
import struct
import threading
import time
from collections import defaultdict

PLACES = ("before", "after", "answer")
ENDS = ("close", "linger", "late", "half")
LINGER_S, LATE_S = 1, 0.3
CHUNK = 1 << 16
STARTUP = 196608  # protocol 3.0; anything else there is a CancelRequest or the like
COMMITTED = b"C" + struct.pack(">I", 11) + b"COMMIT\0"


class Cut:
    def __init__(self, name, place, end):
        self.name, self.place, self.end = name, place, end

    def __str__(self):
        return f"{self.name} {self.place} {self.end}"


class Line:
    """One connection: two sockets, and what is known of its two streams."""

    def __init__(self, client, server):
        self.client, self.server = client, server
        self.name = None            # application_name, "" for what is no session
        self.up = b""               # not yet a whole message; in a session nothing else is held
        self.committing = self.cut = False
        self.due = {}               # socket -> until when what follows has to wait
        self.open = {client, server}

    def other(self, sock):
        return self.server if sock is self.client else self.client


def application(startup):
    parts = startup[8:].split(b"\0")
    names = dict(zip(parts[::2], parts[1::2]))
    return names.get(b"application_name", b"").decode()


class Proxy:
    def __init__(self, stack):
        self.stack = stack
        self.folder = os.path.join(stack.folder, "proxy")
        self.path = os.path.join(self.folder, ".s.PGSQL.5432")
        self.upstream = os.path.join(stack.run, ".s.PGSQL.5432")
        self.slow = {}                   # application_name -> seconds that its requests take longer
        self.came = defaultdict(list)    # application_name -> when each connection began
        self.wanted, self.done = [], []  # cuts
        self.selector, self.timers, self.count = selectors.DefaultSelector(), [], itertools.count()
        self.ending = False
        self.trouble = None

    def __enter__(self):
        os.mkdir(self.folder)
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(self.path)
        self.listener.listen(64)
        self.selector.register(self.listener, selectors.EVENT_READ)
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()
        return self

    def __exit__(self, *ignored):
        self.ending = True
        self.thread.join()
        if self.trouble is not None:
            raise self.trouble

    def install(self):
        with open(self.stack.config) as source:
            text = source.read()
        with open(self.stack.config, "w") as out:
            out.write(text.replace(f"host={self.stack.run} ", f"host={self.folder} "))

    def cut(self, cut):
        self.wanted.append(cut)

    # -- the loop ---------------------------------------------------------------------------------

    def serve(self):
        try:
            while not self.ending:
                wait = 0.05
                if self.timers:
                    wait = min(wait, max(0, self.timers[0][0] - time.monotonic()))
                for key, _ in self.selector.select(wait):
                    if key.data is None:
                        self.accept()
                    elif key.fileobj in key.data.open:
                        self.read(key.data, key.fileobj)
                while self.timers and self.timers[0][0] <= time.monotonic():
                    heapq.heappop(self.timers)[2]()
        except Exception as trouble:
            self.trouble = trouble

    def later(self, at, what):
        heapq.heappush(self.timers, (at, next(self.count), what))

    def accept(self):
        client, _ = self.listener.accept()
        server = socket.socket(socket.AF_UNIX)
        try:
            server.connect(self.upstream)
        except OSError:  # as if nobody listened
            server.close()
            client.close()
            self.came[None].append(time.monotonic())
            return
        line = Line(client, server)
        for sock in (client, server):
            self.selector.register(sock, selectors.EVENT_READ, line)

    def read(self, line, sock):
        try:
            data = sock.recv(CHUNK)
        except OSError:
            data = b""
        if not data:
            self.forget(line, sock)
            if not line.cut:  # what is on its way still arrives
                self.after(line, sock, lambda: self.close(line))
        elif line.cut:
            pass
        elif sock is line.client:
            self.from_client(line, data)
        else:
            self.from_server(line, data)

    def after(self, line, sock, what):
        now = time.monotonic()
        if sock is line.client:
            line.due[sock] = max(line.due.get(sock, 0), now + self.slow.get(line.name, 0))
        if line.due.get(sock, 0) > now:
            self.later(line.due[sock], what)
        else:
            what()

    def send(self, sock, data):
        try:
            sock.sendall(data)
        except OSError:
            pass  # its end is read soon

    def forget(self, line, sock):
        if sock in line.open:
            line.open.discard(sock)
            self.selector.unregister(sock)

    def close(self, line, which=None):
        for sock in (which,) if which else (line.client, line.server):
            self.forget(line, sock)
            sock.close()

    # -- the protocol -----------------------------------------------------------------------------

    def messages(self, line, data):
        """Whole messages of the client; what is not whole yet waits for the rest."""
        line.up += data
        at = 0
        while True:
            kind = line.name is not None and line.name != ""
            head = 5 if kind else 4
            if len(line.up) - at < head:
                break
            size = struct.unpack_from(">I", line.up, at + head - 4)[0] + head - 4
            if len(line.up) - at < size:
                break
            message = line.up[at:at + size]
            at += size
            if line.name is None:
                session = struct.unpack_from(">I", message, 4)[0] == STARTUP
                line.name = application(message) or "?" if session else ""
                self.came[line.name].append(time.monotonic())
            yield message
        line.up = line.up[at:]

    def from_client(self, line, data):
        passing = b""
        for message in self.messages(line, data):
            if message[:1] == b"P" and b"COMMIT\0" in message:
                line.committing = True
            elif message[:1] == b"E" and line.committing:
                line.committing = False
                cut = self.due_cut(line, ("before", "after"))
                if cut is not None:
                    keep = message if cut.place == "after" else message[:-1]
                    self.send(line.server, passing + keep)
                    self.carry_out(line, cut, message[len(keep):])
                    return
            passing += message
        if passing:
            self.after(line, line.client, lambda: self.send(line.server, passing))

    def from_server(self, line, data):
        at = data.find(COMMITTED)
        cut = self.due_cut(line, ("answer",)) if at >= 0 else None
        if cut is None:
            self.send(line.client, data)
            return
        self.send(line.client, data[:at + len(COMMITTED) - 1])
        self.carry_out(line, cut, b"")

    def due_cut(self, line, places):
        for cut in self.wanted:
            if cut.name == line.name and cut.place in places:
                self.wanted.remove(cut)
                return cut
        return None

    def carry_out(self, line, cut, held_back):
        line.cut = True
        self.done.append(cut)
        now = time.monotonic()
        if cut.end == "half":
            line.client.shutdown(socket.SHUT_WR)
        else:
            self.close(line, line.client)
        if cut.end == "close":
            self.close(line, line.server)
            return
        if cut.end == "late":
            self.later(now + LATE_S, lambda: self.send(line.server, held_back))
        self.later(now + LINGER_S, lambda: self.close(line))

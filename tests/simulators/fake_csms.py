"""fake_csms.py - a small central system for tests of pilesim: its own websocket server, no library.

It answers what a pile needs and misbehaves when told to: it can swallow a CALL (or its answer), say
CALLERROR, drop the connection, and send CALLs of its own.  Each frame is kept in `frames`.
"""
import base64
import hashlib
import json
import socket
import struct
import threading
import time
import urllib.parse

PATIENCE = 12  # a busy machine gets that many times as long as a quiet one needs at most

GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


def now_text():
    return time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime())


class Connection:
    """One websocket, after the handshake."""

    def __init__(self, sock, identity, authorization):
        self.sock = sock
        self.identity = identity
        self.authorization = authorization
        self.buffer = b""
        self.lock = threading.Lock()
        self.open = True

    def read(self, count):
        while len(self.buffer) < count:
            chunk = self.sock.recv(65536)
            if not chunk:
                raise ConnectionError("closed")
            self.buffer += chunk
        taken, self.buffer = self.buffer[:count], self.buffer[count:]
        return taken

    def frame(self):
        """The next text message; control frames are dealt with here."""
        text = b""
        while True:
            first, second = self.read(2)
            length = second & 127
            if length == 126:
                length = struct.unpack(">H", self.read(2))[0]
            elif length == 127:
                length = struct.unpack(">Q", self.read(8))[0]
            if not second & 128:
                raise ConnectionError("a client must mask")
            mask = self.read(4)
            payload = bytes(b ^ mask[i % 4] for i, b in enumerate(self.read(length)))
            opcode = first & 15
            if opcode == 8:
                self.write(8, payload[:2])
                raise ConnectionError("closed by the pile")
            if opcode == 9:
                self.write(10, payload)
                continue
            text += payload
            if first & 128:
                return text.decode()

    def write(self, opcode, payload):
        head = bytes([128 | opcode])
        if len(payload) < 126:
            head += bytes([len(payload)])
        else:
            head += bytes([126]) + struct.pack(">H", len(payload))
        with self.lock:
            self.sock.sendall(head + payload)

    def send(self, message):
        self.write(1, json.dumps(message).encode())

    def close(self):
        self.open = False
        try:
            self.sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.sock.close()


class FakeCsms:
    """`rule(identity, action, payload, nth)` decides on each CALL; nth counts that action.

    It returns None (answer properly), "ignore", "drop" (close at once), "drop-after" (take it in,
    close without the answer), or ("error", code).
    """

    def __init__(self, rule=None, port=0):
        self.rule = rule or (lambda identity, action, payload, nth: None)
        self.server = socket.create_server(("127.0.0.1", port), backlog=1024)
        self.port = self.server.getsockname()[1]
        self.connections = {}
        self.frames = []     # (identity, direction, message, time)
        self.answers = {}    # our CALL's id -> message
        self.counts = {}
        self.starts = {}     # content of a start -> transactionId: known by what it says
        self.refuse = False  # answer upgrades with 503
        self.reset = False   # reset each connection at once
        self.statuses = {}   # idTag -> status, otherwise Accepted
        self.accept_calls = True
        self.lock = threading.Lock()
        threading.Thread(target=self.listen, daemon=True).start()

    @property
    def url(self):
        return f"ws://127.0.0.1:{self.port}/ocpp"

    def listen(self):
        while True:
            try:
                sock, _ = self.server.accept()
            except OSError:
                return
            if self.reset:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                sock.close()
                continue
            threading.Thread(target=self.serve, args=(sock,), daemon=True).start()

    def handshake(self, sock):
        head = b""
        while b"\r\n\r\n" not in head:
            chunk = sock.recv(4096)
            if not chunk:
                return None
            head += chunk
        lines = head.split(b"\r\n\r\n")[0].decode("latin-1").split("\r\n")
        path = lines[0].split(" ")[1]
        headers = {k.strip().lower(): v.strip() for k, v in (l.split(":", 1) for l in lines[1:])}
        if self.refuse:
            sock.sendall(b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nContent-Length: 0\r\n\r\n")
            return None
        accept = base64.b64encode(hashlib.sha1(headers["sec-websocket-key"].encode() + GUID).digest())
        sock.sendall(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                     b"Sec-WebSocket-Protocol: ocpp1.6\r\nSec-WebSocket-Accept: " + accept + b"\r\n\r\n")
        identity = urllib.parse.unquote(path.rsplit("/", 1)[1])
        return Connection(sock, identity, headers.get("authorization"))

    def serve(self, sock):
        connection = None
        try:
            connection = self.handshake(sock)
            if connection is None:
                return
            with self.lock:
                self.connections[connection.identity] = connection
            while True:
                self.take(connection, json.loads(connection.frame()))
        except (OSError, ConnectionError, ValueError):
            pass
        finally:
            if connection:
                connection.open = False
            sock.close()

    def take(self, connection, message):
        with self.lock:
            self.frames.append((connection.identity, "in", message, time.time()))
        if message[0] != 2:
            self.answers[message[1]] = message
            return
        _, message_id, action, payload = message
        key = (connection.identity, action)
        self.counts[key] = self.counts.get(key, 0) + 1
        verdict = self.rule(connection.identity, action, payload, self.counts[key])
        if verdict == "drop":
            connection.close()
            raise ConnectionError("dropped")
        if verdict == "ignore":
            return
        if isinstance(verdict, tuple):
            self.say(connection, [4, message_id, verdict[1], "as the test wants", {}])
            return
        answer = self.confirmation(connection.identity, action, payload)
        if verdict == "drop-after":
            connection.close()
            raise ConnectionError("dropped")
        self.say(connection, [3, message_id, answer])

    def say(self, connection, message):
        with self.lock:
            self.frames.append((connection.identity, "out", message, time.time()))
        connection.send(message)

    def confirmation(self, identity, action, payload):
        status = self.statuses.get(payload.get("idTag"), "Accepted")
        if action == "BootNotification":
            return {"status": "Accepted", "currentTime": now_text(), "interval": 300}
        if action == "Heartbeat":
            return {"currentTime": now_text()}
        if action == "Authorize":
            return {"idTagInfo": {"status": status}}
        if action == "StartTransaction":
            content = (identity, payload["connectorId"], payload["idTag"], payload["timestamp"], payload["meterStart"])
            with self.lock:
                number = self.starts.setdefault(content, 1000 + len(self.starts))
            return {"transactionId": number, "idTagInfo": {"status": status}}
        return {}

    def call(self, identity, action, payload, timeout=5):
        """Sends a CALL of ours and returns the pile's whole answer."""
        message_id = f"c{len(self.answers)}-{time.time_ns()}"
        self.say(self.connections[identity], [2, message_id, action, payload])
        self.wait(lambda: message_id in self.answers, timeout, f"the answer to {action}")
        return self.answers[message_id]

    def calls(self, action=None, identity=None):
        """The CALLs that came in, as (payload, id, time)."""
        with self.lock:
            return [(m[3], m[1], at) for i, d, m, at in self.frames
                    if d == "in" and m[0] == 2 and action in (None, m[2]) and identity in (None, i)]

    def order(self, identity=None):
        with self.lock:
            return [m[2] for i, d, m, _ in self.frames if d == "in" and m[0] == 2 and identity in (None, i)]

    @staticmethod
    def wait(condition, timeout, what):
        deadline = time.monotonic() + timeout * PATIENCE
        while not condition():
            if time.monotonic() > deadline:
                raise TimeoutError(f"no {what} within {timeout * PATIENCE} s")
            time.sleep(0.02)

    def up(self, identity):
        connection = self.connections.get(identity)
        return connection is not None and connection.open

    def drop(self, identity):
        self.connections[identity].close()

    def stop(self):
        self.server.close()
        for connection in self.connections.values():
            connection.close()

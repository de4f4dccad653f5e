"""crowd.py - many piles at once, each with a card and a wallet of its own, and without a key unless told."""
import json
import selectors
import time

from charging import PATIENCE
import e2e
from wire import CLOSE, PING, PONG, TEXT, frame

TARIFF = json.dumps(e2e.TARIFF)
FURNISHED_AT_ONCE = 1000    # a login's statement may take 30 s


def furnish(stack, count, profile=0):
    """Piles F-0, F-1, ... with cards CARD-0, ... of customers C-0, ..., who have money.
    In service for a month, so that an hour ago is a time like any other."""
    stack.value("SELECT core.make_login('f.admin', 'admin', 'all'), core.make_login('f.cashier', 'cashier', 'all')")
    stack.value(f"""
        SELECT management.register_site(site => 'F', name => 'F', kind => 'bus_depot', zone => 'Asia/Shanghai',
            currency => 'CNY');
        SELECT management.publish_tariff(code => 'F', document => '{TARIFF}', site => 'F',
            valid_from => now() - interval '20 days')""", user="f.admin")
    for first in range(0, count, FURNISHED_AT_ONCE):
        furnish_some(stack, f"generate_series({first}, {min(first + FURNISHED_AT_ONCE, count) - 1}) AS i", profile)
    # Only what is filled: after an ANALYZE of a table that is still empty the planner scans it whole.
    stack.value("""ANALYZE core.station, core.connector, core.customer, core.card, ledger.account,
        ledger.account_balance""")


def furnish_some(stack, some, profile):
    stack.value(f"""
        SELECT count(management.register_pile(charge_point_id => 'F-' || i, site => 'F', protection => 'IP54',
                security_profile => '{profile}', in_service_since => now() - interval '30 days')),
            count(management.register_connector(charge_point_id => 'F-' || i, connector_id => 1, kind => 'DC',
                max_power_kw => 120)) FROM {some};
        SELECT count(management.register_user(customer => 'C-' || i, currency => 'CNY', site => 'F', name => 'Li')),
            count(management.register_card(id_tag => 'CARD-' || i, customer => 'C-' || i)) FROM {some}""",
                user="f.admin")
    stack.value(f"""SELECT count(operation.top_up(amount => 1000, currency => 'CNY', channel => 'cash',
        external_no => 'R-' || i, customer => 'C-' || i)) FROM {some}""", user="f.cashier")


def pile(port, index, key=b"no key"):
    return e2e.Pile(port, f"F-{index}", key)


class Crowd:
    """Piles on sockets that block nobody: one CALL each, and how long its answer took."""

    def __init__(self, port, count):
        self.selector = selectors.DefaultSelector()
        self.piles = []
        for index in range(count):
            one = pile(port, index)
            one.call("BootNotification", chargePointVendor="V", chargePointModel="M")
            one.wire.socket.setblocking(False)
            self.selector.register(one.wire.socket, selectors.EVENT_READ, one)
            self.piles.append(one)
        self.waiting = {}   # index -> when it should have been sent

    def send(self, index, action, due, **payload):
        one = self.piles[index]
        one.count += 1
        one.wire.send(json.dumps([2, f"{index}:{one.count}", action, payload]))
        self.waiting[index] = due

    def answers(self, until):
        """(index, seconds, the CALLRESULT's payload) of what comes until then."""
        while True:
            wait = until - time.monotonic()
            for key, _ in self.selector.select(max(0, wait)):
                one = key.data
                piece = one.wire.socket.recv(65536)
                if not piece:
                    raise ConnectionError("csmsd has closed a pile's connection")
                one.wire.buffer += piece
                yield from self.read(one)
            if wait <= 0:
                return

    def read(self, one):
        buffer = one.wire.buffer
        while len(buffer) >= 2:
            length, head = buffer[1] & 0x7f, 2
            if length == 126:
                length, head = int.from_bytes(buffer[2:4], "big"), 4
            if len(buffer) < head + length:
                break
            opcode, text, buffer = buffer[0] & 0x0f, buffer[head:head + length], buffer[head + length:]
            if opcode == PING:
                one.wire.raw(frame(PONG, text))
            elif opcode == CLOSE:
                raise ConnectionError(f"csmsd has closed a pile's connection: {text[2:].decode()}")
            elif opcode == TEXT:
                message = json.loads(text)
                if message[0] != 3:
                    raise ConnectionError(f"a pile heard {message}")
                index = int(message[1].partition(":")[0])
                yield index, time.monotonic() - self.waiting.pop(index), message[2]
        one.wire.buffer = buffer

    def round(self, order, rate, call):
        """call(index) -> (action, payload) for each of `order`, so many a second; {index: (seconds, payload)}.
        Timed from when each was due, whenever it left."""
        begin, found = time.monotonic(), {}
        for number, index in enumerate(order):
            due = begin + number / rate
            found |= {i: (took, payload) for i, took, payload in self.answers(due)}
            action, payload = call(index)
            self.send(index, action, due, **payload)
        give_up = time.monotonic() + 10 * PATIENCE
        while self.waiting and time.monotonic() < give_up:
            found |= {i: (took, payload) for i, took, payload in self.answers(time.monotonic() + 0.02)}
        if self.waiting:
            raise TimeoutError(f"{len(self.waiting)} piles were never answered")
        return found

"""nth_handlers.py - what is played while the N-th allocation or call of libpq fails; see nth.py.

Each function here gives a once(): it acts while the fault is armed, and returns what puts things right when
it no longer is.
"""
import json
import os
import select
import signal
import time
import urllib.error

from charging import PATIENCE

from nth_house import COMES_AGAIN, LIMIT_S, Charge, hurry, must, unsettled
from wire import CLOSE, PONG, TEXT, Closed, frame

FINAL = ("accepted", "rejected", "refused", "call_error", "timed_out", "unknown", "expired", "cancelled")
OVERDUE_S = 4      # what was sent has been answered by then, or its time (2 s) is over
LOOKS_S = 2.2      # in so long csmsd has looked at everything once
# What csmsd says when it cannot begin (sysexits.h): no service, no memory or thread, no file, the settings.
BEGINS_NOT = (69, 71, 73, 75, 78)


class Messages:
    """What piles say, on a connection that is there already."""

    def __init__(self, house):
        self.house, self.pile, self.charge = house, None, None
        house.talks.append(self)

    def ready(self):
        """A pile that may come again a few times more."""
        if self.pile is None or self.pile.came >= COMES_AGAIN:
            self.end()
            if self.pile is not None:
                self.pile.leave()
            self.pile, self.charge = self.house.new_pile().boot(), None
        return self.pile.connect()

    def plain(self, action):
        def once():
            payload = self.pile.payload(action)
            answer = self.pile.try_once(action, payload)

            def mend():
                if answer is None:
                    self.pile.call(action, **payload)
                self.ready()
            return mend
        self.ready()
        return once

    def start(self):
        def once():
            charge = Charge(self.pile)
            payload = charge.start_payload()
            answer = self.pile.try_once("StartTransaction", payload)

            def mend():
                charge.transaction = (answer or self.pile.call("StartTransaction", **payload))["transactionId"]
                charge.stop()
                self.ready()
            return mend
        self.ready()
        return once

    def stop(self):
        def once():
            payload = self.charge.stop_payload()
            answer = self.pile.try_once("StopTransaction", payload)

            def mend():
                if answer is None:
                    self.pile.call("StopTransaction", **payload)
                self.charge.over = True
                self.next()
            return mend
        self.next()
        return once

    def next(self):
        self.end()
        self.charge = Charge(self.ready()).start()

    def read(self):
        def once():
            payload = self.charge.read_payload()
            answer = self.pile.try_once("MeterValues", payload)

            def mend():
                if answer is None:
                    self.pile.call("MeterValues", **payload)
                self.charge.stop()
                self.next()
            return mend
        self.next()
        return once

    def of(self, action):
        self.end()
        special = {"StartTransaction": self.start, "StopTransaction": self.stop, "MeterValues": self.read}
        return special.get(action, lambda: self.plain(action))()

    def end(self):
        if self.charge is not None and not self.charge.over:
            self.charge.stop()
        self.charge = None


def connecting(house):
    """The upgrade, the take-over, the first words."""
    talk = Messages(house)

    def once():
        answer = talk.pile.try_once("Heartbeat", {})

        def mend():
            if answer is None:
                talk.pile.call("Heartbeat")
            talk.ready().leave()
        return mend
    talk.ready().leave()
    return once


def page(house, path):
    def once():
        try:
            house.stack.page(path)
        except urllib.error.HTTPError as error:
            must(f"{path} is refused with 503 alone", error.code == 503, error.code)
        except OSError:
            pass

        def mend():
            house.wait(house.stack.ready, "readiness")
            must(f"{path} says something", house.stack.page(path))
        return mend
    return once


class Commands:
    """One CALL of ours and its answer."""

    def __init__(self, house):
        self.house, self.stack, self.talk, self.ends = house, house.stack, Messages(house), {}

    def insert(self, action):
        payload = json.dumps(self.house.samples[action, "req"]).replace("'", "''")
        return self.stack.value(f"""INSERT INTO core.command (station_id, action, payload, deadline, actor)
            SELECT id, '{action}', '{payload}', now() + interval '20 s', 'nth' FROM core.station
            WHERE identity = '{self.talk.pile.name}' RETURNING id""")

    def listen(self, seconds):
        """A CALL, which is answered; False: none came, or the connection was closed."""
        try:
            link = self.talk.pile.connect().link
            while link.wire.buffer or select.select([link.wire.socket], [], [], seconds)[0]:
                opcode, text = link.wire.frame()
                if opcode == TEXT:
                    _, number, action, _ = json.loads(text)
                    link.wire.send(json.dumps([3, number, self.house.samples[action, "conf"]]))
                    return True
                if opcode == CLOSE:
                    raise Closed(None)
                link.wire.raw(frame(PONG, text))
            return False
        except (Closed, ConnectionError):
            self.talk.pile.leave()
            return False

    def state(self, number):
        return self.stack.value(f"SELECT state FROM core.command WHERE id = {number}")

    def of(self, action):
        def once():
            number, heard = self.insert(action), 0
            end = time.monotonic() + LIMIT_S * PATIENCE
            while self.state(number) not in FINAL and not self.house.fault.failed() and time.monotonic() < end:
                heard += self.listen(0.1)
            return lambda: self.mend(action, number, heard)
        self.talk.ready()
        self.mend(action, self.insert(action), 0)   # what it ends as without a fault
        return once

    def mend(self, action, number, heard):
        began = time.monotonic()
        while (state := self.state(number)) not in FINAL and time.monotonic() < began + LIMIT_S * PATIENCE:
            heard += self.listen(0.1)
            if time.monotonic() > began + OVERDUE_S:   # its end was lost: the clock's job ends it, 11 minutes later
                self.stack.value(f"""UPDATE core.command SET sent_at = sent_at - interval '11 minutes'
                    WHERE id = {number} AND state = 'sent' AND sent_at > now() - interval '10 minutes'""")
                hurry(self.stack)
        wanted = self.ends.setdefault(action, state)
        may = (wanted, "unknown", "timed_out") if heard else ("unknown", "timed_out", "refused", "expired")
        must(f"{action} ends as it must", heard <= 1 and state in may,
             f"{state}, received {heard} times, {wanted} without a fault")
        self.talk.ready()


def settlement(house):
    talk = Messages(house)

    def once():
        charge = talk.charge
        charge.stop()
        ours, end = f"AND transaction_id = {charge.transaction}", time.monotonic() + LIMIT_S * PATIENCE
        while unsettled(house.stack, ours) and not house.fault.failed():
            must("a bill is made", time.monotonic() < end)

        def mend():
            house.wait(lambda: not unsettled(house.stack, ours), "the settlement")
            talk.next()
        return mend
    talk.next()
    return once


def reload(house):
    log = os.path.join(house.stack.folder, "csmsd.log")

    def told(since):
        with open(log, errors="replace") as file:
            file.seek(since)
            return "csmsd.reload" in file.read()

    def hup(until):
        since = os.path.getsize(log)
        house.stack.csmsd.send_signal(signal.SIGHUP)
        house.wait(lambda: told(since) or until(), "the reload")

    def once():
        hup(house.fault.failed)
        return lambda: hup(bool)
    return once


def reconnecting(house):
    """Every connection to the database is lost, and made again."""
    def once():
        house.stack.value("""SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity
            WHERE application_name LIKE 'joulebook/%'""")
        end = time.monotonic() + LIMIT_S * PATIENCE
        while (not up(house) or not house.stack.ready()) and not house.fault.failed():
            house.alive("its connections are lost")
            must("it is ready again", time.monotonic() < end)
        return lambda: house.wait(lambda: up(house) and house.stack.ready(), "readiness")
    return once


def up(house):
    """Both lanes, the listener, a looker and the workers."""
    names = house.stack.value("""SELECT count(DISTINCT application_name) FROM pg_stat_activity
        WHERE application_name LIKE 'joulebook/%'""")
    return int(names) >= 5


def by_itself(house):
    """What the clock brings."""
    def once():
        end = time.monotonic() + LOOKS_S
        while not house.fault.failed() and time.monotonic() < end:
            time.sleep(0.02)
        return lambda: house.wait(house.stack.ready, "readiness")
    return once


def starting(house):
    """It begins, or says that it cannot, and ends at once when it is told to."""
    stack = house.stack

    def once():
        stack.start_csmsd(wait=False)
        end = time.monotonic() + LIMIT_S * PATIENCE
        while stack.csmsd.poll() is None and not serves(stack):
            must("it begins or ends", time.monotonic() < end)
            time.sleep(0.01)
        return mend

    def mend():
        if stack.csmsd.poll() is None:
            house.wait(stack.ready, "readiness")
            stack.csmsd.terminate()
            must("it ends", stack.csmsd.wait(LIMIT_S) == 0, stack.csmsd.returncode)
        elif stack.csmsd.returncode not in BEGINS_NOT:
            must("it says that it cannot begin", False, stack.csmsd.returncode)
        stack.csmsd = None
    return once


def serves(stack):
    try:
        return stack.page("/readyz") != ""
    except OSError:
        return False

"""halfopen.py - lines that forward nothing more and are closed by nobody.

Both ends believe that the line lives.  csmsd pings, hears nothing, and gives it up after dead_s: the
pile is shown as offline, and of a command on its way nobody knows what became of it, or it is sent
again if that does no harm.  A pile that comes back on a new line is served there at once; when the old
line comes to life again, nothing of what it brings, its end included, touches the new one.  The same
while PostgreSQL answers slowly, and while somebody holds the row of the connection.
"""
import concurrent.futures
import json
import random
import select
import struct
import subprocess
import threading
import time
from fractions import Fraction

from charging import PATIENCE, Stack, arguments, check
from forwarder import Forwarder
from proxy import Proxy

import crowd
import e2e
import outage
from evidence_house import price
from wire import CLOSE, PING, PONG, PATIENCE_S, TEXT, Closed, Wire, frame

PING_S, DEAD_S = 2, 8
TAKE_OVER_S = 5
GOODBYE_S = 5        # so long csmsd waits for a pile's end of a line that it closes
SLOW_S = 0.7
FIRST_WH, LAST_WH = 1000, 1500
CONFIG = f"ocpp {{ ping_s = {PING_S} dead_s = {DEAD_S} }}\nlimits {{ accepts_per_s = 100000 }}\n"
AT_ONCE = 30


class House:
    def __init__(self, stack, between, count):
        self.stack, self.between, self.charges = stack, between, {}
        crowd.furnish(stack, count, profile=1)
        stack.value("SELECT core.make_login('f.operator', 'operator', 'all')")
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            self.keys = list(pool.map(self.key, range(count)))

    def key(self, index):
        done = subprocess.run([self.stack.program("csms"), "pile", "key", "--config", self.stack.config, "--database",
                               self.stack.conninfo("f.operator"), f"F-{index}"],
                              check=True, capture_output=True, text=True)
        return bytes.fromhex(done.stdout.strip())

    def connect(self, index, first=0):
        """A pile on a new line, and served there; its messages are numbered from `first`."""
        end = time.monotonic() + PATIENCE_S
        while True:
            try:
                one = crowd.pile(self.between.port, index, self.keys[index])
                one.count = first
                bound(one.wire)
                one.call("Heartbeat")
                return one
            except (Closed, ConnectionError):    # not known yet, or not taken over
                if time.monotonic() > end:
                    raise
                time.sleep(0.1)

    def line(self, index):
        return self.between.line(f"F-{index}")

    def command(self, index, again):
        """One that may be sent again, or one that may not."""
        if again:
            return self.stack.value(f"""SELECT api.command_add(s, 'TriggerMessage',
                '{{"requestedMessage": "Heartbeat"}}', NULL, NULL, 3600) ->> 'commandId'
                FROM core.station s WHERE s.identity = 'F-{index}'""")
        return self.stack.value(f"""SELECT operation.remote_start(charge_point_id => 'F-{index}',
            id_tag => 'CARD-{index}', connector_id => 1, deadline_s => 3600) ->> 'commandId'""", user="f.operator")

    def state(self, number):
        return self.stack.value(f"SELECT state FROM query.command WHERE command_id = {number}", user="f.operator")

    def becomes(self, number, state):
        self.stack.wait(lambda: self.state(number) == state, 5, f"a command that is {state}")

    def shown(self, index):
        """Is it online, by the view of piles and by that of connectors?  And why not?"""
        return self.stack.rows(f"""SELECT p.is_online, c.is_online, p.disconnect_reason FROM query.pile p
            JOIN query.connector_now c USING (pile) WHERE p.pile = 'F-{index}' AND c.connector = 1""",
                               user="f.operator")[0]

    def epoch(self, index):
        """Whose line it is by now."""
        return int(self.stack.value(f"""SELECT c.epoch FROM core.station_connection c
            JOIN core.station s ON s.id = c.station_id WHERE s.identity = 'F-{index}'"""))

    def online(self, index, epoch):
        wanted = ["t", "t", ""], epoch
        found = self.shown(index), self.epoch(index)
        if found != wanted:
            raise AssertionError(f"F-{index} is {found}, not {wanted}")

    def start(self, index):
        return {"connectorId": 1, "idTag": f"CARD-{index}", "meterStart": FIRST_WH, "timestamp": e2e.now(-60)}

    def started(self, index, answer):
        self.charges[index] = answer[2]["transactionId"]
        return {"transactionId": self.charges[index], "meterStop": LAST_WH, "timestamp": e2e.now()}


def bound(wire):
    """Who is pinged hears something for ever; what it waits for has to come in time."""
    frame_of, end = wire.frame, time.monotonic() + PATIENCE_S

    def next_frame():
        if time.monotonic() > end:
            raise TimeoutError("nothing but pings has come")
        return frame_of()
    wire.frame = next_frame


def heard_at_last(one):
    """What a line still says until its end, but for pings."""
    opcodes = []
    try:
        while True:
            opcode, payload = one.wire.frame()
            if opcode == CLOSE:
                opcodes.append((CLOSE, struct.unpack(">H", payload[:2])[0]))
            elif opcode != PING:
                opcodes.append((opcode, payload))
    except Closed:
        return opcodes


def hears_nothing_foreign(one):
    """What has come on this line beside the answers to what was said on it: pings alone."""
    while one.wire.buffer or select.select([one.wire.socket], [], [], 0.2)[0]:
        opcode, payload = one.wire.frame()
        if opcode != PING:
            raise AssertionError(f"the new line has heard {opcode} {payload}")
        one.wire.raw(frame(PONG, payload))


class Watch(threading.Thread):
    """When csmsd gives up each of these lines."""

    def __init__(self, lines):
        super().__init__(daemon=True)
        self.lines, self.ended = lines, {}
        self.start()

    def run(self):
        while len(self.ended) < len(self.lines):
            for name, line in self.lines.items():
                if name not in self.ended and line.given_up():
                    self.ended[name] = time.monotonic()
            time.sleep(0.02)


class Quiet(threading.Thread):
    """A pile on a live line that says nothing and answers pings, for as long as it takes."""

    def __init__(self, one):
        super().__init__(daemon=True)
        self.one, self.pings, self.trouble = one, 0, None
        self.start()

    def run(self):
        try:
            while True:
                opcode, payload = Wire.frame(self.one.wire)
                if opcode != PING:
                    raise AssertionError(f"a quiet pile has heard {opcode} {payload}")
                self.one.wire.raw(frame(PONG, payload))
                self.pings += 1
        except Exception as trouble:
            self.trouble = trouble


# What csmsd is at when the line falls silent: was the command heard by the pile, may it be sent again?
SILENT = {"idle": None, "heard": (True, False), "heard, repeatable": (True, True), "not heard": (False, False),
          "not heard, repeatable": (False, True)}


class Silent:
    """Piles whose lines fall silent, and csmsd alone can find out."""

    def __init__(self, house, indices):
        self.house, self.index = house, dict(zip(SILENT, indices))
        self.number, self.spoke, self.lines = {}, {}, {}
        for kind, command in SILENT.items():
            self.silence(kind, *(command or (None, None)))
        self.watch = Watch(self.lines)

    def silence(self, kind, heard, again):
        index = self.index[kind]
        one, self.lines[kind] = self.house.connect(index), self.house.line(index)
        if heard:
            self.number[kind] = self.house.command(index, again)
            json.loads(one.wire.receive())
        self.spoke[kind] = time.monotonic()
        one.call("Heartbeat")
        self.lines[kind].die()
        if heard is False:
            self.number[kind] = self.house.command(index, again)
            self.house.becomes(self.number[kind], "sent")

    def noticed(self):
        self.watch.join(DEAD_S * PATIENCE)
        check("csmsd has given up every line that was silent", not self.watch.is_alive(), sorted(self.watch.ended))
        took = {kind: round(self.watch.ended[kind] - self.spoke[kind], 1) for kind in SILENT}
        check(f"none before {DEAD_S} s were over", min(took.values()) > DEAD_S - 0.2, took)

    def known(self):
        for kind, index in self.index.items():
            self.house.stack.wait(lambda: self.house.shown(index)[0] == "f", 20, "the word of it")
            found = self.house.shown(index)
            check(f"{kind}: shown as offline, with the reason", found == ["f", "f", "no sign of life"], found)
            if kind in self.number:
                self.house.becomes(self.number[kind], "queued" if SILENT[kind][1] else "unknown")
        print("ok - of what was on its way nobody knows the end, or it waits to be sent again", flush=True)

    def back(self):
        for kind, index in self.index.items():
            one = self.house.connect(index, 1000)
            if kind in self.number and SILENT[kind][1]:
                sent = one.command({"status": "Accepted"})
                check(f"{kind}: sent again under another number",
                      sent[1:3] == [f"jb-{self.number[kind]}-2", "TriggerMessage"], sent)
                self.house.becomes(self.number[kind], "accepted")
            hears_nothing_foreign(one)
            if kind in self.number and not SILENT[kind][1]:
                check(f"{kind}: never sent again", self.house.state(self.number[kind]) == "unknown")
            one.wire.socket.close()


def taken_over(house, index, again, revived_s, stop_first):
    """A line that dies with a command on its way, its successor, and the old one's late return; how long until the
    new one was served."""
    old = house.connect(index)
    stop = house.started(index, old.call("StartTransaction", **house.start(index)))
    number = house.command(index, again)
    asked = json.loads(old.wire.receive())
    line, epoch = house.line(index), house.epoch(index)
    line.die()
    old.wire.send(json.dumps([2, "late", "StopTransaction", stop]))
    old.wire.send(json.dumps([3, asked[1], {"status": "Accepted"}]))
    old.wire.raw(frame(CLOSE, struct.pack(">H", 1000)))
    began = time.monotonic()
    new = house.connect(index, 1000)
    took = time.monotonic() - began
    house.online(index, epoch + 1)
    if again:
        sent = new.command({"status": "Accepted"})
        if sent[1] != f"jb-{number}-2":
            raise AssertionError(f"the command came as {sent}")
    else:
        house.becomes(number, "unknown")
    if stop_first:
        confirmed(new, stop)
    time.sleep(max(0, began + revived_s - time.monotonic()))
    line.live()
    late = heard_at_last(old)
    if late not in ([], [(CLOSE, 1001)]):
        raise AssertionError(f"the old line has heard {late}")
    house.stack.wait(line.given_up, 20, "the end of the old line")
    if not stop_first:
        confirmed(new, stop)
    the_new_one_alone(house, index, new, epoch + 1)
    if house.state(number) != ("accepted" if again else "unknown"):
        raise AssertionError(f"the command is {house.state(number)}")
    return took


def confirmed(one, stop):
    answer = one.call("StopTransaction", **stop)
    if answer[0] != 3:
        raise AssertionError(f"a Stop was answered {answer}")


def the_new_one_alone(house, index, new, epoch):
    """It is online, gets what is sent to the pile, and nothing of what was said on the old line is answered there."""
    house.online(index, epoch)
    number = house.command(index, False)
    new.command({"status": "Accepted"})
    house.becomes(number, "accepted")
    new.call("Heartbeat")
    hears_nothing_foreign(new)
    house.online(index, epoch)
    new.wire.socket.close()


def in_work(house, index, chance):
    """The line dies with a Start on its way through a slow database, and the pile says it again on a new one."""
    old, line, epoch = house.connect(index), house.line(index), house.epoch(index)
    start, passed = house.start(index), line.passed[line.pile]
    old.wire.send(json.dumps([2, "late", "StartTransaction", start]))
    house.stack.wait(lambda: line.passed[line.pile] > passed, 5, "the Start on its way")
    time.sleep(chance.uniform(0, SLOW_S))
    line.die()
    began = time.monotonic()
    new = house.connect(index, 1000)
    took = time.monotonic() - began
    answer = new.call("StartTransaction", **start)
    line.live()
    heard = [json.loads(text)[1] for opcode, text in heard_at_last(old) if opcode == TEXT]
    if heard not in ([], ["late"]):  # it may have been answered before the line was dead
        raise AssertionError(f"the old line has heard {heard}")
    confirmed(new, house.started(index, answer))
    the_new_one_alone(house, index, new, epoch + 1)
    return took


def vanished(house, index, line, epoch):
    """The pile is gone, csmsd finds out while its database is slow, and in this moment the pile is back."""
    house.stack.wait(line.given_up, DEAD_S + 5, "the end of a line without a pile")
    new = house.connect(index, 1000)
    time.sleep(3 * SLOW_S)    # until the end of the old one has been written, too
    the_new_one_alone(house, index, new, epoch + 1)


def rows_held(house, indices):
    """Somebody holds the connections' rows while the old lines are closed and the new ones want to be taken over: the
    word of those closes, however late, is not of the new lines."""
    epochs, lines = {}, {}
    for index in indices:
        house.connect(index)
        epochs[index], lines[index] = house.epoch(index), house.line(index)
    names = ", ".join(f"'F-{index}'" for index in indices)
    holder = outage.holding(house.stack, f"""SELECT FROM core.station_connection WHERE station_id IN
        (SELECT id FROM core.station WHERE identity IN ({names}))""")

    def back(index):
        new = house.connect(index, 1000)
        time.sleep(1)
        if house.epoch(index) <= epochs[index]:
            raise AssertionError(f"the epoch of F-{index} is still {epochs[index]}")
        the_new_one_alone(house, index, new, house.epoch(index))

    def let_go():
        for line in lines.values():
            house.stack.wait(line.given_up, 2 * GOODBYE_S, "the end of the old line")
        outage.let_go(house.stack, holder)
    for line in lines.values():
        line.die()
    together("a close that is held up for a while is not the new line's", [(let_go,), *((back, index) for index in indices)])


def books(house, count):
    stack = house.stack
    stack.wait(lambda: settled(stack), 60, "the bills")
    found = sorted((number, pile, Fraction(energy or -1), Fraction(amount or -1), state) for number, pile, energy, amount, state
                   in stack.rows("SELECT transaction_id, pile, energy_kwh, amount, state FROM query.session", user="f.admin"))
    wanted = sorted((str(number), f"F-{index}", Fraction(LAST_WH - FIRST_WH, 1000), price(LAST_WH - FIRST_WH), "settled")
                    for index, number in house.charges.items())
    check(f"each of {count} charges is one, and billed once, exactly", found == wanted and len(found) == count,
          [each for each in found if each not in wanted][:3] or "")
    check("none waits for a decision", stack.value("SELECT count(*) FROM query.review") == "0")
    check("no invariant is violated", stack.value("SELECT count(*) FROM ledger.invariants()") == "0")


def settled(stack):
    stack.value("UPDATE core.job SET run_at = now() WHERE kind = 'settle' AND state = 'queued'")
    return stack.value("SELECT count(*) FROM core.job WHERE kind = 'settle' AND state IN ('queued', 'running')") == "0"


def both_ways(house, indices, chance):
    """Take-overs with each kind of command, the old line revived while csmsd still waits for its end, and after that;
    in a long run at any instant."""
    times = (0, 1, GOODBYE_S + 1.5)
    plan = [(index, bool(at & 1), times[at % len(times)] if at < 6 else chance.uniform(0, GOODBYE_S + 2), bool(at & 2))
            for at, index in enumerate(indices)]
    return [(taken_over, house, *each) for each in plan]


def together(what, jobs):
    """What each of them gives; one that is in trouble ends the test."""
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        done = [pool.submit(*job) for job in jobs]
    trouble = [one.exception() for one in done if one.exception()]
    check(what, not trouble, f"{len(trouble)} of {len(jobs)}: {trouble[0]!r}" if trouble else "")
    return [one.result() for one in done]


def main():
    options = arguments(__doc__)
    chance = random.Random(options.seed)
    overs, works = (300, 100) if options.long else (6, 4)
    numbers = iter(range(10000))
    silent, quiet, gone, held = ([next(numbers) for _ in range(count)] for count in (len(SILENT), 1, 2, 6))
    over, work = ([next(numbers) for _ in range(count)] for count in (overs, works))
    with Stack(options.build) as stack, Proxy(stack) as database:
        stack.start_database()
        stack.migrate()
        stack.write_config(extra=CONFIG, credentials="required")
        database.install()
        with Forwarder(stack.port) as between:
            house = House(stack, between, next(numbers))
            stack.start_csmsd()
            stands_still = Quiet(house.connect(quiet[0]))
            with stack.span() as span:
                deaf = Silent(house, silent)
                with stack.span() as served:
                    took = together("the new line is the pile's, whatever the old one brings when it comes to life",
                                    both_ways(house, over, chance))
                left = []
                for index in gone:
                    house.connect(index)
                    left.append((index, house.line(index), house.epoch(index)))
                    left[-1][1].leave()
                deaf.noticed()
            span.took = max(deaf.watch.ended[kind] - deaf.spoke[kind] for kind in SILENT)
            check("nor long after", span.within(DEAD_S + 1))
            deaf.known()
            deaf.back()
            served.took = max(took)
            check(f"a new line is served within {TAKE_OVER_S} s, the old one half-open", served.within(TAKE_OVER_S))
            check("whoever answers pings is not sent away", stands_still.pings > 1 and stands_still.trouble is None
                  and house.shown(quiet[0])[0] == "t", f"{stands_still.pings} pings, {stands_still.trouble or ''}")

            database.slow |= {"joulebook/money": SLOW_S, "joulebook/telemetry": SLOW_S}
            with stack.span() as served:
                took = together("so it is if the database is slow", [
                    *((in_work, house, index, random.Random(chance.random())) for index in work),
                    *((vanished, house, *each) for each in left)])
            served.took = max(took[:works])
            check(f"and served within {TAKE_OVER_S} s", served.within(TAKE_OVER_S))
            database.slow.clear()
            rows_held(house, held)
            books(house, overs + works)


if __name__ == "__main__":
    main()

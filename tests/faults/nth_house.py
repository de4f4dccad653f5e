"""nth_house.py - a house whose csmsd can be told what fails next, its piles, and what its books must say.

Every message is made from the catalogue (ocpp/messages.def) and the field tables (ocpp-judge --samples).
"""
import json
import mmap
import os
import re
import struct
import subprocess
import time

from charging import PATIENCE, TESTS, TOP, Stack, check

import e2e
from crowd import furnish, pile
from wire import TEXT, Closed, frame

ALLOCATION, LIBPQ = 1, 2
KINDS = {ALLOCATION: "allocation", LIBPQ: "call of libpq"}
ANYBODY, LOOP, OTHERS = 0, 1, 2
FAULT = struct.Struct("iiiiq64s")  # tests/faults/nth.c
PAGE = 4096
CONTINUATION = 0   # of a text, its opcode

LIMIT_S = 12          # csmsd closes its piles when nothing was committed for 10 s
COMES_AGAIN = 50      # who comes again 60 times in an hour is let in once a minute
ENERGY_WH = 425       # of each charge, and what it costs without VAT
FEN = 68


class Fault:
    """The next N-th of a kind fails; what csmsd and we share is a page of a file."""

    def __init__(self, folder):
        self.path = os.path.join(folder, "nth")
        with open(self.path, "wb") as file:
            file.write(bytes(PAGE))
        with open(self.path, "r+b") as file:
            self.map = mmap.mmap(file.fileno(), PAGE)
        os.environ["JOULEBOOK_NTH"] = self.path

    def arm(self, kind, number, who, lasts=False):
        self.map[:FAULT.size] = FAULT.pack(0, who, lasts, 0, number, b"")
        self.map[:4] = struct.pack("i", kind)

    def failed(self):
        """What has failed; "" if nothing did."""
        _, _, _, failed, _, what = FAULT.unpack(self.map[:FAULT.size])
        return what.rstrip(b"\0").decode() if failed else ""

    def disarm(self):
        self.map[:4] = bytes(4)
        return self.failed()


def must(what, ok, found=""):
    """As check(), without a line for what is right."""
    if not ok:
        check(what, False, found)


def catalogue():
    """{action: who sends it}"""
    with open(os.path.join(TOP, "ocpp", "messages.def")) as file:
        found = re.findall(r"^MSG\((\w+), \w+,\s+\w+,\s+(PILE|SYSTEM|BOTH),", file.read(), re.M)
    return dict(found)


def samples(build):
    """{(action, "req" or "conf"): a payload with every member}"""
    lines = subprocess.run([os.path.join(build, "tests", "ocpp", "ocpp-judge"), "--samples", "1"], check=True,
                           stdout=subprocess.PIPE, text=True).stdout.splitlines()
    made = [json.loads(line) for line in lines]
    return {(one["action"], one["direction"]): one["payload"] for one in made[2::4]}


class House:
    def __init__(self, stack, piles):
        self.stack, self.fault, self.used, self.charges = stack, Fault(stack.folder), 0, []
        self.senders, self.samples = catalogue(), samples(stack.build)
        self.sent, self.confirmed, self.readings = {}, {}, []
        self.talks = []       # whose last charges may be running
        self.first = {}       # what an action is confirmed with when nothing fails
        furnish(stack, piles)
        # What is held for sessions that are not settled yet must not come near it.
        stack.value(f"""SELECT count(operation.top_up(amount => 99000, currency => 'CNY', channel => 'cash',
            external_no => 'N-' || i, customer => 'C-' || i)) FROM generate_series(0, {piles} - 1) AS i""", user="f.cashier")
        self.piles = piles

    def alive(self, what):
        csmsd = self.stack.csmsd   # None: it has been ended
        if csmsd is not None and csmsd.poll() is not None:
            must(f"csmsd lives: {what}", False, f"exit status {csmsd.returncode}")

    def wait(self, condition, what):
        def met():
            self.alive(what)
            return condition()
        self.stack.wait(met, LIMIT_S, what)

    def new_pile(self):
        """One that nobody knows of as yet; its card is its own."""
        self.used += 1
        assert self.used <= self.piles, "more piles are needed"
        return Pile(self, self.used - 1)


class Pile:
    """Comes again when it was closed, and says again what was not answered."""

    def __init__(self, house, index):
        self.house, self.index, self.came, self.link = house, index, 0, None
        self.name, self.card = f"F-{index}", f"CARD-{index}"

    def connect(self):
        end = time.monotonic() + LIMIT_S * PATIENCE
        while self.link is None:
            self.house.alive("a pile wants to connect")
            try:
                self.came += 1
                self.link = pile(self.house.stack.port, self.index)
                self.link.wire.socket.settimeout(LIMIT_S * PATIENCE)
                self.link.wire.send = self.send
            except (ConnectionError, Closed, TimeoutError) as refused:
                if time.monotonic() > end:
                    raise TimeoutError(f"{self.name} is not let in: {refused!r}") from None
                time.sleep(0.1)
        return self

    def send(self, text):
        """In two fragments, which csmsd has to put together."""
        whole = text.encode()
        self.link.wire.raw(frame(TEXT, whole[:9], final=False) + frame(CONTINUATION, whole[9:]))

    def leave(self):
        if self.link is not None:
            self.link.wire.socket.close()
        self.link = None

    def try_once(self, action, payload):
        """The answer; None: the connection was closed instead.  Silence is an error of its own."""
        self.house.sent[action] = self.house.sent.get(action, 0) + 1
        try:
            self.connect()
            answer = self.link.call(action, **payload)
        except (Closed, ConnectionError):
            self.leave()
            return None
        return self.heard(action, answer)

    def heard(self, action, answer):
        """No confirmation but the one that it must be."""
        house = self.house
        if answer[0] == 4:
            must(f"{action} is refused for want of memory alone", answer[2] == "InternalError", answer)
            must("evidence never is", action not in ("StartTransaction", "StopTransaction", "MeterValues"), answer)
            return None
        house.confirmed[action] = house.confirmed.get(action, 0) + 1
        told = {name: value for name, value in answer[2].items() if name not in ("currentTime", "transactionId")}
        first = house.first.setdefault(action, told)
        must(f"{action} is confirmed as ever", told == first, f"{told} instead of {first}")
        return answer[2]

    def call(self, action, **payload):
        """Until it is confirmed."""
        for _ in range(20):
            answer = self.try_once(action, payload)
            if answer is not None:
                return answer
            self.house.alive(action)
            time.sleep(0.05)
        raise TimeoutError(f"{action} of {self.name} is never confirmed")

    def boot(self):
        self.call("BootNotification", **self.house.samples["BootNotification", "req"])
        return self

    # -- payloads ---------------------------------------------------------------------------------

    def payload(self, action, **own):
        """The sample, with what must be true of this pile."""
        made = {name: value for name, value in self.house.samples[action, "req"].items() if name != "reservationId"}
        truth = {"connectorId": 1, "idTag": self.card, "timestamp": e2e.now(), **own}
        return made | {name: value for name, value in truth.items() if name in made}

    def meter_value(self, register, shift=0):
        """As the sample's, but for the register; with members that fit no column."""
        return {"timestamp": e2e.now(shift), "sampledValue": [
            {"value": str(register)}, {"value": "41", "measurand": "SoC", "unit": "Percent"},
            {"value": "7", "measurand": "RPM", "context": "Sample.Periodic"}]}


class Charge:
    """A session, a step at a time; what of it must be in the books."""
    meter = 0

    def __init__(self, pile_):
        Charge.meter += 1000
        self.pile, self.start_wh, self.transaction, self.over = pile_, Charge.meter, None, False
        pile_.house.charges.append(self)

    def start_payload(self):
        return self.pile.payload("StartTransaction", meterStart=self.start_wh)

    def start(self):
        self.transaction = self.pile.call("StartTransaction", **self.start_payload())["transactionId"]
        return self

    def read_payload(self):
        self.pile.house.readings.append(self.start_wh + 200)
        return self.pile.payload("MeterValues", transactionId=self.transaction,
                                 meterValue=[self.pile.meter_value(self.start_wh + 200)])

    def stop_payload(self):
        return self.pile.payload(
            "StopTransaction", transactionId=self.transaction, meterStop=self.start_wh + ENERGY_WH, reason="Local",
            timestamp=e2e.now(0.3), transactionData=[self.pile.meter_value(self.start_wh + 300, 0.1)])

    def stop(self):
        self.pile.call("StopTransaction", **self.stop_payload())
        self.over = True


def hurry(stack):
    """Jobs that failed once are tried again after a while, and those of a lost worker after its lease."""
    stack.value("""UPDATE core.job SET run_at = now() WHERE kind IN ('settle', 'command_expiry') AND state = 'queued';
        UPDATE core.job SET lease_until = now() WHERE kind IN ('settle', 'command_expiry') AND state = 'running'
            AND claimed_at < now() - interval '1 s'""")


def unsettled(stack, and_=""):
    hurry(stack)
    return stack.value(f"SELECT count(*) FROM core.session WHERE state <> 'settled' {and_}") != "0"


def books(house):
    """One session, one bill, each reading once, and nothing that anybody would have to look at."""
    stack = house.stack
    for talk in house.talks:
        talk.end()
    try:
        house.wait(lambda: not unsettled(stack), "the settlement of all sessions")
    except TimeoutError:
        print(stack.rows("""SELECT s.meter_start_mwh / 1000, s.state, j.state, j.attempts, j.error FROM core.session s
            LEFT JOIN core.job j ON j.key = s.uid::text WHERE s.state <> 'settled'"""), flush=True)
        raise
    wanted = {str(one.start_wh): [str(one.transaction), str(one.start_wh + ENERGY_WH), "1", str(FEN)]
              for one in house.charges}
    found = {}
    for start, *rest in stack.rows("""
            SELECT s.meter_start_mwh / 1000, s.transaction_id, s.meter_stop_mwh / 1000,
                (SELECT count(*) FROM ledger.journal j WHERE j.session_uid = s.uid AND j.kind = 'settle'),
                (SELECT sum(t.net_minor) FROM ledger.settlement t WHERE t.session_uid = s.uid AND t.state = 'posted')
            FROM core.session s"""):
        must("no second session", start not in found, start)
        found[start] = rest
    wrong = {start: (found.get(start), rest) for start, rest in wanted.items() if found.get(start) != rest}
    check("each charge is one session and one bill", not wrong and len(found) == len(wanted), wrong or len(wanted))
    twice = stack.rows(f"""SELECT import_mwh / 1000, count(*) FROM core.meter_reading
        WHERE import_mwh / 1000 = ANY (ARRAY{house.readings}::bigint[]) GROUP BY 1 HAVING count(*) <> 1""")
    kept = stack.value(f"""SELECT count(DISTINCT import_mwh) FROM core.meter_reading
        WHERE import_mwh / 1000 = ANY (ARRAY{house.readings}::bigint[])""") if house.readings else "0"
    check("each reading once", not twice and int(kept) == len(set(house.readings)), twice or kept)
    events(house)
    for name in ("core.unmatched_stop", "core.inbound_refused", "core.review WHERE state = 'open'"):
        found = stack.rows(f"SELECT * FROM {name} LIMIT 3")
        check(f"{name} is empty", not found, found)


def events(house):
    """What has no key of its own is there for each confirmation, and no oftener than it was sent."""
    rows = dict(house.stack.rows("SELECT action, count(*) FROM core.station_event GROUP BY 1"))
    rows["StatusNotification"] = house.stack.value("SELECT count(*) FROM core.status_event")
    rows["BootNotification"] = house.stack.value("SELECT sum(boot_number) FROM core.station")
    for action, count in house.confirmed.items():
        if action in ("Heartbeat", "Authorize", "MeterValues", "StartTransaction", "StopTransaction"):
            continue
        kept = int(rows.get(action, 0))
        must(f"{action} is kept as often as it was confirmed", count <= kept <= house.sent[action],
             f"{kept} rows, {count} confirmed, {house.sent[action]} sent")

"""backlog.py - piles deliver what they charged while they were away, over lines that break, to a csmsd that dies.

Each has a queue of charges with their times in the past: a message at a time, in order, the number of a
charge as its Start was answered, and what was not answered said again on the next line, under the same
message id or another.  First the lines break at any byte, or fall silent; then csmsd is killed every
hundred messages.  Each charge is stored once and billed as it was metered, by the tariff and to the fen;
a neighbour is answered meanwhile; and the whole queue, said once more, changes nothing.
"""
import datetime
import itertools
import json
import math
import random
import threading
import time
from fractions import Fraction

from charging import Stack, arguments, check
from forwarder import Forwarder
from pace import Pace

import crowd
from evidence_house import price
from wire import PATIENCE_S, Closed

PILES, READINGS = 4, 2
LINES = 45                    # of one pile: somewhat fewer than it may open in an hour
ROUND_TRIP_B = 250            # of a message with its answer, roughly
SILENCE_S = 1.5               # after which a pile gives a line up
KILL_EVERY = 100
NEIGHBOUR_MS, SLOWER = 250, 4
CONFIG = "limits { accepts_per_s = 100000 }\n"
TABLES = ("core.session", "core.meter_reading", "core.inbound_refused", "core.unmatched_stop", "ledger.journal",
          "ledger.entry", "ledger.hold", "ledger.account_balance", "ledger.settlement")


def at(seconds_ago):
    moment = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(seconds=seconds_ago)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


class Charge:
    """One of the queue: its messages, what it is worth, and how its Start was answered."""

    def __init__(self, index, chance, began_ago, register):
        self.answer = None
        self.start = {"connectorId": 1, "idTag": f"CARD-{index}", "meterStart": register, "timestamp": at(began_ago)}
        self.readings = []
        for minute in range(1, READINGS + 1):
            register += chance.randint(50, 150)
            self.readings.append({"connectorId": 1, "meterValue": [
                {"timestamp": at(began_ago - 60 * minute), "sampledValue": [{"value": str(register)}]}]})
        self.stop = {"meterStop": register + chance.randint(0, 150), "timestamp": at(began_ago - 60 * (READINGS + 1))}
        self.energy_wh = self.stop["meterStop"] - self.start["meterStart"]

    def messages(self):
        yield "StartTransaction", self.start
        number = {"transactionId": self.answer["transactionId"]}
        for reading in self.readings:
            yield "MeterValues", {**reading, **number}
        yield "StopTransaction", {**self.stop, **number}


class Pile(threading.Thread):
    """Says its charges until each message is answered, over as many lines as that takes."""

    def __init__(self, port, index, charges, chance):
        super().__init__(daemon=True)
        self.port, self.index, self.charges, self.chance = port, index, charges, chance
        self.one = self.trouble = None
        self.numbers, self.answered, self.repeated, self.lines = itertools.count(), 0, 0, 0

    def run(self):
        try:
            for charge in self.charges:
                for action, payload in charge.messages():
                    answer = self.say(action, payload)
                    if action == "StartTransaction":
                        self.learn(charge, answer)
            self.one.wire.socket.close()
        except Exception as trouble:
            self.trouble = trouble

    def learn(self, charge, answer):
        if charge.answer not in (None, answer):
            raise AssertionError(f"{charge.start} was answered {charge.answer}, then {answer}")
        charge.answer = answer

    def say(self, action, payload):
        """The answer, at last."""
        mine = f"{self.index}-{next(self.numbers)}"
        while True:
            try:
                if self.one is None:
                    self.connect()
                self.one.wire.send(json.dumps([2, mine, action, payload]))
                message = json.loads(self.one.wire.receive())
                if message[:2] != [3, mine]:
                    raise AssertionError(f"{action} was answered {message}")
                self.answered += 1
                return message[2]
            except (Closed, OSError):
                self.one = None
                self.repeated += 1
                if self.chance.random() < 0.5:
                    mine = f"{self.index}-{next(self.numbers)}"

    def connect(self):
        while True:
            try:
                self.one = crowd.pile(self.port, self.index)
                self.lines += 1
                self.one.wire.socket.settimeout(SILENCE_S if self.lines <= LINES else PATIENCE_S)
                return
            except OSError:  # csmsd is not there, or lets nobody in yet
                time.sleep(0.1)


class Neighbour(threading.Thread):
    """A pile that has nothing to do with it: how long it waits for its answers."""

    def __init__(self, port, index):
        super().__init__(daemon=True)
        self.port, self.index, self.one = port, index, None
        self.took, self.ending = [], False

    def run(self):
        for number in itertools.count():
            if self.ending:
                return
            try:
                self.one = self.one or crowd.pile(self.port, self.index)
                began = time.monotonic()
                if number % 2:
                    self.one.call("Authorize", idTag=f"CARD-{self.index}")
                else:
                    self.one.call("MeterValues", connectorId=1, meterValue=[
                        {"timestamp": at(0), "sampledValue": [{"value": str(number)}]}])
                self.took.append((began, time.monotonic() - began))
            except (Closed, OSError):
                self.one = None
            time.sleep(0.05)

    def p99_ms(self, since):
        took = sorted(seconds for began, seconds in self.took if began >= since)
        return took[math.ceil(len(took) * 0.99) - 1] * 1000

    def heard(self, stack):
        before = len(self.took)
        stack.wait(lambda: len(self.took) > before, 10, "an answer to the neighbour")


def queues(chance, each, days_ago):
    """For each pile one that began so many days ago."""
    made = []
    for index in range(PILES):
        charges, register = [], 0
        for number in range(each):
            charges.append(Charge(index, chance, days_ago * 86400 - number * 600, register))
            register = charges[-1].stop["meterStop"]
        made.append(charges)
    return made


def deliver(port, queued, chance):
    piles = [Pile(port, index, charges, random.Random(chance.random())) for index, charges in enumerate(queued)]
    for pile in piles:
        pile.start()
    return piles


def through(stack, piles, seconds):
    stack.wait(lambda: not any(pile.is_alive() for pile in piles), seconds, "the end of the queues")
    trouble = [(pile.index, pile.trouble) for pile in piles if pile.trouble]
    check("every message of every pile was confirmed at last", not trouble, trouble[:2] or "")


def break_lines(between, chance, each):
    """From now on: at any byte of request, handshake or message, so often that a pile needs many lines."""
    mean, count = each * (READINGS + 2) * ROUND_TRIP_B / min(LINES - 15, each // 2), {}

    def last(identity):
        count[identity] = count.get(identity, 0) + 1
        if count[identity] < LINES:
            return int(chance.uniform(1, 2 * mean)), "die" if chance.random() < 0.15 else "reset"
        return None
    between.last = last
    return count


def killed(stack, piles, neighbour):
    """csmsd, every hundred messages; how often."""
    kills = 0
    while any(pile.is_alive() for pile in piles):
        if sum(pile.answered for pile in piles) < KILL_EVERY * (kills + 1):
            time.sleep(0.002)
            continue
        if kills == 0:
            with stack.span() as span:
                stack.kill_csmsd()
                stack.start_csmsd()
            check("killed, it serves again within 2 s", span.within(2))
        else:
            stack.kill_csmsd()
            stack.start_csmsd(wait=False)
        kills += 1
        neighbour.heard(stack)
    return kills


def settled(stack):
    """What came from a queue would be billed after two minutes, and the work of a dead worker after five."""
    stack.value("UPDATE core.job SET run_at = now() WHERE kind = 'settle' AND state = 'queued';"
                "UPDATE core.job SET lease_until = now() WHERE kind = 'settle' AND state = 'running'"
                " AND claimed_at < now() - interval '5 s'")
    time.sleep(0.2)
    return stack.value("SELECT count(*) FROM core.job WHERE kind = 'settle' AND state IN ('queued', 'running')") == "0"


def books(stack, index, charges):
    """One pile's, against what it metered."""
    found = stack.rows(f"""SELECT s.transaction_id, to_char(s.started_at at time zone 'UTC',
            'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'), s.energy_kwh, s.amount, s.state, count(r.at), count(DISTINCT r.at)
        FROM query.session s LEFT JOIN query.meter_reading r ON r.transaction_id = s.transaction_id AND r.pile = s.pile
        WHERE s.pile = 'F-{index}' GROUP BY 1, 2, 3, 4, 5 ORDER BY 2""", user="f.admin")
    found = [(int(row[0]), row[1], Fraction(row[2] or -1), Fraction(row[3] or -1), *row[4:]) for row in found]
    wanted = [(each.answer["transactionId"], each.start["timestamp"], Fraction(each.energy_wh, 1000), price(each.energy_wh),
               "settled", str(READINGS), str(READINGS)) for each in charges]
    wrong = [pair for pair in itertools.zip_longest(found, wanted) if pair[0] != pair[1]]
    check(f"F-{index}: each of {len(charges)} charges is one, with its readings, and billed as metered", not wrong,
          wrong[:2] or f"{sum(each.energy_wh for each in charges) / 1000} kWh, {float(sum(row[3] for row in wanted))} CNY")
    numbers = [row[0] for row in found]
    check(f"F-{index}: in the order of its queue", numbers == sorted(numbers))
    # What the holds of a long queue leave no room for is owed, and the wallet keeps it.
    left = stack.value(f"""SELECT sum(CASE purpose WHEN 'wallet' THEN balance WHEN 'arrears' THEN -balance END)
        FROM query.account WHERE customer = 'C-{index}'""", user="f.admin")
    check(f"F-{index}: paid by its customer", Fraction(left) == 1000 - sum(row[3] for row in wanted), left)


def unchanged(stack):
    return {table: stack.value(f"SELECT count(*), md5(string_agg(t::text, '' ORDER BY t::text)) FROM {table} t")
            for table in TABLES}


def quiet_books(stack):
    check("none waits for a decision", stack.value("SELECT count(*) FROM query.review") == "0")
    check("no invariant is violated", stack.value("SELECT count(*) FROM ledger.invariants()") == "0")


def main():
    options = arguments(__doc__)
    chance = random.Random(options.seed)
    each, seconds = (1000, 1800) if options.long else (30, 60)
    with Stack(options.build) as stack:
        stack.start_database()
        stack.migrate()
        crowd.furnish(stack, PILES + 1)
        stack.start_csmsd(extra=CONFIG)
        stack.wait(lambda: stack.page("/readyz"), 5, "csmsd")
        neighbour = Neighbour(stack.port, PILES)
        neighbour.start()
        with Forwarder(stack.port) as between:
            since = time.monotonic()
            stack.wait(lambda: len(neighbour.took) >= 40, 10, "the neighbour's answers")
            before_ms = neighbour.p99_ms(since)
            first = queues(chance, each, 15)
            with Pace(stack.folder) as pace:
                since, lines = time.monotonic(), break_lines(between, chance, each)
                piles = deliver(between.port, first, chance)
                through(stack, piles, seconds)
                during_ms = neighbour.p99_ms(since)
            repeated = sum(pile.repeated for pile in piles)
            check(f"the lines of {PILES} piles broke again and again", sum(lines.values()) >= 3 * PILES,
                  f"{sum(lines.values())} lines, {repeated} messages said again")
            print(f"   a neighbour's p99 before {before_ms:.1f} ms", flush=True)
            pace.hold("a neighbour's p99", during_ms, NEIGHBOUR_MS, max(NEIGHBOUR_MS, SLOWER * before_ms))

            between.last = lambda identity: None
            second = queues(chance, each, 7)
            piles = deliver(between.port, second, chance)
            kills = killed(stack, piles, neighbour)
            through(stack, piles, seconds)
            check(f"csmsd was killed every {KILL_EVERY} messages", kills >= 3,
                  f"{kills} kills, {sum(pile.repeated for pile in piles)} messages said again")
            neighbour.ending = True
            neighbour.join()
            stack.wait(lambda: settled(stack), 60, "the bills")
            whole = [before + after for before, after in zip(first, second)]
            for index, charges in enumerate(whole):
                books(stack, index, charges)
            quiet_books(stack)

            before = unchanged(stack)
            through(stack, deliver(between.port, whole, chance), seconds)
            stack.wait(lambda: settled(stack), 60, "the jobs")
            after = unchanged(stack)
            check("the whole queue again changes nothing", before == after,
                  [table for table in TABLES if before[table] != after[table]] or "")
            quiet_books(stack)


if __name__ == "__main__":
    main()

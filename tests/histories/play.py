"""play.py - plays a world to the database as csmsd's lanes do, while others use the same accounts.

Lanes are connections of joulebook_app that send batches, a transaction each: the readings in one
statement, every other message as the call that csmsd makes. A pile has one message under way, and who
is busy joins a later batch. Meanwhile wallets are topped up; in some worlds bills are made and reviews
decided, too. Each connection is a psql of its own.
"""
import json
import os
import random
import subprocess
import threading
import time
import zlib

from stack import TOP

LANES = 4
BATCH = 2
PATIENT_TRIES = 4           # of a busy start, then it goes through without its hold
GIVE_UP_S = 300
END = "-- end --"
COLUMNS = 27                # of reading_insert.sql


def literal(value):
    if value is None:
        return "NULL"
    if isinstance(value, (bool, int)):
        return str(value).lower()
    return "'" + str(value).replace("'", "''") + "'"


def array(values):
    return literal("{" + ",".join("NULL" if value is None else f'"{value}"' for value in values) + "}")


class Connection:
    """One connection; run() returns the lines of the answer, errors among them."""

    def __init__(self, stack, user="joulebook"):
        self.psql = subprocess.Popen(
            ["psql", "-XqAt", "-v", "VERBOSITY=terse", "-d", stack.conninfo(user)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.run("SET client_min_messages = 'warning'")

    def run(self, sql):
        self.psql.stdin.write(f"{sql};\n\\echo {END}\n")
        self.psql.stdin.flush()
        lines = []
        for line in self.psql.stdout:
            line = line.rstrip("\n")
            if line == END:
                return lines
            lines.append(line)
        raise RuntimeError("psql ended: " + "\n".join(lines))

    def rows(self, sql):
        lines = self.run(sql)
        wrong = error_of(lines)
        if wrong:
            raise RuntimeError(f"{wrong}\n{sql[:400]}")
        return [line.split("|") for line in lines]

    def close(self):
        self.psql.stdin.close()
        self.psql.wait(timeout=30)
        self.psql.stdout.close()


def error_of(lines):
    return next((line for line in lines if line.startswith(("ERROR", "FATAL", "PANIC"))), None)


def statement(name):
    with open(os.path.join(TOP, "db", "sql", name + ".sql"), encoding="utf-8") as file:
        return file.read().rstrip()


class Turns:
    """Which pile has which message next, and that nobody else sends one of it."""

    def __init__(self, piles):
        self.lock = threading.Lock()
        self.left = {pile.name: list(pile.messages) for pile in piles}
        self.piles, self.taken = piles, set()

    def take(self, rnd, most):
        with self.lock:
            free = [pile for pile in self.piles if self.left[pile.name] and pile.name not in self.taken]
            # Starts wait for one another, so that they come in one batch and want the same wallets at once.
            others = [pile for pile in free if self.left[pile.name][0].kind != "start"]
            if others and rnd.random() < 0.9:
                free = others
            chosen = rnd.sample(free, min(most, len(free)))
            self.taken.update(pile.name for pile in chosen)
            return [(pile, self.left[pile.name][0]) for pile in chosen]

    def give_back(self, chosen, done):
        with self.lock:
            for pile, message in chosen:
                self.taken.discard(pile.name)
                if message in done:
                    self.left[pile.name].pop(0)

    def over(self):
        with self.lock:
            return not any(self.left.values())


def frame(message):
    """Evidence alone: as the pile may have written it, each time with another message id."""
    return json.dumps([2, str(random.random()), message.kind, {"meter": message.register}])


def number_of(message):
    """What it says of its transaction. One that takes numbers has heard of its own by now."""
    if message.number == "own":
        return min(message.session.transactions, default=-1)
    return message.number


def hash_of(at, register, context):
    return zlib.crc32(f"{at} {register} {context}".encode())


def call(pile, message, unsecured):
    """The statement that csmsd makes of a message that is no reading."""
    at, received = message.at, message.received
    if message.kind == "boot":
        values = [pile.station, received, "V", "M", *[None] * 7]
    elif message.kind == "start":
        values = [pile.station, message.connector, message.tag, message.register * 1000, at, at.isoformat(), None,
                  received, message.queued, pile.offset_us, unsecured, frame(message), None]
    else:
        readings = [{"at": x.isoformat(), "hash": hash_of(x, register, context), "context": context,
                     "import_mwh": register * 1000} for x, register, context in message.readings]
        values = [pile.station, number_of(message), message.register * 1000, at, at.isoformat(), message.tag, "Local",
                  received, message.queued, pile.offset_us, json.dumps(readings) if readings else None,
                  frame(message), None]
    return f"EXECUTE {message.kind}({', '.join(map(literal, values))})"


def readings(chosen):
    """One statement for the readings of a batch."""
    rows = [[pile.station, message.at, message.connector,
             hash_of(message.at, message.register, number_of(message)), message.received, number_of(message),
             "Sample.Periodic", message.register * 1000, *[None] * (COLUMNS - 9), False] for pile, message in chosen]
    return f"EXECUTE reading({', '.join(array(column) for column in zip(*rows))})"


class Play:
    """A world's piles in the database, and what was answered."""

    def __init__(self, stack, world):
        self.stack, self.world = stack, world
        self.turns = Turns(world.piles)
        self.lock = threading.Lock()
        self.errors = []                # that no lane may see
        self.counts = {}                # kind/outcome/status -> how often
        self.paid = {}                  # customer's name -> cents topped up, bonus among them
        self.ended, self.going = threading.Event(), threading.Event()
        self.give_up = time.monotonic() + GIVE_UP_S

    def build(self, admin):
        world = self.world
        element = (lambda hour: {
            "price_components": [
                {"type": "ENERGY", "price": price, "vat": world.vat_percent, "step_size": 1, "charge_code": code}
                for price, code in zip(world.prices[hour], ("ENERGY_ELEC", "ENERGY_SERVICE"))],
            "restrictions": {"start_time": f"{hour:02}:00", "end_time": f"{(hour + 1) % 24:02}:00"}})
        tariff = json.dumps({"id": "T", "currency": "CNY", "tax_mode": "net",
                             "elements": [element(hour) for hour in range(24)]})
        for pair in world.prices:       # a number of JSON, not a text
            for price in pair:
                tariff = tariff.replace(f'"price": "{price}"', f'"price": {price}')
        site = admin.rows(f"SELECT histories.site('h{world.seed}', {literal(world.zone)}, {literal(tariff)})")[0][0]
        for pile in world.piles:
            pile.station = int(admin.rows(f"SELECT histories.pile({site}, {literal(pile.name)})")[0][0])
        for customer in world.customers:
            customer.wallet = int(admin.rows(
                f"SELECT histories.customer({literal(customer.name)}, {array(customer.cards)})")[0][0])
            self.pay(admin, customer, "first", customer.begins_with, 0)

    def pay(self, connection, customer, number, cents, bonus):
        if cents:
            connection.rows(f"SELECT ledger.top_up('cash', {literal(f'{customer.name}-{number}')}, {customer.wallet}, "
                            f"{cents}, {bonus}, 'histories')")
            self.paid[customer.name] = self.paid.get(customer.name, 0) + cents + bonus

    def note(self, what):
        with self.lock:
            self.counts[what] = self.counts.get(what, 0) + 1

    # -- the lanes --------------------------------------------------------------------------------

    def lane(self, number):
        connection = Connection(self.stack, "joulebook_app")
        connection.run("SET joulebook.lane = 'on'")
        for name, file in (("start", "start"), ("stop", "stop"), ("boot", "boot"), ("reading", "reading_insert")):
            connection.rows(f"PREPARE {name} AS {statement(file)}")
        rnd, tries = random.Random(f"{self.world.seed}/{number}"), {}
        while not self.turns.over() and time.monotonic() < self.give_up:
            self.going.wait()
            chosen = self.turns.take(rnd, BATCH)
            if not chosen:
                time.sleep(0.002)
                continue
            done = []
            try:
                done = self.batch(connection, chosen, tries)
            finally:
                self.turns.give_back(chosen, done)
            if len(done) < len(chosen):
                time.sleep(0.005)
        connection.close()

    def batch(self, connection, chosen, tries):
        """One transaction; the messages that are done when it is committed."""
        told = [(pile, message) for pile, message in chosen if message.kind == "read"]
        calls = [(pile, message) for pile, message in chosen if message.kind != "read"]
        answers = []
        lines = connection.run("BEGIN")
        if told:
            lines += connection.run(readings(told))
        for pile, message in calls:
            if error_of(lines):
                break
            if len(calls) > 1:      # a batch keeps what it has locked as long as under load
                time.sleep(random.random() * 0.005)
            answer = connection.run(call(pile, message, tries.get(id(message), 0) >= PATIENT_TRIES))
            lines += answer
            answers.append((message, answer[0].split("|") if answer else [""]))
        wrong = error_of(lines)
        lines = connection.run("ROLLBACK" if wrong else "COMMIT")
        wrong = wrong or error_of(lines)
        if wrong:
            self.errors.append(wrong)
            return []
        return [message for _, message in told] + [message for message, answer in answers
                                                   if self.answered(message, answer, tries)]

    def answered(self, message, answer, tries):
        self.note(f"{message.kind} {answer[0]}")
        if answer[0] == "busy":
            tries[id(message)] = tries.get(id(message), 0) + 1
            return False
        message.answers.append(" ".join(answer[:3]))
        if message.kind == "start" and message.session:
            message.session.transactions.add(int(answer[1]))
        return True

    # -- what happens meanwhile ---------------------------------------------------------------------

    def top_ups(self):
        connection, rnd, number = Connection(self.stack), random.Random(self.world.seed), 0
        while not self.ended.wait(0.02):
            number += 1
            self.pay(connection, rnd.choice(self.world.customers), number, rnd.randint(1, 500), rnd.choice((0, 0, 7)))
        connection.close()

    def bills(self):
        """Now and then the lanes stop until all bills are made: what comes later finds them."""
        connection, rnd = Connection(self.stack), random.Random(self.world.seed)
        while not self.ended.wait(0.05):
            hurry(connection)
            if rnd.random() < 0.15:
                self.going.clear()
                try:
                    self.settle(connection)
                finally:
                    self.going.set()
        connection.close()

    def decisions(self):
        connection, rnd = Connection(self.stack), random.Random(self.world.seed + 1)
        while not self.ended.wait(0.03):
            items = self.open_items(connection)
            if items:
                self.decide(connection, rnd.choice(items)[0], rnd.choice(("accept", "accept", "reject")))
        connection.close()

    def open_items(self, connection):
        """Numbers of item and transaction."""
        return connection.rows(
            "SELECT r.id, s.transaction_id FROM core.review r JOIN core.session s ON s.uid = r.session_uid "
            f"WHERE r.state = 'open' AND r.station_id IN ({self.stations()}) ORDER BY r.id")

    def decide(self, connection, item, decision, correction=""):
        """True: it was decided. A decision that is not possible now is refused in words."""
        lines = connection.run(f"SELECT management.decide_review({item}, '{decision}', 'histories'{correction})")
        wrong = error_of(lines)
        self.note(f"{decision}{' corrected' if correction else ''} {'refused' if wrong else 'done'}")
        if wrong and not ("review" in wrong or "session of the item" in wrong or "busy" in wrong):
            self.errors.append(wrong)
        return not wrong

    def stations(self):
        return ", ".join(str(pile.station) for pile in self.world.piles)

    # -- the whole ----------------------------------------------------------------------------------

    def run(self):
        beside = [self.top_ups] + [self.bills] * self.world.live + [self.decisions] * self.world.decided
        helpers = [threading.Thread(target=self.guarded, args=(work,)) for work in beside]
        lanes = [threading.Thread(target=self.guarded, args=(self.lane, n)) for n in range(LANES)]
        self.going.set()
        for thread in helpers + lanes:
            thread.start()
        for thread in lanes:
            thread.join()
        self.ended.set()
        for thread in helpers:
            thread.join()
        if not self.turns.over():
            self.errors.append(f"not all messages were taken within {GIVE_UP_S} s")

    def guarded(self, work, *arguments):
        try:
            work(*arguments)
        except (RuntimeError, OSError, subprocess.SubprocessError) as error:
            self.errors.append(f"{type(error).__name__}: {error}")

    def settle(self, connection):
        """Until no bill can be made any more without a decision."""
        end = time.monotonic() + GIVE_UP_S
        while time.monotonic() < end:
            hurry(connection)
            connection.rows("SELECT inbound.sweep()")
            if connection.rows("SELECT count(*) FROM core.job WHERE kind IN ('settle', 'hold') "
                               "AND state IN ('queued', 'running')")[0][0] == "0":
                return
            time.sleep(0.05)
        self.errors.append(f"the bills were not made within {GIVE_UP_S} s")


def hurry(connection):
    """Every bill is due: they wait for readings that could come by another connection."""
    connection.rows("UPDATE core.job SET run_at = now() WHERE kind IN ('settle', 'hold') AND state = 'queued' "
                    "AND run_at > now()")

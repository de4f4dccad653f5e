"""judge.py - computes anew, from what the piles told, what must stand in the books, and compares.

Money is exact: energy in whole mWh, prices and tax as fractions, one rounding for each bill. Of a
stretch between two readings that a full hour cuts, the first part gets its share cut down to the mWh.
"""
from collections import defaultdict
from datetime import timedelta, timezone
from fractions import Fraction
import math

LAZY = timedelta(seconds=30)        # a clock that is wrong by less is right
HOUR, MICROSECOND = timedelta(hours=1), timedelta(microseconds=1)
ROW = ("uid", "transaction", "station", "connector", "meter_start", "state", "stopped", "energy", "cents",
       "provisional", "payer", "reviews")
ROWS = """
    SELECT s.uid, s.transaction_id, s.station_id, s.connector, s.meter_start_mwh, s.state, s.stopped_at IS NOT NULL,
           v.energy_import_mwh, v.gross_minor, v.provisional, a.purpose,
           (SELECT string_agg(concat_ws(' ', r.kind, r.state, r.decision, CASE WHEN r.blocks THEN 'blocks' END), ', '
                              ORDER BY r.id) FROM core.review r WHERE r.session_uid = s.uid)
    FROM core.session s
    LEFT JOIN ledger.settlement v ON v.session_uid = s.uid AND v.state = 'posted'
    LEFT JOIN ledger.account a ON a.id = v.account_id
    WHERE s.station_id IN ({stations}) ORDER BY s.transaction_id"""


class Row:
    def __init__(self, values):
        for name, value in zip(ROW, values):
            setattr(self, name, value)
        for name in ("transaction", "station", "connector", "meter_start", "energy", "cents"):
            value = getattr(self, name)
            setattr(self, name, int(value) if value else None)
        self.stopped, self.provisional = self.stopped == "t", self.provisional == "t"
        self.billed = self.energy is not None

    def reviewed(self, *words):
        return any(set(words) <= set(item.split()) for item in self.reviews.split(", "))

    def __str__(self):
        bill = f"billed {self.energy} mWh, {self.cents} cents{', provisionally' * self.provisional}"
        return (f"transaction {self.transaction}, {self.state}, {'stopped' if self.stopped else 'not stopped'}, "
                f"{bill if self.billed else 'not billed'}; reviews: {self.reviews or 'none'}")


def effective(pile, message):
    """The time that counts: the pile's, corrected by a known offset, or when it came if there is none."""
    if pile.clock == "none":
        return message.received
    if pile.offset_us is not None and abs(pile.offset_us) >= LAZY // MICROSECOND:
        return message.at + timedelta(microseconds=pile.offset_us)
    return message.at


class Bill:
    """What a session's bill has to be. With `stop` None it is one without a Stop, up to the last reading."""

    def __init__(self, session, stop, idle):
        start, pile = session.told[0], session.pile
        begin = effective(pile, start)
        shift = begin - start.at
        read = [message for message in session.told if message.kind == "read"] + (idle if stop is None else [])
        told = {}                # (instant, mWh) -> when it came first
        for message in read:
            told.setdefault((message.at + shift, message.register * 1000), message.received)
        for at, register, _ in stop.readings if stop else ():
            told.setdefault((at + shift, register * 1000), stop.received)
        first = (begin, start.register * 1000)
        if stop:
            last = (effective(pile, stop), stop.register * 1000)
        elif told:
            instant, register = max(told)
            last = (max(min(instant, told[instant, register]), begin), register)
        else:
            last = first
        self.points = [first, *sorted(point for point in told if begin <= point[0] <= last[0]), last]
        self.energy = last[1] - first[1]

    def cents(self, world):
        by_hour = defaultdict(int)
        for start, end in zip(self.points, self.points[1:]):
            for hour, energy in pieces(world.zone, start, end):
                by_hour[hour] += energy
        net = sum(energy * Fraction(price) for hour, energy in by_hour.items() for price in world.prices[hour]) / 10**6
        return math.floor(net * (100 + world.vat_percent) + Fraction(1, 2))


def pieces(zone, start, end):
    """The energy between two readings by local hours."""
    (begin, low), (until, high) = start, end
    given, instant = 0, begin
    while True:
        local = instant.astimezone(zone)
        to_hour = HOUR - timedelta(minutes=local.minute, seconds=local.second, microseconds=local.microsecond)
        cut = min(instant + to_hour, until)
        part, whole = (cut - begin) // MICROSECOND, (until - begin) // MICROSECOND
        so_far = high - low if cut == until else (high - low) * part // whole
        yield local.hour, so_far - given
        given, instant = so_far, cut
        if cut == until:
            return


class Judge:
    def __init__(self, play, connection, known):
        self.play, self.world, self.connection = play, play.world, connection
        self.known = known           # faults of the whole ledger that earlier seeds have told
        self.rows = {}
        self.faults = []             # [(what, session or None)]

    def read(self):
        rows = map(Row, self.connection.rows(ROWS.format(stations=self.play.stations())))
        self.rows = {row.transaction: row for row in rows}

    def fault(self, what, session=None):
        if (what, session) not in self.faults:
            self.faults.append((what, session))

    def row_of(self, session):
        return self.rows.get(min(session.transactions, default=None))

    def look(self, final):
        """Final: whatever a person has to decide is decided."""
        self.read()
        for error in self.play.errors:
            self.fault(error)
        self.look_at_sessions(final)
        self.look_at_registers()
        self.look_at_wallets()
        self.look_at_ledger()
        return self.faults

    # -- sessions -----------------------------------------------------------------------------------

    def look_at_sessions(self, final):
        strangers = set(self.rows)
        for session in self.world.sessions():
            if len(session.transactions) != 1:
                self.fault(f"its start was answered with {sorted(session.transactions)}", session)
            strangers -= session.transactions
            row = self.row_of(session)
            if row is None:
                self.fault("no such session in the books", session)
                continue
            told = (session.pile.station, session.connector, session.register * 1000)
            if told != (row.station, row.connector, row.meter_start):
                self.fault("another session has its number", session)
            if row.billed:
                self.look_at_bill(session, row)
            elif final and not row.reviewed("lost"):
                self.look_at_debt(session, row)
        for transaction in strangers:
            self.fault(f"nobody charged transaction {transaction}: {self.rows[transaction]}")

    def look_at_bill(self, session, row):
        pile = session.pile
        if pile.clock == "none" and not row.reviewed("decided", "bill", "blocks"):
            self.fault("billed although its pile has no clock and nobody decided", session)
        if (row.payer == "suspense") != (session.customer is None):
            self.fault(f"paid from {row.payer}", session)
        if session.corrected:
            if row.energy != (session.register_end - session.register) * 1000:
                self.fault(f"billed {row.energy} mWh, corrected", session)
            return
        stop = self.stop_of(session)
        if row.stopped and stop is None:
            self.fault("stopped by the Stop of another session", session)
            return
        bill = Bill(session, stop if row.stopped else None, self.idle_after(session))
        if row.provisional and row.stopped:         # until its Stop is billed, which waits for a decision
            return
        if session.rebooted and row.provisional:    # which reading is the last one cannot be known
            if row.energy > (session.register_end - session.register) * 1000:
                self.fault(f"billed {row.energy} mWh of {bill.energy}", session)
        elif row.energy != bill.energy:
            self.fault(f"billed {row.energy} mWh, not {bill.energy}", session)
        elif not session.rebooted and not self.billed_early(session, stop) and row.cents != bill.cents(self.world):
            self.fault(f"billed {row.cents} cents, not {bill.cents(self.world)}", session)

    def look_at_debt(self, session, row):
        """It has to be billed by now. The last one of a connector may still charge if it has no Stop."""
        stop = self.stop_of(session)
        if stop and session.sure or row.stopped or not stop and self.begin_after(session):
            self.fault("never billed", session)

    @staticmethod
    def stop_of(session):
        stops = [message for message in session.told if message.kind == "stop"]
        return min(stops, key=lambda message: message.received, default=None)

    def billed_early(self, session, stop):
        """In the play bills do not wait for the readings that come after a Stop."""
        return self.world.live and any(message.kind == "read" and stop and message.received > stop.received
                                       for message in session.told)

    @staticmethod
    def begin_after(session):
        return min((s.begin for s in session.pile.sessions
                    if s.connector == session.connector and s.begin > session.begin), default=None)

    @staticmethod
    def idle_after(session):
        """The readings between this session and the next one of its connector."""
        until = Judge.begin_after(session)
        return [message for message in session.pile.idle if message.connector == session.connector
                and message.happened >= session.begin and not (until and message.happened > until)]

    # -- connectors, wallets, the ledger ------------------------------------------------------------

    def look_at_registers(self):
        for pile in self.world.piles:
            for connector in (1, 2):
                sessions = [s for s in pile.sessions if s.connector == connector]
                rise = max([s.register_end for s in sessions]) - min([s.register for s in sessions]) if sessions else 0
                billed = sum(row.energy for row in map(self.row_of, sessions) if row and row.billed)
                if billed > rise * 1000:
                    self.fault(f"{billed} mWh billed at {pile.name}, connector {connector}, of {rise * 1000}")

    def look_at_wallets(self):
        spent = defaultdict(int)
        for session in self.world.sessions():
            row = self.row_of(session)
            if row and row.billed and session.customer:
                spent[session.customer.name] += row.cents
        for customer in self.world.customers:
            left = int(self.connection.rows(
                "SELECT sum(CASE WHEN a.purpose = 'arrears' THEN -b.posted ELSE b.posted END) FROM ledger.account a "
                "JOIN ledger.account_balance b ON b.account_id = a.id WHERE a.customer_id = "
                f"(SELECT customer_id FROM ledger.account WHERE id = {customer.wallet})")[0][0])
            paid = self.play.paid.get(customer.name, 0)
            if left != paid - spent[customer.name]:
                self.fault(f"{customer.name} paid {paid}, spent {spent[customer.name]} and has {left} cents")

    def made_anew(self):
        """How many bills were taken back for a later one."""
        return self.connection.rows("SELECT count(*) FROM ledger.settlement v "
                                    "JOIN core.session s ON s.uid = v.session_uid "
                                    f"WHERE v.state = 'reversed' AND s.station_id IN ({self.play.stations()})")[0][0]

    def look_at_ledger(self):
        wrong = ["|".join(row) for row in self.connection.rows("SELECT * FROM ledger.invariants()")]
        wrong += [f"the hold of a session that is {row[0]}" for row in self.connection.rows(
            "SELECT s.state FROM ledger.hold h JOIN core.session s ON s.uid = h.session_uid WHERE h.state = 'active' "
            f"AND s.station_id IN ({self.play.stations()}) AND NOT (s.state IN ('open', 'review') "
            "OR s.state IN ('stopped', 'presumed_ended') AND core.review_blocks(s.uid))")]
        trial = self.connection.rows("SELECT COALESCE(sum(CASE side WHEN 'D' THEN amount_minor ELSE -amount_minor END), 0)"
                                     " FROM ledger.entry")[0][0]
        if trial != "0":
            wrong.append(f"the trial balance is {trial}")
        for what in wrong:
            if what not in self.known:
                self.known.add(what)
                self.fault(what)

    # -- the story ------------------------------------------------------------------------------------

    def story(self, session):
        pile, row = session.pile, self.row_of(session)
        yield story_head(session)
        yield f"the pile's clock: {pile.clock}, ahead {pile.ahead}, offset {pile.offset_us} us"
        for message in sorted(session.told + self.idle_after(session), key=lambda message: message.received):
            yield (f"  {clock(message.received)} {message.kind} told at {message.at:%Y-%m-%d %H:%M:%S}"
                   f"{' queued' * message.queued} number {message.number} register {message.register} tag {message.tag}"
                   f"{f' with {len(message.readings)} readings' if message.readings else ''}"
                   f"{''.join(f' -> {answer}' for answer in message.answers)}")
        yield f"in the books: {row}"
        for other in pile.sessions:
            if other is not session and other.begin <= session.end and session.begin <= other.end:
                yield f"meanwhile {story_head(other)}; {self.row_of(other)}"
        for values in self.connection.rows(
                "SELECT received_at, kind, meter_mwh, at_text FROM core.session_message m WHERE transaction_id IN "
                f"({', '.join(map(str, session.transactions)) or 0}) ORDER BY received_at"):
            yield f"kept: {' '.join(values)}"
        bill = Bill(session, self.stop_of(session), self.idle_after(session))
        yield f"exact: {bill.energy} mWh, {bill.cents(self.world)} cents"


def story_head(session):
    habits = [name for name in ("lost", "early", "late", "rebooted", "corrected") if getattr(session, name)]
    return (f"{session.pile.name}, connector {session.connector}: {session.tag} charged from {clock(session.begin)} at "
            f"{session.register} Wh to {clock(session.end)} at {session.register_end} Wh {' '.join(habits)}")


def clock(instant):
    return f"{instant.astimezone(timezone.utc):%d %H:%M:%S}"

"""world.py - what some charging piles did and what they told of it, made from a seed.

The truth of a session is Session: when it began and ended, and what its register showed. What was
told are Messages, in the order in which they came, with the times of the pile's own clock. Nothing
here knows how the central system understands them.

A pile is away now and then and keeps its messages in a queue. Its clock is right, wrong by an offset
that is known, or none: then it begins at 1970 with each boot. What it says of a transaction whose
number it does not know, whether it reads its register between sessions, and whether a Stop carries
readings are habits of the pile. Energy is in Wh, as piles tell it.
"""
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
import random
from zoneinfo import ZoneInfo

EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
LENGTH = timedelta(hours=19)
ZONES = ("Asia/Shanghai", "Asia/Kolkata", "Asia/Kathmandu", "Europe/Berlin", "America/St_Johns")
STRANGE = 2_100_000_000         # a number of a transaction that nobody gave out
MOST_WH_A_SECOND = 25           # 90 kW


def seconds(number):
    return timedelta(seconds=number)


@dataclass(eq=False)
class Customer:
    name: str
    cards: list                 # of tags
    begins_with: int            # cents in the wallet
    wallet: int = None          # its account


@dataclass(eq=False)
class Message:
    """`number` is what it says of its transaction: "own", a number, or None."""
    kind: str                   # boot, start, read, stop
    session: object             # None: a boot, or a reading between sessions
    connector: int
    happened: datetime
    at: datetime                # the same by the pile's clock
    due: datetime               # when it can come
    held: bool                  # it lay in the queue of a pile that was away
    number: object = None
    register: int = None
    tag: str = None
    readings: list = ()         # [(at, register, context)] that a Stop carries
    received: datetime = None
    answers: list = field(default_factory=list)

    @property
    def queued(self):
        return self.held or self.received - self.due > seconds(5)


@dataclass(eq=False)
class Session:
    pile: object
    connector: int
    customer: Customer          # None: nobody knows the tag
    tag: str
    begin: datetime
    register: int
    points: list                # [(instant, register)] that are read
    end: datetime
    register_end: int
    lost: bool = False          # its Stop never came
    early: bool = False         # its Stop came before its Start
    late: bool = False          # its Stop came after the next Start, or may have
    sure: bool = True           # only this session can be meant by its Stop
    rebooted: bool = False      # its pile's clock began anew meanwhile
    corrected: bool = False     # a person told its end, not the pile
    told: list = field(default_factory=list)
    transactions: set = field(default_factory=set)


@dataclass(eq=False)
class Pile:
    name: str
    random: random.Random
    clock: str                  # right, wrong, none
    ahead: timedelta            # how far its clock is
    offset_us: int              # what the central system knows to add; None: nothing
    away: list                  # [(from, to)]
    boots: list
    unknown: int                # what it says of a transaction whose number it does not know
    unknown_read: object        # the same in readings
    learns: bool                # it takes the numbers that it is given
    idles: bool                 # it reads its registers between sessions
    carries: bool               # its Stops carry readings
    twins: bool                 # both connectors begin at once with one card
    sessions: list = field(default_factory=list)
    idle: list = field(default_factory=list)        # its readings between sessions
    messages: list = field(default_factory=list)
    station: int = None

    def by_clock(self, instant):
        if self.clock == "none":
            return EPOCH + (instant - max(boot for boot in self.boots if boot <= instant))
        return instant + self.ahead

    def delivery(self, instant):
        """When what is said then can come, and whether it is held until then."""
        for since, until in self.away:
            if since <= instant < until:
                return until, True
        return instant, False

    def tell(self, kind, session, connector, instant, after=timedelta(0), **what):
        due, held = self.delivery(instant)
        message = Message(kind, session, connector, instant, self.by_clock(instant), due + after,
                          held or bool(after), **what)
        self.messages.append(message)
        if session:
            session.told.append(message)
        return message


@dataclass
class World:
    seed: int
    begin: datetime
    zone: ZoneInfo
    vat_percent: int
    prices: list                # of a kWh by the hour of the day, twice: electricity, service; as text
    customers: list
    piles: list
    live: bool                  # bills are made meanwhile
    decided: bool               # reviews are decided meanwhile

    def sessions(self):
        return [session for pile in self.piles for session in pile.sessions]


class Connector:
    """Makes the history of one connector of a pile."""

    def __init__(self, pile, number, customers, begin, count):
        self.pile, self.number, self.customers = pile, number, customers
        self.random = pile.random
        self.end, self.count = begin + LENGTH, count
        self.moment = begin + seconds(self.random.randint(60, 4000))
        # Where the registers of both connectors are alike, they tell nothing of who is meant.
        self.register = self.random.choice((0, 0, self.random.randint(0, 10**8)))
        self.before = None
        # One card begins at both connectors in the same second.
        self.twin = pile.sessions[0] if pile.twins and pile.sessions else None
        if self.twin:
            self.moment = self.twin.begin

    def run(self):
        for _ in range(self.count):
            session = self.charge()
            if session.end > self.end:
                return
            self.pile.sessions.append(session)
            self.tell(session)
            self.rest(session)
            self.before = session

    def charge(self):
        rnd = self.random
        customer = rnd.choice(self.customers) if rnd.random() < 0.95 else None
        tag = rnd.choice(customer.cards) if customer else f"STRANGER{rnd.randrange(10**6):06d}"
        if self.twin and not self.before:
            customer, tag = self.twin.customer, self.twin.tag
        elif self.pile.clock == "none" and rnd.random() < 0.3:
            # The power was away, and the same card begins as soon as the pile is up again.
            self.pile.boots.append(self.moment - seconds(30))
            customer, tag = self.customers[0], self.customers[0].cards[0]
        instant, register, points = self.moment, self.register, []
        for _ in range(rnd.randint(0, 9)):
            instant, register = self.flow(instant, register, rnd.randint(30, 1200))
            points.append((instant, register))
        end, last = self.flow(instant, register, rnd.randint(1, 900))
        return Session(self.pile, self.number, customer, tag, self.moment, self.register, points, end, last)

    def flow(self, instant, register, length):
        return instant + seconds(length), register + self.random.randint(0, length * MOST_WH_A_SECOND)

    # -- what is told ---------------------------------------------------------------------------

    def tell(self, session):
        rnd, pile = self.random, self.pile
        start = pile.tell("start", session, self.number, session.begin, tag=session.tag, register=session.register)
        session.lost = rnd.random() < 0.1
        session.late = not session.lost and pile.clock != "none" and rnd.random() < 0.1
        # In the queue the two were exchanged. If one before were without its Stop, it could be meant.
        session.early = (pile.delivery(session.end) == (start.due, True) and rnd.random() < 0.3
                         and not (session.lost or session.late) and session.customer is not None
                         and not (self.before and (self.before.lost or self.before.late or not self.before.sure)))
        # What the pile answers for it can only know once the start was answered.
        known = (lambda instant: pile.learns and instant > start.due)
        if rnd.random() < 0.25:
            self.repeat(session)
        # What a Stop carries is often told nowhere else.
        for instant, register in session.points if not pile.carries or rnd.random() < 0.5 else ():
            number = "own" if known(instant) else pile.unknown_read
            what = {"number": number, "register": register}
            pile.tell("read", session, self.number, instant, **what)
            if rnd.random() < 0.1:
                pile.tell("read", session, self.number, instant, self.again(30), **what)
        if not session.lost:
            self.stop(session, "own" if known(session.end) else pile.unknown)

    def again(self, most):
        """How much later a repeat comes: at once where no time tells it from another message."""
        return seconds(self.random.randint(1, most)) if self.pile.clock != "none" else timedelta(0)

    def repeat(self, session):
        """The answer was lost; or the pile's memory of the register was."""
        rnd, pile = self.random, self.pile
        register, after = session.register, self.again(20)
        if pile.clock != "none" and rnd.random() < 0.15:
            register += rnd.choice((-3, 40))
        pile.tell("start", session, self.number, session.begin, after, tag=session.tag, register=register)

    def stop(self, session, number):
        rnd, pile = self.random, self.pile
        tag = session.tag if session.early or rnd.random() < 0.8 else None
        if number != "own" and tag and rnd.random() < 0.2:
            number = STRANGE + rnd.randrange(10**6)
        session.sure = number == "own" or tag is not None and session.customer is not None
        late = seconds(rnd.randint(60, 9000)) if session.late else timedelta(0)
        what = {"number": number, "register": session.register_end, "tag": tag}
        if pile.carries:
            what["readings"] = [(pile.by_clock(x), register, "Sample.Periodic") for x, register in session.points]
            what["readings"].append((pile.by_clock(session.end), session.register_end, "Transaction.End"))
        pile.tell("stop", session, self.number, session.end, late, **what)
        if rnd.random() < 0.2:
            pile.tell("stop", session, self.number, session.end, late + self.again(60), **what)
        if session.sure and rnd.random() < 0.05 and pile.clock != "none":
            what["register"] += rnd.choice((-7, 50))
            pile.tell("stop", session, self.number, session.end, late + seconds(61), **what)

    def rest(self, session):
        """Until the next session: the register stands, or creeps where nobody reads it."""
        rnd, pile = self.random, self.pile
        self.register = session.register_end
        gap = rnd.randint(5, 60) if rnd.random() < 0.4 else rnd.randint(60, 4000)
        self.moment = session.end + seconds(gap)
        if pile.idles and gap > 20:
            instant = session.end + seconds(rnd.randint(1, gap - 1))
            pile.idle.append(pile.tell("read", None, self.number, instant, number=rnd.choice((None, 0)),
                                       register=self.register))
        elif not pile.idles:
            self.register += rnd.choice((0, 0, 3))


def make_pile(name, customers, begin, rnd):
    clock = rnd.choice(("right", "right", "wrong", "wrong", "none"))
    ahead = seconds(rnd.choice((-8 * 3600, 3600, -700, 45))) if clock == "wrong" else seconds(rnd.choice((0, 0, 5)))
    offset_us = int(-ahead.total_seconds() * 1_000_000)
    if clock != "wrong":
        offset_us = None if clock == "none" else rnd.choice((None, offset_us))
    pile = Pile(name, rnd, clock, ahead, offset_us, [], [begin], rnd.choice((-1, 0)),
                rnd.choice((-1, 0, None, STRANGE)), rnd.random() < 0.7, rnd.random() < 0.4,
                rnd.random() < 0.3, rnd.random() < 0.2)
    moment = begin
    if pile.twins:              # whose Stop it is, then nothing but the number can tell
        pile.learns = True
    while moment < begin + LENGTH and not pile.twins:
        moment += timedelta(minutes=rnd.randint(20, 240))
        if clock == "none":
            pile.boots.append(moment)
        else:
            pile.away.append((moment, moment + timedelta(minutes=rnd.randint(5, 120))))
            moment = pile.away[-1][1]
    for number in (1, 2):
        Connector(pile, number, customers[number - 1::2], begin, rnd.randint(3, 7)).run()
    for boot in pile.boots:
        pile.messages.append(Message("boot", None, 0, boot, pile.by_clock(boot), boot, False))
    for session in pile.sessions:
        # What is read after one without a Stop belongs to it, too.
        later = [s.begin for s in pile.sessions if s.connector == session.connector and s.begin > session.begin]
        until = min(later, default=begin + LENGTH) if session.lost else session.end
        session.rebooted = clock == "none" and any(session.begin < boot <= until for boot in pile.boots)
    put_in_order(pile)
    return pile


def put_in_order(pile):
    """One message after another: each is sent when the one before is answered."""
    order = {id(message): (message.due, number) for number, message in enumerate(
        sorted(pile.messages, key=lambda message: message.at if pile.clock != "none" else message.due))}
    for session in pile.sessions:
        if session.early:
            start = session.told[0]
            stop = next(message for message in session.told if message.kind == "stop")
            order[id(stop)] = (start.due, order[id(start)][1] - 0.5)
    pile.messages.sort(key=lambda message: order[id(message)])
    received = EPOCH
    for message in pile.messages:
        received = max(message.due, received + timedelta(milliseconds=20))
        message.received = received


def make(seed, begin, piles=6):
    rnd = random.Random(seed)
    zone = ZoneInfo(rnd.choice(ZONES))
    first = begin.astimezone(zone).hour
    # By the hours since the beginning, so that a seed is the same at any time of the day.
    prices = [[f"0.{rnd.randint(1000, 9999)}" for _ in range(2)] for _ in range(24)]
    prices = [prices[(hour - first) % 24] for hour in range(24)]
    customers = [Customer(f"h{seed}c{c}", [f"H{seed}C{c}K{card}" for card in range(3)],
                          rnd.choice((0, 3000, 5_000_000))) for c in range(4)]
    return World(seed, begin, zone, rnd.choice((6, 13)), prices, customers,
                 [make_pile(f"h{seed}p{n}", customers, begin, random.Random(f"{seed}/{n}")) for n in range(piles)],
                 live=seed % 2 == 0, decided=seed % 3 == 0)

"""moving.py - two csmsd on one database; piles go from one to the other, and now and then one of the two is killed.

Each pile opens a connection to either node while its old one still stands, and sends meter values whose answer it
waits for on whatever connection it has.  Most moves come with commands: a pile that has got one of several goes before
the next, and answers as its new connection comes, after that, or never.  So the old node asks for the next command
while the other takes the pile over, and when it has.

Each connection comes from an address of its own, so that the test knows the epoch of every socket; triggers of the
test write down each epoch and each claim in the database's own order.  mutants.sh tells what this finds.
"""
import os
import random
import subprocess
import threading
import time

from charging import PATIENCE, Stack, arguments, check

import e2e
from crowd import furnish
from flock import Flock
from stack import free_port

# On a quiet machine; a slow one gets more, as it is measured (stack.Span).  The slow look comes every 10 s.
OLD_GONE_S, SETTLED_S = 2, 10
REPLACED = 1001     # how csmsd closes the connection of a pile that has another
BUNCH = 4           # commands that a pile is given before it moves
# What a pile is asked, whether it may be asked twice, what it answers.
ASKED = (("UnlockConnector", '{"connectorId": 1}', False, {"status": "Unlocked"}),
         ("GetLocalListVersion", "{}", True, {"listVersion": 0}))
ANSWERS = {action: answer for action, _, _, answer in ASKED}
WITNESS = """
    CREATE SCHEMA witness;
    CREATE TABLE witness.epoch (id bigint GENERATED ALWAYS AS IDENTITY, station bigint, epoch bigint, node bigint,
        remote text, is_open boolean);
    CREATE TABLE witness.claim (id bigint GENERATED ALWAYS AS IDENTITY, command bigint, message_id text,
        station bigint, epoch bigint, owner_epoch bigint);
    CREATE FUNCTION witness.epoch() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$ BEGIN
        INSERT INTO witness.epoch (station, epoch, node, remote, is_open)
        VALUES (NEW.station_id, NEW.epoch, NEW.node_id, NEW.remote, NEW.closed_at IS NULL); RETURN NULL; END $$;
    CREATE FUNCTION witness.claim() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$ BEGIN
        INSERT INTO witness.claim (command, message_id, station, epoch, owner_epoch)
        SELECT NEW.id, NEW.message_id, NEW.station_id, NEW.epoch, CASE WHEN c.closed_at IS NULL THEN c.epoch END
        FROM core.station_connection c WHERE c.station_id = NEW.station_id; RETURN NULL; END $$;
    CREATE TRIGGER witness AFTER UPDATE ON core.station_connection FOR EACH ROW EXECUTE FUNCTION witness.epoch();
    CREATE TRIGGER witness AFTER UPDATE ON core.command FOR EACH ROW
        WHEN (NEW.state = 'sent' AND OLD.attempts <> NEW.attempts) EXECUTE FUNCTION witness.claim()"""


class Csmsd:
    """One of the nodes: it dies without a word and comes again on its port."""

    def __init__(self, stack, name):
        self.stack, self.name, self.port, self.dead = stack, name, free_port(), False
        self.config = os.path.join(stack.folder, f"{name}.conf")
        with open(stack.config) as source, open(self.config, "w") as out:
            out.write(source.read().replace(f"port = {stack.port}", f"port = {self.port}") + f'node = "{name}"\n')
        self.start()

    def start(self):
        with open(os.path.join(self.stack.folder, "csmsd.log"), "a") as log:
            self.process = subprocess.Popen(["setpriv", "--pdeathsig", "KILL", self.stack.program("csmsd"), "--config",
                                             self.config], stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        self.stack.children.append(self.process)
        self.dead = False

    def lives(self):
        if self.process.poll() is not None:
            check(f"csmsd {self.name} lives until it is killed", False, f"exit status {self.process.returncode}")

    def kill(self):
        self.lives()
        self.process.kill()
        self.process.wait()
        self.dead = True


class Pile:
    def __init__(self, world, index):
        self.world, self.index, self.identity = world, index, f"F-{index}"
        self.line = None                # the newest connection
        self.old = {}                   # older ones -> since when a newer one is booted
        self.goes_at = 0                # it moves upon so many CALLs; 0: upon none
        self.kept = None                # an old connection, and the answer that it gets once the new one is booted
        self.booted, self.retry_at, self.measure_at = False, 0, 0
        self.register, self.confirmed, self.waiting = 0, [], False

    def move(self):
        if self.line is not None:
            self.old[self.line] = None
        self.booted = self.waiting = False
        self.line = self.world.flock.connect(self.world.chance.choice(self.world.nodes).port, self.identity, self)

    def may_move(self):
        """Mostly when the last move is done, so that it is seen how long that takes."""
        return self.booted and (not self.old or self.world.chance.random() < 0.2)

    def go(self):
        """At once or upon a CALL, for which there are commands then."""
        if self.goes_at or self.world.chance.random() < 0.25:
            self.goes_at = 0
            self.move()
        else:
            self.goes_at = self.world.chance.randint(1, BUNCH - 1)
            self.world.wanted.append(self.identity)

    def opened(self, line):
        line.call("boot", "BootNotification", chargePointVendor="V", chargePointModel="M")

    def closed(self, line, why):
        since = self.old.pop(line, None)
        if since is not None and why == REPLACED:
            self.world.gone.append(time.monotonic() - since)
        if line is self.line:
            self.world.refusals[why] = self.world.refusals.get(why, 0) + 1
            self.line, self.booted, self.retry_at = None, False, time.monotonic() + self.world.chance.uniform(0.1, 0.5)

    def heard(self, line, message):
        if message[0] == 2:
            self.world.calls.append((self.index, line.source, message[1], message[2]))
            self.answer(line, [3, message[1], ANSWERS[message[2]]])
        elif line is not self.line:
            pass
        elif message[1] == "boot":
            if message[0] != 3 or message[2]["status"] != "Accepted":
                raise AssertionError(f"a boot was answered {message}")
            self.booted = True
            self.old = {old: time.monotonic() for old in self.old}
            if self.kept is not None:
                self.kept[0].send(self.kept[1])
                self.kept = None
        elif message[0] == 3:
            self.confirmed.append(self.register)
            self.waiting = False

    def answer(self, line, message):
        """At once, or when the pile has gone before: with the new connection's upgrade, after its boot, never."""
        goes = line is self.line and self.goes_at == 1
        if line is self.line and self.goes_at > 0:
            self.goes_at -= 1
        if not goes:
            line.send(message)
            return
        manner = self.world.chance.choice(("with", "after", "never"))
        self.world.provoked[manner] = self.world.provoked.get(manner, 0) + 1
        self.move()
        self.kept = (line, message) if manner == "after" else None
        if manner == "with":
            line.send(message)

    def measure(self, now):
        """The next value, or the one that no connection has confirmed."""
        if not self.booted or self.waiting or now < self.measure_at:
            return
        if self.confirmed and self.confirmed[-1] == self.register or self.register == 0:
            self.register += 1
            self.at = e2e.now()
        self.waiting, self.measure_at = True, now + self.world.pace_s
        self.line.call(f"m{self.register}", "MeterValues", connectorId=1, meterValue=[
            {"timestamp": self.at, "sampledValue": [{"value": str(self.register)}]}])


class World:
    def __init__(self, stack, chance, count, nodes):
        self.stack, self.chance, self.nodes, self.flock = stack, chance, nodes, Flock()
        self.pace_s = count / 1000      # the closed loop of a few, once a second for each of many
        self.calls, self.gone, self.refusals, self.kills = [], [], {}, 0
        self.wanted, self.provoked, self.over = [], {}, threading.Event()
        self.piles = [Pile(self, index) for index in range(count)]

    def ask(self):
        """Commands for the piles that want some, by a session of its own."""
        rows = ", ".join(f"({n}, '{action}', '{payload}'::jsonb, {repeatable})" for n, (action, payload, repeatable, _)
                         in enumerate(ASKED * (BUNCH // len(ASKED))))
        while not self.over.wait(0.1):
            wanted, self.wanted = self.wanted, []
            if wanted:
                names = ", ".join(f"'{name}'" for name in wanted)
                self.stack.value(f"""INSERT INTO core.command (station_id, action, payload, repeatable, timeout_s,
                    deadline, actor) SELECT s.id, a.action, a.payload, a.repeatable, 30, now() + interval '1 hour', 'test'
                    FROM core.station s, (VALUES {rows}) AS a(n, action, payload, repeatable)
                    WHERE s.identity IN ({names}) ORDER BY a.n""")

    def step(self):
        self.flock.look(0.02)
        now = time.monotonic()
        for pile in self.piles:
            if pile.line is None and now >= pile.retry_at:
                pile.move()
            else:
                pile.measure(now)

    def drive(self, seconds, move_every_s, kill_every_s):
        """Piles move, each once in so many seconds; one node of the two is killed, and is back two seconds later."""
        began = last = time.monotonic()
        due, next_kill, back = 0.0, kill_every_s, None
        while last - began < seconds:
            self.step()
            now = time.monotonic()
            due, last = due + (now - last) * len(self.piles) / move_every_s, now
            for pile in self.chance.choices(self.piles, k=int(due)):
                if pile.may_move():
                    pile.go()
            due %= 1
            if back is None and now - began >= next_kill:
                self.chance.choice(self.nodes).kill()
                self.kills, back, next_kill = self.kills + 1, now + 2, now - began + kill_every_s
            elif back is not None and now >= back:
                self.start_dead()
                back = None
        self.start_dead()

    def start_dead(self):
        for node in self.nodes:
            if node.dead:
                node.start()

    def settle(self):
        """Every pile is answered by its newest connection, and there is no other one."""
        goal = {pile: len(pile.confirmed) + 2 for pile in self.piles}

        def answered():
            self.step()
            return all(pile.booted and not pile.old and len(pile.confirmed) >= goal[pile] for pile in self.piles)
        return self.soon(SETTLED_S, answered)

    def soon(self, seconds, condition):
        """Whether it came in time, and after what; waited for is as long as on a machine of any slowness."""
        with self.stack.span() as span:
            came = self.flock.wait(condition, seconds * PATIENCE)
        late = [pile.identity for pile in self.piles if not pile.booted or pile.old]
        return came is not None and span.within(seconds), f"{came:.1f} s" if came is not None else late[:5]


def none(stack, what, sql):
    found = stack.rows(sql)
    check(what, not found, found[:3] if found else "")


def judge(stack, world):
    stack.value("ANALYZE witness.epoch; ANALYZE witness.claim")
    # A pile has one row, which one epoch opens and, if nothing else comes before, closes.
    none(stack, "at most one open ownership of a pile at any instant: its epochs rise strictly", """SELECT * FROM (
        SELECT station, epoch, is_open, lag(epoch) OVER (PARTITION BY station ORDER BY id) AS before
        FROM witness.epoch) e WHERE CASE WHEN is_open THEN epoch <= before ELSE epoch <> before END""")
    none(stack, "no claim by an old epoch",
         "SELECT * FROM witness.claim WHERE epoch IS DISTINCT FROM owner_epoch")
    # The socket that a CALL came on, by its address; the epoch that this address was given.
    given = {remote: int(epoch) for remote, epoch in stack.rows(
        "SELECT remote, max(epoch) FROM witness.epoch WHERE is_open GROUP BY remote")}
    claimed = {row[0]: int(row[1]) for row in stack.rows("SELECT message_id, epoch FROM witness.claim")}
    wrong = [call for call in world.calls if claimed.get(call[2]) != given.get(call[1], 0)]
    check("each CALL came on the connection whose epoch claimed it", not wrong, wrong[:3] or len(world.calls))
    seen = [call[2] for call in world.calls]
    check("each CALL came once", len(seen) == len(set(seen)), len(seen))
    once = [call[2].rsplit("-", 1)[0] for call in world.calls if call[3] == "UnlockConnector"]
    check("what may not be repeated was not", len(once) == len(set(once)) and once, len(once))


def nothing_lost(stack, world):
    total = sum(len(pile.confirmed) for pile in world.piles)
    stored = {(row[0], int(row[1])) for row in stack.rows("""SELECT DISTINCT s.identity, r.import_mwh / 1000
        FROM core.meter_reading r JOIN core.station s ON s.id = r.station""")}
    lost = [(pile.identity, value) for pile in world.piles for value in pile.confirmed
            if (pile.identity, value) not in stored]
    check("every value that was confirmed is stored", not lost, lost[:3] or total)
    none(stack, "what may be repeated has its answer, the rest that or nobody knows", """SELECT id, action, state
        FROM core.command WHERE state <> 'accepted' AND (repeatable OR state <> 'unknown')""")
    seen = {call[2] for call in world.calls}
    invented = [row[0] for row in stack.rows("SELECT message_id FROM core.command WHERE state = 'accepted'")
                if row[0] not in seen]
    check("no answer is one that no pile gave", not invented, invented[:3] or len(seen))


def move(world, seconds, move_s, kill_s):
    check("each pile is in", *world.settle())
    asker = threading.Thread(target=world.ask)
    asker.start()
    try:
        world.drive(seconds, move_s, kill_s)
        settled = world.settle()
    finally:
        world.over.set()
        asker.join()
    print(f"   {world.flock.lines} connections, {world.kills} kills, {len(world.calls)} CALLs; answered as a pile moved: "
          f"{world.provoked}; ends of the newest connection: {world.refusals}", flush=True)
    check("nodes were killed", world.kills >= 2, world.kills)
    for node in world.nodes:
        node.lives()
    return settled


def judge_ends(stack, world, settled, span):
    now = time.monotonic()
    gone = sorted(world.gone + [now - since for pile in world.piles for since in pile.old.values() if since is not None])
    span.took = gone[-1]
    check(f"a connection that has a newer one is closed within {OLD_GONE_S} s", span.within(OLD_GONE_S),
          f"{len(gone)} were, half of them within {gone[len(gone) // 2]:.2f} s")
    check("each pile is answered, on one connection", *settled)
    owned = int(stack.value("SELECT count(*) FROM core.station_connection WHERE closed_at IS NULL AND epoch > 0"))
    check("each pile owns its connection, which no older one has closed", owned == len(world.piles), owned)
    unfinished = "SELECT id, state FROM core.command WHERE state IN ('queued', 'sent')"
    check("every command has come to an end",
          *world.soon(SETTLED_S, lambda: world.step() or not stack.rows(unfinished)))


def main():
    options = arguments(__doc__)
    count, seconds, move_s, kill_s = (1000, 600, 60, 20) if options.long else (60, 8, 1.5, 3)
    with Stack(options.build) as stack:
        stack.start_database()
        stack.migrate()
        furnish(stack, count)
        options.wrong(stack)
        stack.value(WITNESS)
        stack.write_config(extra="limits { accepts_per_s = 100000 }\n")
        nodes = [Csmsd(stack, name) for name in ("first", "second")]
        world = World(stack, random.Random(options.seed), count, nodes)
        with stack.span() as span:
            settled = move(world, seconds, move_s, kill_s)
        # What is wrong in the books says more than what comes of it.
        judge(stack, world)
        judge_ends(stack, world, settled, span)
        nothing_lost(stack, world)


if __name__ == "__main__":
    main()

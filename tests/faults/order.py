"""order.py - readings take 500 ms longer than money, and the Stop comes right behind them.

A pile sends MeterValues and its StopTransaction after the confirmation, in the same breath, on a new
connection that takes the old one over, or on one to another node.  On one node the Stop's commit
comes after the readings', always; with another node the bill waits long enough.  So every bill has
the readings in its input.
"""
import json
import os
import random
import signal
import threading
import time
import zlib

from charging import Stack, arguments, check
from proxy import Proxy

import e2e
from crowd import furnish, pile
from nodes import Node

SLOW_S = 0.5
WAYS = ("confirmed", "in one breath", "taken over", "closed and back", "another node")
SETTINGS = "track_commit_timestamp = on\n"
CONFIG = "limits { accepts_per_s = 100000 drain_s = 3 }\nworkers { jobs = %s }\n"

# The Stop's transaction has also made the job, which nobody has touched since.
TOO_LATE = """SELECT s.transaction_id FROM core.session s
    JOIN core.job j ON j.kind = 'settle' AND j.key = s.uid::text
    JOIN core.meter_reading r ON r.station = s.station_id AND r.transaction_id = s.transaction_id
    WHERE pg_xact_commit_timestamp(r.xmin) > pg_xact_commit_timestamp(j.xmin)"""
TOO_EARLY = """SELECT count(*) FROM core.session s
    JOIN core.job j ON j.kind = 'settle' AND j.key = s.uid::text
    JOIN core.meter_reading r ON r.station = s.station_id AND r.transaction_id = s.transaction_id
    WHERE pg_xact_commit_timestamp(r.xmin) >= j.run_at"""
INPUTS = """SELECT s.transaction_id, encode(t.input, 'hex') FROM core.session s
    JOIN ledger.settlement t ON t.session_uid = s.uid"""


class Pile(threading.Thread):
    """One pile's charges, one after the other, each with one reading of its own."""

    def __init__(self, ports, index, ways, chance):
        super().__init__(daemon=True)
        self.ports, self.index, self.ways, self.chance = ports, index, ways, chance
        self.charges, self.trouble = [], None    # (transaction, way, the reading's register in mWh)

    def run(self):
        try:
            one = pile(self.ports[0], self.index)
            one.call("BootNotification", chargePointVendor="V", chargePointModel="M")
            for number, way in enumerate(self.ways):
                one = self.charge(one, way, number * 10)
            one.wire.socket.close()
        except Exception as trouble:
            self.trouble = trouble

    def charge(self, one, way, meter):
        start = one.call("StartTransaction", connectorId=1, idTag=f"CARD-{self.index}", meterStart=meter,
                         timestamp=e2e.now())
        transaction = start[2]["transactionId"]
        time.sleep(0.1)
        reading = {"connectorId": 1, "transactionId": transaction, "meterValue": [
            {"timestamp": e2e.now(), "sampledValue": [{"value": str(meter + 1)}]}]}
        time.sleep(0.02)
        stop = {"transactionId": transaction, "meterStop": meter + 2, "timestamp": e2e.now()}
        self.charges.append((transaction, way, (meter + 1) * 1000))
        if way == "confirmed":
            one.call("MeterValues", **reading)
        else:
            one.wire.send(json.dumps([2, f"m{transaction}", "MeterValues", reading]))
        if way == "in one breath":
            one.wire.send(json.dumps([2, f"s{transaction}", "StopTransaction", stop]))
            heard = [json.loads(one.wire.receive())[:2] for _ in range(2)]
            if heard != [[3, f"m{transaction}"], [3, f"s{transaction}"]]:
                raise AssertionError(f"answers in another order: {heard}")
            return one
        if way in ("taken over", "closed and back", "another node"):
            time.sleep(self.chance.uniform(0, SLOW_S * 0.9))
            if way == "closed and back":
                one.wire.socket.close()
            one = pile(self.ports[way == "another node"], self.index)
        if one.call("StopTransaction", **stop)[0] != 3:
            raise AssertionError("the Stop was not confirmed")
        if way == "another node":
            one = pile(self.ports[0], self.index)
        return one


def charge_all(stack, ports, options):
    chance = random.Random(options.seed)
    piles, each = (200, 85) if options.long else (20, 5)
    threads = []
    furnish(stack, piles)
    stack.wait(lambda: all(reached(port, piles - 1) for port in ports), 20, "the piles in the directories")
    for index in range(piles):
        ways = list(WAYS) * (each // len(WAYS))
        chance.shuffle(ways)
        threads.append(Pile(ports, index, ways, random.Random(chance.random())))
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    trouble = [(thread.index, thread.trouble) for thread in threads if thread.trouble]
    check("no pile was in trouble", not trouble, trouble[:3] or "")
    return {transaction: (way, register) for thread in threads for transaction, way, register in thread.charges}


def reached(port, index):
    try:
        one = pile(port, index)
        one.call("Heartbeat")  # the node owns it now
        one.wire.socket.close()
        return True
    except ConnectionRefusedError:
        return False


def billed_without(stack, charges):
    """Charges whose bill was made from an input without their reading."""
    inputs = {}
    for transaction, kept in stack.rows(INPUTS):
        inputs[int(transaction)] = json.loads(zlib.decompress(bytes.fromhex(kept)))["input"]
    return [(transaction, way) for transaction, (way, register) in charges.items()
            if str(register) not in [each["import_mwh"] for each in inputs[transaction]["readings"]]]


def main():
    options = arguments(__doc__)
    with Stack(options.build, settings=SETTINGS) as stack, Proxy(stack) as between:
        stack.start_database()
        stack.migrate()
        stack.write_config(extra=CONFIG % "false")
        between.install()
        between.slow["joulebook/telemetry"] = SLOW_S
        stack.start_csmsd()
        other = Node(stack, "second")
        charges = charge_all(stack, [stack.port, other.port], options)
        late = {int(row[0]) for row in stack.rows(TOO_LATE)}
        wrong = [(number, charges[number][0]) for number in late if charges[number][0] != "another node"]
        check(f"on one node no Stop was stored before its readings, of {len(charges)}", not wrong, wrong[:5] or "")
        check("with another node some were, so the readings were slow enough", late, len(late))
        jobs = "SELECT count(*) FROM core.job WHERE kind = 'settle' AND state IN ('queued', 'running')"
        check("none is billed yet", stack.value(jobs) == str(len(charges)), stack.value(jobs))
        check("none is due before its readings are there", stack.value(TOO_EARLY) == "0", stack.value(TOO_EARLY))

        stack.end(other.process, signal.SIGTERM)
        stack.end(stack.csmsd, signal.SIGTERM)
        os.remove(stack.config)
        stack.write_config(extra=CONFIG % "true")
        stack.start_csmsd()
        # What came over a new connection would be billed after two minutes.
        stack.value("UPDATE core.job SET run_at = now() WHERE kind = 'settle' AND state = 'queued'")
        stack.wait(lambda: stack.value(jobs) == "0", 60, "the bills")
        check("none waits for a decision", stack.value("SELECT count(*) FROM query.review") == "0")
        without = billed_without(stack, charges)
        check(f"every bill has its readings, of {len(charges)}", not without, without[:5] or "")


if __name__ == "__main__":
    main()

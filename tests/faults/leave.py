"""leave.py - csmsd is told to end while many piles speak.

What is in work is answered once it is stored, nothing further is taken and no command sent, every pile
is closed with 1001, and csmsd is gone within its time to drain.  First with every pile's message in the
hands of a database that stands still when the word comes, then at random instants under load.
"""
import json
import os
import random
import re
import signal
import struct
import time

from charging import Charging, Stack, arguments, check

import crowd
import e2e
from wire import CLOSE, PING, TEXT, Closed

GONE_S = 10
STAND_STILL_S, IDLE = 1, 5
CONFIG = 'limits { accepts_per_s = 100000 }\nlog { level = "debug" frames = "full" }\n'


def log_of(stack):
    with open(os.path.join(stack.folder, "csmsd.log"), errors="replace") as log:
        return log.read()


def all_that_is_heard(one):
    """Messages as (type, id), and the code of the close."""
    heard = []
    try:
        while True:
            opcode, payload = one.wire.frame()
            if opcode == TEXT:
                heard.append(tuple(json.loads(payload)[:2]))
            elif opcode == CLOSE:
                heard.append(struct.unpack(">H", payload[:2])[0])
            elif opcode != PING:
                heard.append(opcode)
    except Closed:
        return heard


def in_work(stack, count):
    """Every pile has a Start in work, whose commit stands still, when the word comes; of a few idle ones a command is
    being claimed."""
    everybody = [crowd.pile(stack.port, index) for index in range(count + IDLE)]
    piles, idle = everybody[:count], everybody[count:]
    for one in everybody:
        one.call("BootNotification", chargePointVendor="V", chargePointModel="M")
    lanes = [int(row[0]) for row in stack.rows(
        "SELECT pid FROM pg_stat_activity WHERE application_name IN ('joulebook/money', 'joulebook/telemetry')")]
    for pid in lanes:
        os.kill(pid, signal.SIGSTOP)
    for index, one in enumerate(piles):
        one.wire.send(json.dumps([2, f"first-{index}", "StartTransaction", {
            "connectorId": 1, "idTag": f"CARD-{index}", "meterStart": 0, "timestamp": e2e.now()}]))
    stack.wait(lambda: len(set(re.findall(r"first-\d+", log_of(stack)))) == count, 5, "the Starts in work")
    stack.value("""INSERT INTO core.command (station_id, action, payload, deadline, actor)
        SELECT id, 'ClearCache', '{}', now() + interval '1 hour', 'test' FROM core.station""")
    time.sleep(STAND_STILL_S)    # until the claims are on their way
    with stack.span() as span:
        stack.csmsd.send_signal(signal.SIGTERM)
        stack.wait(lambda: '"csmsd.stopping"' in log_of(stack), 5, "the word that it ends")
        for one in piles:
            one.wire.send('[2,"second","MeterValues",{"connectorId":1,"meterValue":[{"timestamp":"%s",'
                          '"sampledValue":[{"value":"1"}]}]}]' % e2e.now())
        time.sleep(STAND_STILL_S)
        for pid in lanes:
            os.kill(pid, signal.SIGCONT)
        heard = [all_that_is_heard(one) for one in piles]
        idle = [all_that_is_heard(one) for one in idle]
        status = stack.csmsd.wait(30)
    wrong = [each for index, each in enumerate(heard) if each != [(3, f"first-{index}"), 1001]]
    check(f"each of {count} piles hears the answer to what was in work, no command, and 1001", not wrong, wrong[:3] or "")
    check("who waits for nothing hears 1001 alone", all(each == [1001] for each in idle), idle)
    check("csmsd ends well", status == 0, status)
    check("in its time", span.within(GONE_S))
    check("what was answered is stored, and nothing else", stack.rows("""SELECT (SELECT count(*) FROM core.session),
        (SELECT count(*) FROM core.meter_reading)""") == [[str(count), "0"]])
    check("no command was sent", stack.value("SELECT DISTINCT state FROM core.command") == "queued")


def under_load(options, times, chance):
    with Stack(options.build) as stack:
        stack.start_database()
        stack.migrate()
        piles = Charging(stack, options.seed, attempts=10, retry_s=1)
        piles.seed()
        stack.start_csmsd()
        piles.start()
        for _ in range(times):
            piles.more(20)
            time.sleep(chance.uniform(0, 0.5))
            with stack.span() as span:
                stack.csmsd.send_signal(signal.SIGTERM)
                status = stack.csmsd.wait(30)
            check("under load csmsd ends well", status == 0, status)
            check("in its time", span.within(GONE_S))
            stack.start_csmsd()
        piles.finish()
        piles.audit()


def main():
    options = arguments(__doc__)
    chance = random.Random(options.seed)
    count, times = (1000, 50) if options.long else (100, 3)
    with Stack(options.build) as stack:
        stack.start_database()
        stack.migrate()
        crowd.furnish(stack, count + IDLE)
        stack.start_csmsd(extra=CONFIG)
        in_work(stack, count)
    under_load(options, times, chance)


if __name__ == "__main__":
    main()

#!/usr/bin/python3
"""The time to drain is a setting: an answer that never comes is waited for so long and no longer.

    drain.py BUILD
"""
import os
import signal
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..'))
import e2e  # noqa: E402
from house import log_of  # noqa: E402
from stack import Stack  # noqa: E402


def seconds_to_end(stack, key, drain_s):
    stack.write_config(credentials='required', extra='limits { drain_s = %d }\n'
                       'log { level = "debug" frames = "full" }' % drain_s)
    stack.start_csmsd()
    pile = e2e.connect(stack, key)
    pile.call('BootNotification', chargePointVendor='V', chargePointModel='M')
    lanes = [int(row[0]) for row in stack.rows(
        "SELECT pid FROM pg_stat_activity WHERE application_name IN"
        " ('joulebook/money', 'joulebook/telemetry')")]
    for pid in lanes:
        os.kill(pid, signal.SIGSTOP)
    pile.wire.send('[2,"drain-%d","Authorize",{"idTag":"TAG-1"}]' % drain_s)
    stack.wait(lambda: 'drain-%d' % drain_s in log_of(stack), 5, 'the request')
    with stack.span() as span:
        os.kill(stack.csmsd.pid, signal.SIGTERM)
        status = stack.csmsd.wait(30)
    for pid in lanes:
        os.kill(pid, signal.SIGCONT)
    e2e.check('csmsd ends well, its database standing still', status, 0)
    return span


def main(build):
    with Stack(build) as stack:
        stack.start_database()
        stack.migrate()
        stack.write_config(credentials='required')
        key = e2e.furnish(stack)
        short, longer = seconds_to_end(stack, key, 1), seconds_to_end(stack, key, 6)
        e2e.check('a drain of 1 s takes 1 s', (short.took > 0.5, short.within(2.5)), (True, True))
        e2e.check('a drain of 6 s takes longer', (longer.took > 3.5, longer.within(7.5)), (True, True))


if __name__ == '__main__':
    main(sys.argv[1])

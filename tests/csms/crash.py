"""crash.py BUILD - csmsd dies with SIGKILL at named places, once each (a build with -Dtests_fault=true).

A pile repeats what was not answered, with a new message id, as piles do.  Whatever the instant of
death: one session, one stop, each reading once, one bill, and a claimed command is never sent twice,
and what became of it is written when the pile says so later.
"""
import json
import os
import sys

import e2e
from stack import Stack
from wire import Closed

SESSION = ['before_submit.start', 'after_submit.start', 'after_commit.start', 'after_answer.start',
           'before_submit.reading_insert', 'after_submit.reading_insert', 'after_commit.reading_insert',
           'before_submit.stop', 'after_submit.stop', 'after_commit.stop', 'after_answer.stop',
           'commit_sent.money:3', 'commit_sent.telemetry', 'before_write.frame:2', 'after_write.frame:4',
           'before_write.upgrade', 'after_write.upgrade',
           'before_commit.settle', 'after_commit.settle', 'after_commit.take_over', 'after_commit.boot']

# What only happens beside a session, or at its edges.
BESIDE = ['before_commit.node_start', 'after_commit.node_start', 'before_write.answer', 'after_write.answer',
          'before_submit.command_answer', 'after_submit.command_answer', 'after_commit.command_answer',
          'before_commit.job_claim', 'after_commit.job_claim', 'before_commit.job_done', 'after_commit.job_done',
          'before_commit.job_run', 'after_commit.job_run',
          'before_commit.settlement_input', 'after_commit.settlement_input', 'before_submit.seen', 'after_submit.seen',
          'before_submit.frame_insert', 'after_submit.frame_insert', 'before_write.close', 'after_write.close',
          'before_submit.connection_close', 'after_submit.connection_close', 'after_commit.connection_close']

# What of a message is in the database, told by the register that its session starts with.
STORED = {
    'start': 'SELECT count(*) FROM core.session WHERE meter_start_mwh = {meter} * 1000',
    'reading_insert': 'SELECT count(*) FROM core.meter_reading WHERE import_mwh = ({meter} + 200) * 1000',
    'stop': 'SELECT count(meter_stop_mwh) FROM core.session WHERE meter_start_mwh = {meter} * 1000'}


class Retrying:
    """A pile that reconnects and repeats until it is answered."""

    def __init__(self, stack, key, dead=None):
        self.stack, self.key, self.pile, self.deaths, self.dead = stack, key, None, 0, dead
        self.connect()

    def connect(self):
        while True:
            if self.stack.csmsd.poll() is not None:
                self.deaths += 1
                if self.dead is not None:
                    self.dead()
                os.environ.pop('JOULEBOOK_CRASH_AT', None)
                self.stack.start_csmsd()
            try:
                self.pile = e2e.connect(self.stack, self.key)
                return
            except (Closed, OSError):
                self.stack.csmsd.wait(20)

    def call(self, action, **payload):
        while True:
            try:
                return self.pile.call(action, **payload)
            except (Closed, OSError):
                self.stack.csmsd.wait(20)
                self.connect()


def restart(stack, place):
    stack.csmsd.terminate()
    stack.csmsd.wait(15)
    os.environ['JOULEBOOK_CRASH_AT'] = place
    stack.start_csmsd()


def session(stack, key, place, number):
    """One charge with a death in it; what the books say afterwards."""
    restart(stack, place)
    meter = 1000 + number * 1000
    pile = Retrying(stack, key, lambda: found_dead(stack, place, meter))
    pile.call('BootNotification', chargePointVendor='V', chargePointModel='M')
    started, read, stopped = e2e.now(), e2e.now(0.1), e2e.now(0.2)
    transaction = pile.call('StartTransaction', connectorId=1, idTag='TAG-1', meterStart=meter,
                            timestamp=started)[2]['transactionId']
    pile.call('MeterValues', connectorId=1, transactionId=transaction, meterValue=[
        {'timestamp': read, 'sampledValue': [{'value': str(meter + 200)}]}])
    pile.call('StopTransaction', transactionId=transaction, meterStop=meter + 425, timestamp=stopped)
    hurry(stack)
    stack.wait(lambda: settled(stack, pile, meter), 30, 'the settlement')
    if pile.deaths == 0: # the bill was seen before the death
        stack.csmsd.wait(10)
        pile.connect()
    e2e.check(f'{place}: it died once', pile.deaths, 1)
    e2e.check(f'{place}: one session', books(stack, meter), '1|1|1|1|68')
    pile.pile.wire.socket.close()


def found_dead(stack, place, meter):
    """Before its submission nothing is stored, after its commit it is, and the pile has heard of neither."""
    when, _, what = place.partition('.')
    if when in ('before_submit', 'after_commit') and what in STORED:
        # What a backend still does for the dead, it does before it ends.
        stack.wait(lambda: stack.value("SELECT count(*) FROM pg_stat_activity "
                                       "WHERE application_name LIKE 'joulebook/%'") == '0', 20, 'the end of the backends')
        e2e.check(f'{place}: stored when it died', stack.value(STORED[what].format(meter=meter)),
                  '0' if when == 'before_submit' else '1')


def beside(stack, key, place, number):
    """A charge and perhaps a command, with a death that neither may notice in the end."""
    stack.csmsd.terminate()
    stack.csmsd.wait(15)
    os.environ['JOULEBOOK_CRASH_AT'] = place
    stack.start_csmsd(wait=False)
    if place.endswith('.node_start'):
        stack.csmsd.wait(30)
    else:
        stack.wait(lambda: stack.csmsd.poll() is not None or stack.ready(), 30, 'csmsd')
    meter = 1000 + number * 1000
    pile = Retrying(stack, key)
    pile.call('BootNotification', chargePointVendor='V', chargePointModel='M')
    transaction = pile.call('StartTransaction', connectorId=1, idTag='TAG-1', meterStart=meter,
                            timestamp=e2e.now())[2]['transactionId']
    pile.call('MeterValues', connectorId=1, transactionId=transaction, meterValue=[
        {'timestamp': e2e.now(0.1), 'sampledValue': [{'value': str(meter + 200)}]}])
    pile.call('StopTransaction', transactionId=transaction, meterStop=meter + 425, timestamp=e2e.now(0.2))
    if place.endswith('.command_answer'):
        answered(stack, pile, place)
    if place.endswith('close'):
        taken_over(stack, pile)
    # The clock's jobs, too, which the dead still have.
    stack.value("UPDATE core.job SET run_at = now(), lease_until = now() WHERE state IN ('queued', 'running')")
    stack.wait(lambda: settled(stack, pile, meter) and (pile.deaths or stack.csmsd.poll() is not None), 60, 'the bill and the death')
    if stack.csmsd.poll() is not None:
        pile.connect()
    e2e.check(f'{place}: it died once', pile.deaths, 1)
    e2e.check(f'{place}: one session', books(stack, meter), '1|1|1|1|68')
    pile.pile.wire.socket.close()


def taken_over(stack, pile):
    """The pile comes again beside its old connection, which is closed; the daemon dies meanwhile."""
    try:
        pile.pile = e2e.connect(stack, pile.key)
        stack.csmsd.wait(20)
    except (Closed, OSError):
        stack.csmsd.wait(20)
    pile.connect()


def answered(stack, pile, place):
    """The daemon dies over a command's answer: it is written, or nobody knows it."""
    number = stack.value("""INSERT INTO core.command (station_id, action, payload, deadline, actor)
        SELECT id, 'Reset', '{"type": "Soft"}', now() + interval '1 minute', 'test'
        FROM core.station WHERE identity = 'CP-1' RETURNING id""")
    pile.pile.command({'status': 'Accepted'})
    stack.csmsd.wait(20)
    pile.connect()
    ends = ('accepted',) if place.startswith('after_commit') else ('accepted', 'unknown')
    stack.wait(lambda: stack.value(f'SELECT state FROM core.command WHERE id = {number}') in ends, 20,
               'the end of the command')
    print(f'ok - {place}: the command has its end')


def hurry(stack):
    stack.value("UPDATE core.job SET run_at = now(), lease_until = now() "
                "WHERE kind = 'settle' AND state IN ('queued', 'running')")


def settled(stack, pile, meter):
    if stack.csmsd.poll() is not None:
        pile.connect()
    hurry(stack)
    return stack.value(f"""SELECT count(*) FROM core.session
        WHERE meter_start_mwh = {meter} * 1000 AND state = 'settled'""") == '1'


def books(stack, meter):
    """Sessions, stored readings, bills in force, journals, and the bill in fen without its VAT."""
    return stack.value(f"""
        SELECT count(DISTINCT s.uid),
            (SELECT count(*) FROM core.meter_reading r WHERE r.import_mwh = ({meter} + 200) * 1000),
            count(t.session_uid) FILTER (WHERE t.state = 'posted'),
            (SELECT count(*) FROM ledger.journal j JOIN core.session x ON x.uid = j.session_uid
             WHERE x.meter_start_mwh = {meter} * 1000 AND j.kind = 'settle'),
            sum(t.net_minor)
        FROM core.session s LEFT JOIN ledger.settlement t ON t.session_uid = s.uid
        WHERE s.meter_start_mwh = {meter} * 1000""")


def claimed(stack, key):
    """Killed between the claim and the socket: nobody knows, so it is not sent again."""
    restart(stack, 'after_commit.command_next:2') # the first finds no command
    pile = Retrying(stack, key)
    number = stack.value("""SELECT operation.remote_start(charge_point_id => 'CP-1',
        id_tag => 'TAG-1', connector_id => 1) ->> 'commandId'""", user='e2e.operator')
    stack.csmsd.wait(20)
    pile.connect()
    pile.call('Heartbeat')
    e2e.check('nothing was sent twice', pile.pile.calls, [])
    e2e.check('the command', stack.value(f'SELECT state FROM core.command WHERE id = {number}'),
              'unknown')


def late(stack, key):
    """Asked before the daemon dies, answered on the next connection: that settles it."""
    pile = Retrying(stack, key)
    for answer, state in (({'status': 'Accepted'}, 'accepted'), ({}, 'call_error')):
        number = stack.value("""INSERT INTO core.command (station_id, action, payload, deadline, actor)
            SELECT id, 'Reset', '{"type": "Soft"}', now() + interval '1 minute', 'test'
            FROM core.station WHERE identity = 'CP-1' RETURNING id""")
        state_of = f'SELECT state FROM core.command WHERE id = {number}'
        asked = json.loads(pile.pile.wire.receive())
        e2e.check('it was asked', asked[2], 'Reset')
        stack.csmsd.kill()
        stack.csmsd.wait(10)
        pile.connect()
        stack.wait(lambda: stack.value(state_of) == 'unknown', 20, 'the outcome to be unknown')
        pile.pile.wire.send(json.dumps([3, asked[1], answer]))
        stack.wait(lambda: stack.value(state_of) == state, 10, f'the command to be {state}')
        print(f'ok - a late answer {json.dumps(answer)} makes it {state}')


def main(build):
    with Stack(build) as stack:
        stack.start_database()
        stack.migrate()
        stack.write_config(credentials='required')
        key = e2e.furnish(stack)
        stack.start_csmsd()
        for number, place in enumerate(SESSION):
            session(stack, key, place, number)
        for number, place in enumerate(BESIDE, len(SESSION)):
            beside(stack, key, place, number)
        claimed(stack, key)
        late(stack, key)


if __name__ == '__main__':
    main(sys.argv[1])

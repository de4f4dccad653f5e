"""evidence_parts.py BUILD - messages of which a part is odd, on the real daemon and a real database.

What stands beside the odd part is not lost with it: a start or stop is confirmed and kept, and what
was understood counts.  A pile, a generator and the pauses as in evidence.py.
"""
import json
import sys

from evidence_house import SENT, House, Run, equal
from e2e import now
from stack import Stack

# Members that the schema does not know, in texts that are JSON all the same.
ODD = {
    'a NUL': '"x":"\\u0000"',
    'a name twice': '"x":1,"x":2',
    'many members': ','.join(f'"k{number}":1' for number in range(70)),
    'a long number': '"x":' + '1' * 70,
    'a deep array': '"x":' + '[' * 20 + ']' * 20,
    'a very deep array': '"x":' + '[' * 50000 + ']' * 50000,
}


def send(pile, action, payload, message_id=None):
    """The payload as text, the id too; the answer."""
    pile.count += 1
    message_id = f'"{pile.identity}-{pile.count}"' if message_id is None else message_id
    pile.frames.append(f'[2,{message_id},"{action}",{payload}]')
    pile.wire.send(pile.frames[-1])
    answer = json.loads(pile.wire.receive())
    equal('the answer is to', json.dumps(answer[1]), message_id)
    return answer


def confirmed(pile, action, payload, message_id=None):
    answer = send(pile, action, payload, message_id)
    equal(f'what {action} gets', answer[:1] + answer[2:3], [3, answer[2]])
    return answer[2]


def start_text(pile, member):
    return (f'{{"connectorId":1,"idTag":"{pile.tag}","meterStart":1000,"timestamp":"{now()}",'
            f'{member}}}')


def odd_start(house, pile):
    """a Start with an odd member beside the good ones is kept, gets a number and is reviewed"""
    pile.boot()
    numbers = set()
    for member in ODD.values():
        payload = start_text(pile, member)
        number = confirmed(pile, 'StartTransaction', payload)['transactionId']
        pile.kept()
        equal('the same start again', number,
              confirmed(pile, 'StartTransaction', payload)['transactionId'])
        numbers.add(number)
    equal('numbers', len(numbers), len(ODD))
    equal('sessions', pile.sessions(), len(ODD))
    yield SENT
    pile.in_review(*['unusable'] * len(ODD))
    for number in numbers:
        pile.unbilled(number)


def odd_stop(house, pile):
    """a Stop with an odd member beside the good ones is kept, and what it ends is reviewed"""
    transaction = pile.start(1000)
    payload = f'{{"transactionId":{transaction},"meterStop":1300,"timestamp":"{now()}","x":1,"x":2}}'
    confirmed(pile, 'StopTransaction', payload)
    pile.kept()
    yield SENT
    pile.in_review('unusable')
    pile.unbilled(transaction)


def odd_others(house, pile):
    """MeterValues and security events with an odd member are kept, an Authorize is not"""
    pile.boot()
    for action in ('MeterValues', 'SecurityEventNotification'):
        equal('answer', confirmed(pile, action, f'{{{ODD["a name twice"]}}}'), {})
        pile.kept()
    answer = send(pile, 'Authorize', f'{{"idTag":"{pile.tag}",{ODD["a name twice"]}}}')
    equal('answer', [answer[0], answer[2]], [4, 'FormationViolation'])
    yield SENT
    pile.in_review('unusable', 'unusable')


def no_json(house, pile):
    """a Start that is no JSON gets an error and makes no session"""
    pile.boot()
    answer = send(pile, 'StartTransaction', start_text(pile, '"x":1,"x":02'))
    equal('answer', [answer[0], answer[2]], [4, 'FormationViolation'])
    yield SENT
    pile.in_review()
    equal('sessions', pile.sessions(), 0)


def bad_element_of_stop(house, pile):
    """a Stop with a bad element of transactionData ends its session, which is billed"""
    transaction = pile.start(1000)
    pile.stop(transaction, 1300, transactionData=[
        {'timestamp': now(), 'sampledValue': None},
        {'timestamp': now(), 'sampledValue': [{'value': '1200'}, None]}])
    pile.kept()
    equal('deviations', house.value(f"""SELECT count(*) FROM core.session_message
        WHERE transaction_id = {transaction} AND kind = 'stop'
          AND deviations::text LIKE '%transactionData[0].sampledValue%'"""), '1')
    yield SENT
    pile.in_review()
    equal('the good element', pile.readings('energy_import_kwh = 1.2'), 1)
    pile.billed(transaction, 300)


def bad_sample(house, pile):
    """a sample without a value leaves its two neighbours, and stays beside them as it came"""
    transaction = pile.start(1000)
    payload = {'connectorId': 1, 'transactionId': transaction, 'meterValue': [
        {'timestamp': now(), 'sampledValue': [
            {'value': '1100'}, {'value': None}, {'value': '7', 'measurand': 'SoC'}]},
        {'timestamp': 'gestern', 'sampledValue': [{'value': '1150'}]}]}
    for _ in range(2):
        equal('MeterValues', pile.confirmed('MeterValues', payload), {})
    equal('rows', pile.readings(), 1)
    equal('both', pile.readings('energy_import_kwh = 1.1 AND soc_pct = 7'), 1)
    equal('the rest', json.loads(json.loads(house.value(
        f"SELECT extra FROM query.meter_reading WHERE pile = '{pile.identity}'"))[0]['payload']),
        payload)
    pile.stop(transaction, 1300)
    yield SENT
    pile.in_review()
    pile.billed(transaction, 300)


def no_good_sample(house, pile):
    """MeterValues of which nothing can be used are reviewed as a whole"""
    pile.boot()
    pile.confirmed('MeterValues', {'connectorId': 1, 'meterValue': [
        {'timestamp': now(), 'sampledValue': [{'value': None}]}, {'timestamp': 'gestern'}]})
    pile.kept()
    yield SENT
    pile.in_review('unusable')
    equal('rows', pile.readings(), 0)


def bare_ids(house, pile):
    """an unusable Start sent again is the same one, its message id a string or an integer"""
    pile.boot()
    for name, ids in (('x', ('101', '102', '103')), ('y', ('"a"', '"b"', '"c"')), ('z', ('1', '"1"'))):
        payload = f'{{"connectorId":1,"idTag":"{pile.tag}","meterStart":"{name}"}}'
        equal('numbers', len({confirmed(pile, 'StartTransaction', payload, message_id)['transactionId']
                              for message_id in ids}), 1)
    yield SENT
    equal('sessions', pile.sessions(), 3)
    pile.in_review('unusable', 'unusable', 'unusable')


TESTS = [odd_start, odd_stop, odd_others, no_json, bad_element_of_stop, bad_sample, no_good_sample,
         bare_ids]


def main(build):
    identities = [f'P{number:02}' for number in range(len(TESTS))]
    with Stack(build, durable=False) as stack:
        stack.start_database()
        stack.migrate()
        house = House(stack)
        house.furnish(identities)
        stack.start_csmsd()
        return Run(house, TESTS, identities).all()


if __name__ == '__main__':
    sys.exit(main(sys.argv[1]))

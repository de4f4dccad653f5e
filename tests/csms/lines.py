"""lines.py BUILD - every kind of line that a bill can have, settled by csmsd and read in query.session_line.

Three piles, three tariffs: one that counts energy (capped), time, parking time and a start fee; one
whose bills are at least, and one whose bills are at most so much.
"""
import datetime
import json
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from e2e import check
from evidence_house import House, quote
from stack import Stack

ENERGY = {'type': 'ENERGY', 'price': 1.2, 'vat': 6, 'charge_code': 'ENERGY_ELEC'}
TARIFFS = {
    'counted': {'elements': [{'price_components': [
        dict(ENERGY, cap=0.1),
        {'type': 'TIME', 'price': 3.6, 'charge_code': 'OCCUPANCY'},
        {'type': 'PARKING_TIME', 'price': 7.2, 'charge_code': 'OCCUPANCY'},
        {'type': 'FLAT', 'price': 0.5, 'charge_code': 'START_FEE'}]}]},
    'least': {'elements': [{'price_components': [ENERGY]}], 'min_price': {'excl_vat': 5}},
    'most': {'elements': [{'price_components': [ENERGY]}], 'max_price': {'excl_vat': 0.2}},
}
# Five minutes of charging, 0.3 kWh, then five of standing there: what each tariff counts of it.
WANTED = {
    'counted': [['CAP', '0', 'times', ''], ['ENERGY', '0.300000', 'kWh', '0.300000'], ['FLAT', '1', 'times', ''],
                ['PARKING_TIME', '300.000000', 's', ''], ['TIME', '300.000000', 's', '']],
    'least': [['ENERGY', '0.300000', 'kWh', '0.300000'], ['MIN_PRICE', '0', 'times', '']],
    'most': [['ENERGY', '0.300000', 'kWh', '0.300000'], ['MAX_PRICE', '0', 'times', '']],
}


def charge(house, name):
    """The transaction of a charge that is over."""
    pile, end = house.pile(name), datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0)
    begin, full, end = (f'{end - datetime.timedelta(seconds=s):%Y-%m-%dT%H:%M:%SZ}' for s in (600, 300, 0))
    pile.boot()
    transaction = pile.start(1000, at=begin)
    for status, at in (('Charging', begin), ('SuspendedEV', full)):
        pile.confirmed('StatusNotification',
                       {'connectorId': 1, 'status': status, 'errorCode': 'NoError', 'timestamp': at})
    pile.read(transaction, 1300, at=full)
    pile.stop(transaction, 1300, at=end)
    pile.hurry(transaction)
    return transaction


def main(build):
    with Stack(build) as stack:
        stack.start_database()
        stack.migrate()
        stack.write_config()
        house = House(stack)
        house.furnish(TARIFFS)
        for name, tariff in TARIFFS.items():
            document = dict(tariff, id=name, currency='CNY', tax_mode='net')
            house.value(f"""SELECT management.publish_tariff(code => '{name}', charge_point_id => '{name}',
                document => {quote(json.dumps(document))}, valid_from => now() - interval '20 days')""",
                user='e2e.admin')
        stack.start_csmsd()
        transactions = {name: charge(house, name) for name in TARIFFS}
        stack.wait(lambda: house.value('SELECT count(*) FROM query.session WHERE is_settled') == '3', 30,
                   'the bills')
        for name, transaction in transactions.items():
            check(f'the lines of {name}', stack.rows(f"""SELECT dimension, quantity, unit, quantity_kwh
                FROM query.session_line WHERE transaction_id = {transaction} ORDER BY dimension"""), WANTED[name])
        check('the comment of dimension says them all', house.value("""SELECT string_agg(DISTINCT dimension, ' ')
            FROM query.session_line WHERE position(dimension IN col_description('query.session_line'::regclass,
                (SELECT attnum FROM pg_attribute WHERE attrelid = 'query.session_line'::regclass
                    AND attname = 'dimension'))) = 0"""), '')


if __name__ == '__main__':
    main(sys.argv[1])

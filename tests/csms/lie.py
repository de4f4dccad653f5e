"""lie.py BUILD - would a daemon that confirms before it commits be caught?  (-Dtests_fault=true)

The same steps twice: with the daemon as it is the confirmed stop survives a kill -9 at once after its
confirmation; with the fault switched on it is lost, and this test sees it.
"""
import os
import sys

import e2e
from stack import Stack


def stops(stack, key, meter):
    """Charges, kills the daemon at once after the stop's confirmation; is the stop in the books?"""
    stack.start_csmsd()
    pile = e2e.connect(stack, key)
    pile.call('BootNotification', chargePointVendor='V', chargePointModel='M')
    transaction = pile.call('StartTransaction', connectorId=1, idTag='TAG-1', meterStart=meter,
                            timestamp=e2e.now())[2]['transactionId']
    answer = pile.call('StopTransaction', transactionId=transaction, meterStop=meter + 100,
                       timestamp=e2e.now())
    stack.kill_csmsd()
    e2e.check('the stop was confirmed', answer[0], 3)
    return stack.value('SELECT stopped_at IS NOT NULL FROM core.session '
                       f'WHERE transaction_id = {transaction}')


def main(build):
    with Stack(build) as stack:
        stack.start_database()
        stack.migrate()
        stack.write_config(credentials='required')
        key = e2e.furnish(stack)
        e2e.check('an honest daemon keeps what it confirmed', stops(stack, key, 1000), 't')
        os.environ['JOULEBOOK_FAULT'] = 'answer_before_commit'
        e2e.check('a lying daemon is caught', stops(stack, key, 2000), 'f')


if __name__ == '__main__':
    main(sys.argv[1])

"""client.py BUILD MODULES - the house that client.js charges at, and what the books say afterwards.

client.js speaks to csmsd; what an operator would do meanwhile it asks for here, one line of JSON
each way: {"sql": ..., "as": login} for a value, {"said": ...} for a line of the report.
"""
import json
import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(os.path.dirname(HERE), 'csms'), os.path.dirname(HERE)]
from e2e import TARIFF
from stack import Stack

CARDS = """
    SELECT management.register_card(id_tag => 'VALID', customer => 'C1');
    SELECT management.register_card(id_tag => 'BLOCKED', customer => 'C1', status => 'blocked');
    SELECT management.register_card(id_tag => 'EXPIRED', customer => 'C1',
        expires_at => now() + interval '1 second')"""


def furnish(stack):
    """Two piles, one open and one with a key, whose hex digits are the answer."""
    for role in ('admin', 'cashier', 'operator'):
        stack.value(f"SELECT core.make_login('e2e.{role}', '{role}', 'all')")
    stack.value(f"""
        SELECT management.register_site(site => 'S1', name => 'Depot', kind => 'bus_depot',
            zone => 'Asia/Shanghai', currency => 'CNY');
        SELECT management.register_pile(charge_point_id => 'OPEN', site => 'S1',
            protection => 'IP54', security_profile => 0);
        SELECT management.register_pile(charge_point_id => 'KEYED', site => 'S1',
            protection => 'IP54', security_profile => 1);
        SELECT management.register_connector(charge_point_id => p, connector_id => 1, kind => 'DC',
            max_power_kw => 120) FROM unnest(ARRAY['OPEN', 'KEYED']) AS p;
        SELECT management.register_user(customer => 'C1', currency => 'CNY', site => 'S1',
            name => 'Li');
        {CARDS};
        SELECT management.publish_tariff(code => 'T1', document => '{json.dumps(TARIFF)}',
            site => 'S1')""", user='e2e.admin')
    stack.value("""SELECT operation.top_up(amount => 1000, currency => 'CNY', channel => 'cash',
        external_no => 'R-1', customer => 'C1')""", user='e2e.cashier')
    return subprocess.run(
        [stack.program('csms'), 'pile', 'key', '--config', stack.config, '--database',
         stack.conninfo('e2e.operator'), 'KEYED'],
        check=True, capture_output=True, text=True).stdout.strip()


def serve(stack, client):
    """Answers client.js until it ends."""
    for line in client.stdout:
        asked = json.loads(line)
        if 'said' in asked:
            print(asked['said'], flush=True)
            continue
        answer = stack.value(asked['sql'], user=asked['as'])
        client.stdin.write(json.dumps(answer) + '\n')
        client.stdin.flush()
    return client.wait()


def main(build, modules):
    with Stack(build) as stack:
        stack.start_database()
        stack.migrate()
        stack.write_config(credentials='none')
        key = furnish(stack)
        stack.start_csmsd()
        client = subprocess.Popen(['node', os.path.join(HERE, 'client.js'), modules,
                                   str(stack.port), key],
                                  stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        stack.children.append(client)
        status = serve(stack, client)
        stack.csmsd.terminate()
        return status or stack.csmsd.wait(10)


if __name__ == '__main__':
    sys.exit(main(*sys.argv[1:]))

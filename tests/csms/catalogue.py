"""catalogue.py BUILD - the database's copy of the field tables is the one that decoding uses.

After `csms db migrate` every row of core.ocpp_field is compared with what tests/ocpp/describe
prints of the tables, both ways; then rows are spoiled, and the next migration mends them. A
migration that fails gives its reason last, also when a file takes all of what it says.
"""
import json
import os
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from stack import Stack

LISTS = ('strings', 'objects')


def flatten(members, above=''):
    for name, field in members.items():
        path = f'{above}.{name}' if above else name
        path += '[]' if field['kind'] in LISTS else ''
        yield path, (field['kind'], field['required'], field.get('max'), field.get('enum'))
        yield from flatten(field.get('members', {}), path)


def expected(build):
    printed = subprocess.run([os.path.join(build, 'tests/ocpp/ocpp-describe')], check=True, capture_output=True)
    rows = {}
    for payload, members in json.loads(printed.stdout).items():
        action, kind = payload.split('.')
        for path, field in flatten(members):
            rows[action, kind == 'conf', path] = field
    return rows


def stored(stack):
    rows = json.loads(stack.value(
        "select json_agg(json_build_array(action, confirmation, path, kind, required, maximum, allowed))"
        " from core.ocpp_field"))
    return {(action, conf, path): (kind, required, maximum, allowed)
            for action, conf, path, kind, required, maximum, allowed in rows}


def main():
    build = sys.argv[1]
    with Stack(build, durable=False) as stack:
        stack.start_database()
        stack.migrate()
        want = expected(build)
        assert len(want) > 200, len(want)
        assert stored(stack) == want
        actions = dict(stack.rows("select action, repeatable from core.ocpp_action"))
        assert len(actions) == 39 and actions.keys() == {action for action, _, _ in want}, actions
        assert actions['Reset'] == 'f' and actions['GetConfiguration'] == 't', actions
        stack.value("delete from core.ocpp_field where action = 'Reset';"
                    " update core.ocpp_action set repeatable = true where action = 'Reset';"
                    " insert into core.ocpp_action values ('Dream', 'pile', true, null)")
        subprocess.run([stack.program('csms'), '--database', stack.conninfo(), 'db', 'migrate'], check=True)
        assert stored(stack) == want
        assert dict(stack.rows("select action, repeatable from core.ocpp_action")) == actions
        reason_last(stack)
    print(f'{len(want)} fields of 39 actions are the same in both')


def reason_last(stack):
    stack.psql("create database viewless")
    stack.psql("create function refuse() returns event_trigger language plpgsql as $$begin raise 'no views here'; end$$;"
               " create event trigger refuse on ddl_command_start when tag in ('CREATE VIEW') execute function refuse()",
               database="viewless")
    done = subprocess.run([stack.program('csms'), '--database', stack.conninfo(database='viewless'), 'db', 'migrate'],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    lines = done.stdout.splitlines()
    assert done.returncode and lines[0].startswith('applied ') and 'no views here' in lines[-1], done.stdout[-2000:]


main()

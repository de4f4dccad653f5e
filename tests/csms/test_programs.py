"""test_programs.py BUILD - what csmsd and csms say to those who use them wrongly, and to the rest."""
import os
import subprocess
import sys
import tempfile


def run(*command, **env):
    done = subprocess.run(command, capture_output=True, text=True, timeout=60,
                          env={**os.environ, **env})
    return done.returncode, done.stdout, done.stderr


def check(name, got, wanted):
    if got != wanted:
        raise AssertionError(f'{name}: got {got!r}, wanted {wanted!r}')
    print(f'ok - {name}')


def says(name, text, word):
    check(name, word in text, True)


def daemon(csmsd, folder):
    config = os.path.join(folder, 'csms.conf')

    def configured(text):
        with open(config, 'w') as out:
            out.write(text)
        return config

    good = f'run_dir = "{folder}"\nstate_dir = "{folder}"\n'
    check('csmsd --version', run(csmsd, '--version')[0], 0)
    check('csmsd --help', run(csmsd, '--help')[0], 0)
    check('an unknown option', run(csmsd, '--fly')[0], 64)
    check('a word too much', run(csmsd, 'start')[0], 64)
    check('a good configuration', run(csmsd, '--config', configured(good), '--check-config')[0], 0)
    status, out, _ = run(csmsd, '--config', config, '--print-config')
    check('--print-config', status, 0)
    says('it prints the settings', out, 'run_dir')
    for name, text in {
            'an unknown setting': 'flight_level = 3\n',
            'a value out of bounds': 'ocpp { heartbeat_s = 1 }\n',
            'strangers let in from elsewhere':
                'listener open { bind = "0.0.0.0" port = 9016 credentials = none }\n'}.items():
        status, _, err = run(csmsd, '--config', configured(good + text), '--check-config')
        check(name, status, 78)
        says(f'{name}, told with the file', err, 'csms.conf')
        check(f'{name}: it does not start', run(csmsd, '--config', config)[0], 78)
    check('no such file', run(csmsd, '--config', os.path.join(folder, 'none'))[0], 78)
    with open(os.path.join(folder, 'pepper'), 'wb') as pepper:
        pepper.write(bytes(32))
    os.chmod(os.path.join(folder, 'pepper'), 0o644)
    status, _, err = run(csmsd, '--config', configured(good))
    check('a pepper that others may read', status, 73)
    says('it names the file', err, 'pepper')
    check('--check-config sees it, too', run(csmsd, '--config', config, '--check-config')[0], 78)
    os.chmod(os.path.join(folder, 'pepper'), 0o600)
    check('and takes a private one', run(csmsd, '--config', config, '--check-config')[0], 0)
    with open(os.path.join(folder, 'pepper'), 'wb') as pepper:
        pepper.write(bytes(31))
    status, _, err = run(csmsd, '--config', config, '--check-config')
    check('a short pepper', status, 78)
    says('it says how long', err, '32 bytes')
    os.remove(os.path.join(folder, 'pepper'))
    check('none yet', run(csmsd, '--config', config, '--check-config')[0], 0)
    check('and none was made', os.path.exists(os.path.join(folder, 'pepper')), False)
    status, _, err = run(csmsd, '--config', configured(
        f'run_dir = "{folder}/none"\nstate_dir = "{folder}/none"\n'), '--check-config')
    check('folders that are not there', status, 78)
    says('the run_dir is named', err, 'run_dir')
    says('the pepper is named', err, 'pepper')


def command(csms, folder):
    config = os.path.join(folder, 'csms.conf')
    with open(config, 'w') as out:
        out.write(f'run_dir = "{folder}"\nstate_dir = "{folder}/none"\n')
    check('csms --version', run(csms, '--version')[0], 0)
    status, out, _ = run(csms, '--help')
    check('csms --help', status, 0)
    for verb in ('sql', 'rate', 'db migrate', 'pile key'):
        says(f'help knows {verb}', out, f'csms {verb}')
    check('no command', run(csms)[0], 2)
    for wrong, right in {'sqk': 'sql', 'raet': 'rate', 'db migrte': 'db migrate',
                         'pile keys': 'pile key'}.items():
        status, _, err = run(csms, *wrong.split())
        check(f'{wrong}: status', status, 2)
        says(f'{wrong}: did you mean', err, f'"{right}"')
    status, _, err = run(csms, 'photosynthesis')
    check('nothing like it', (status, 'did you mean' in err), (2, False))
    check('an unknown role', run(csms, 'sql', '--role', 'king')[0], 2)
    check('two statements', run(csms, 'sql', 'select 1', 'select 2')[0], 2)
    check('no identity', run(csms, 'pile', 'key')[0], 2)
    check('rate without files', run(csms, 'rate')[0], 2)
    check('no database', run(csms, '--config', config, 'db', 'migrate')[0], 8)
    check('no pepper to be made', run(csms, '--config', config, 'pile', 'key', 'X')[0], 1)


def main(build):
    with tempfile.TemporaryDirectory(prefix='joulebook-programs.', dir='/tmp') as folder:
        daemon(os.path.join(build, 'csms', 'csmsd'), folder)
        command(os.path.join(build, 'csms', 'csms'), folder)


if __name__ == '__main__':
    main(sys.argv[1])

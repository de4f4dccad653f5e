"""test_programs.py BUILD - what csmsd and csms say to those who use them wrongly, and to the rest."""
import os
import socket
import subprocess
import sys
import tempfile


def run(*command, **env):
    done = subprocess.run(command, capture_output=True, text=True, timeout=240,
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

    # Small limits and a port of its own: what this machine allows is not what is tested.
    good = (f'run_dir = "{folder}"\nstate_dir = "{folder}"\nlimits {{ connections = 9 half_open = 16 }}\n'
            f'listener main {{ port = {free_port()} }}\n')
    check('csmsd --version', run(csmsd, '--version')[0], 0)
    check('csmsd --help', run(csmsd, '--help')[0], 0)
    for option, words in {'--list-settings': ('| `limits.half_open` |', '16 to 100000'),
                          '--list-events': ('| `db.away` | error |',)}.items():
        status, out, _ = run(csmsd, option)
        check(f'csmsd {option}', status, 0)
        for word in words:
            says(f'it names {word}', out, word)
    check('an unknown option', run(csmsd, '--fly')[0], 64)
    check('a word too much', run(csmsd, 'start')[0], 64)
    check('a good configuration', run(csmsd, '--config', configured(good), '--check-config')[0], 0)
    status, _, err = run(csmsd, '--config', configured(good), '--check-config', CSMS_LIMITS_FRAGMENT='7')
    check('a variable without a setting is told', (status, err.split(':')[0]), (0, 'CSMS_LIMITS_FRAGMENT'))
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


REFUSALS = [
    # what, the configuration, the line that is named, what is said
    ('no folder for sockets', 'run_dir = "{folder}/none"', 1, 'run_dir: {folder}/none: No such file'),
    ('no folder but a file', 'run_dir = "{folder}/csms.conf"', 1, 'is no folder; name the one'),
    ('no folder for the pepper', '\nstate_dir = "{folder}/none"', 2,
     'state_dir: pepper file {folder}/none/pepper: its folder does not exist; make it'),
    ('no folder for a pepper that is named', '\n\npepper_file = "{folder}/none/p"', 3,
     'pepper_file: pepper file {folder}/none/p: its folder does not exist; make it'),
    ('a pepper below a file', 'pepper_file = "{folder}/csms.conf/p"', 1, 'Not a directory'),
    ('a pepper that others may read', 'pepper_file = "{folder}/open"', 1, 'chmod 600 it'),
    ('a short pepper', 'pepper_file = "{folder}/short"', 1, 'does not hold 32 bytes; restore it'),
    ('a pepper behind a link', 'pepper_file = "{folder}/link"', 1, 'name the file itself'),
    ('a folder for a pepper', 'pepper_file = "{folder}"', 1, 'is no regular file'),
    ('no connection string', 'database = "joulebook"', 1, 'missing "=" after "joulebook"'),
    ('a password', '\ndatabase = "host=h password=geheim"', 2, 'passfile=FILE'),
    ('a password in a URI', 'database = "postgresql://u:geheim@h/db"', 1, 'passfile=FILE'),
    ('a passfile that others may read', 'database = "host=h passfile={folder}/open"', 1,
     'passfile={folder}/open: others may read it, so libpq does not; chmod 600 it'),
    ('no such passfile', 'database = "host=h passfile={folder}/none"', 1, 'No such file'),
    ('a port of the database out of range', 'database = "host=h port=65536"', 1, 'port=65536'),
    ('a number out of range', '\nocpp {{ heartbeat_s = 1 }}', 2, 'is not from 10 to 86400'),
    ('a port out of range', 'listener x {{ port = 65536 }}', 1, 'is not from 1 to 65535'),
    ('a port in use', '\nlistener x {{\n port = {taken} }}', 3,
     'port {taken}: Address already in use: another program has it (ss -ltnp'),
    ('a port in use, IPv6', 'listener x {{ bind = "::1" port = {taken6} }}', 1, 'already in use'),
    ('an address of no interface', 'listener x {{ bind = "192.0.2.1" }}', 1,
     'no interface of this machine has it; name one that `ip address` shows'),
    ('strangers let in', 'listener x {{ bind = "0.0.0.0" credentials = none }}', 1, 'without a key'),
    ('too few descriptors', '\nlimits {{\n connections = {most} half_open = 16 }}', 3,
     'limits.connections: {most} piles and limits.half_open, 16, need {need} file descriptors, and '
     'the hard limit is {hard}; lower them, or raise it (LimitNOFILE='),
]


def free_port():
    with socket.create_server(('127.0.0.1', 0)) as server:
        return server.getsockname()[1]


def refusals(csmsd, folder):
    """Each: exit status 78, file and line, what and what to do; without it the same is good."""
    config, hard = os.path.join(folder, 'csms.conf'), 700
    for name, size, mode in (('open', 32, 0o644), ('short', 31, 0o600)):
        with open(os.path.join(folder, name), 'wb') as out:
            out.write(bytes(size))
        os.chmod(out.name, mode)
    os.symlink('short', os.path.join(folder, 'link'))
    with socket.create_server(('127.0.0.1', 0)) as taken, \
            socket.create_server(('::1', 0), family=socket.AF_INET6) as taken6:
        fill = {'folder': folder, 'taken': taken.getsockname()[1], 'hard': hard,
                'taken6': taken6.getsockname()[1], 'need': hard + 1, 'most': hard + 1 - 16 - 256}
        surroundings = {'run_dir': folder, 'state_dir': folder}

        def judge(text, **other):
            with open(config, 'w') as out:
                out.write(text)
            env = {'CSMS_' + key.upper(): value for key, value in surroundings.items() if key not in text}
            if 'limits' not in text:
                env.update(CSMS_LIMITS_CONNECTIONS='9', CSMS_LIMITS_HALF_OPEN='16')
            return run('/bin/sh', '-c', f'ulimit -n {hard} && exec "$0" "$@"', csmsd,
                       '--config', config, '--check-config', **env, **other)

        check('without a fault it is right', judge(f'listener x {{ port = {free_port()} }}'), (0, '', ''))
        for name, text, line, wanted in REFUSALS:
            if 'listener' not in text:
                text += f'\nlistener x {{{{ port = {free_port()} }}}}'
            status, _, err = judge(text.format(**fill))
            check(name, status, 78)
            says(f'{name}: where and what, in {err!r}', err, wanted.format(**fill))
            check(f'{name}: one line, with its place', (err.count('\n'), err.startswith(f'{config}:{line}: ')),
                  (1, True))
            check(f'{name}: no secret', 'geheim' in err, False)
        status, _, err = judge(f'listener x {{ port = {free_port()} }}', CSMS_PEPPER_FILE=f'{folder}/open')
        check('a fault of the environment', (status, err.startswith('CSMS_PEPPER_FILE: ')), (78, True))
        check('as many descriptors as there are',
              judge(f'limits {{ connections = {hard - 16 - 256} half_open = 16 }}\n'
                    f'listener x {{ port = {free_port()} }}')[0], 0)


def few_descriptors(csmsd, folder):
    """Fewer piles than wanted are no reason to serve none."""
    config = os.path.join(folder, 'csms.conf')
    with open(config, 'w') as out:
        out.write(f'run_dir = "{folder}"\nstate_dir = "{folder}"\nlimits {{ connections = 1000 }}\n'
                  f'listener x {{ port = {free_port()} }}\n')
    daemon = subprocess.Popen(('/bin/sh', '-c', 'ulimit -n 700 && exec "$0" "$@"', csmsd, '--config',
                               config), stderr=subprocess.PIPE, text=True)
    try:
        seen = []
        for line in daemon.stderr:
            seen += [word for word in ('listen.no_descriptors', 'csmsd.started') if word in line]
            if 'csmsd.started' in seen:
                break
        check('csmsd warns and starts', seen, ['listen.no_descriptors', 'csmsd.started'])
    finally:
        daemon.terminate()
        daemon.communicate(timeout=240)


def port_taken(csmsd, folder):
    """The daemon's last word says what --check-config says."""
    config = os.path.join(folder, 'csms.conf')
    with socket.create_server(('127.0.0.1', 0)) as taken:
        with open(config, 'w') as out:
            out.write(f'run_dir = "{folder}"\nstate_dir = "{folder}"\nlimits {{ connections = 9 half_open = 16 }}\n'
                      f'listener x {{ port = {taken.getsockname()[1]} }}\n')
        status, _, err = run(csmsd, '--config', config)
    check('a port in use', status, 69)
    says('its fatal line advises', [line for line in err.splitlines() if 'csmsd.fatal' in line][0],
         'Address already in use: another program has it (ss -ltnp shows which); stop that')


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
    status, _, err = run(csms, 'sql', '--role', 'king')
    check('an unknown role', (status, err), (2, 'csms: no role "king"; there are viewer, operator, cashier, admin\n'))
    for words in ('sql', 'rate', 'db migrate', 'pile key', 'pile key --keep-old'):
        for help in ('--help', '-h'):
            status, out, err = run(csms, *words.split(), help)
            check(f'{words} {help}', (status, err, out.startswith(f'usage: csms {words.removesuffix(" --keep-old")} ')), (0, '', True))
    for word, verb in (('db', 'migrate'), ('pile', 'key')):
        status, out, err = run(csms, word)
        check(f'{word} alone', (status, out), (2, ''))
        says(f'{word} lists its verbs', err, f'usage: csms {word} {verb}')
        check(f'{word} --help', run(csms, word, '--help'), (0, err, ''))
    check('two statements', run(csms, 'sql', 'select 1', 'select 2')[0], 2)
    check('no identity', run(csms, 'pile', 'key')[0], 2)
    check('rate without files', run(csms, 'rate')[0], 2)
    check('no database', run(csms, '--config', config, 'db', 'migrate')[0], 8)
    check('no pepper to be made', run(csms, '--config', config, 'pile', 'key', 'X')[0], 1)


def main(build):
    with tempfile.TemporaryDirectory(prefix='joulebook-programs.', dir='/tmp') as folder:
        daemon(os.path.join(build, 'csms', 'csmsd'), folder)
        refusals(os.path.join(build, 'csms', 'csmsd'), folder)
        port_taken(os.path.join(build, 'csms', 'csmsd'), folder)
        few_descriptors(os.path.join(build, 'csms', 'csmsd'), folder)
        command(os.path.join(build, 'csms', 'csms'), folder)


if __name__ == '__main__':
    main(sys.argv[1])

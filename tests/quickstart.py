"""quickstart.py - follows the README as a new user does, and checks what it promises.

    python3 tests/quickstart.py

Clones the checkout as an ordinary user with a home of its own and runs the README's command blocks
in order.  `sh tests/run.sh` is run for one of its steps only, since that script runs this test.
Then: the live charges are recomputed here with fractions from query.session_reading and the
tariff, a second run has nothing to do, a port that is taken is stepped over, --stop stops, --purge leaves
nothing.  Root is not needed; when there, it becomes that user by setpriv.
"""
import json
import os
import pwd
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import urllib.request

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(TOP, "simulators"))
import exact  # noqa: E402


class Home:
    """An ordinary user's home, and commands run there as that user. Its name has a blank."""

    def __init__(self):
        self.above = tempfile.mkdtemp(prefix="joulebook-home.", dir="/tmp")
        os.chmod(self.above, 0o755)
        self.folder = os.path.join(self.above, "a home")
        os.mkdir(self.folder)
        self.state = os.path.join(self.folder, ".local/state/joulebook")
        os.mkdir(f"{self.folder}/run")
        self.user = "nobody" if os.getuid() == 0 else pwd.getpwuid(os.getuid()).pw_name
        self.before = ["env", "-i", f"HOME={self.folder}", f"USER={self.user}", "LANG=C.UTF-8",
                       "PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin",
                       f"XDG_RUNTIME_DIR={self.folder}/run"]
        if os.getuid() == 0:
            entry = pwd.getpwnam("nobody")
            for path in (self.folder, f"{self.folder}/run"):
                os.chown(path, entry.pw_uid, entry.pw_gid)
            self.before = ["setpriv", f"--reuid={entry.pw_uid}", f"--regid={entry.pw_gid}", "--clear-groups",
                           *self.before]
        self.place = self.folder

    def shell(self, script, seconds=3600, status=0):
        print(f"$ {script}", flush=True)
        done = subprocess.run([*self.before, "sh", "-c", script], cwd=self.place, text=True, timeout=seconds,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)
        print(done.stdout, flush=True)
        check(done.returncode == status, f"exit status {done.returncode}, not {status}: {script}")
        return done.stdout

    def clone(self):
        """git refuses to read another user's checkout: we clone, and give the clone away."""
        place = os.path.join(self.folder, "joulebook")
        subprocess.run(["git", "clone", "-q", TOP, place], check=True)
        if os.getuid() == 0:
            subprocess.run(["chown", "-R", self.user + ":", place], check=True)
        self.place = place

    def listing(self):
        """Every file of the home outside the checkout, and what quickstart has of this user under /tmp: tests' names
        have a dot."""
        found = []
        for path, folders, files in os.walk(self.folder):
            if path == self.folder and "joulebook" in folders:
                folders.remove("joulebook")
            found += [os.path.join(path, name) for name in folders + files]
        uid = pwd.getpwnam(self.user).pw_uid
        found += [entry.path for entry in os.scandir("/tmp")
                  if entry.name.startswith("joulebook-") and "." not in entry.name
                  and entry.stat(follow_symlinks=False).st_uid == uid]
        return sorted(found)

    def processes(self):
        """Our user's processes that run from the home."""
        found = []
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{pid}/cmdline", "rb") as line:
                    command = line.read().replace(b"\0", b" ").decode(errors="replace")
            except OSError:
                continue
            if self.folder in command and int(pid) != os.getpid():
                found.append(command)
        return found


def check(true, what):
    if not true:
        raise SystemExit(f"quickstart.py: {what}")


def readme_blocks():
    with open(os.path.join(TOP, "README.md"), encoding="utf-8") as readme:
        blocks = re.findall(r"^```sh\n(.*?)^```$", readme.read(), re.M | re.S)
    check(blocks and blocks[0].startswith("git clone URL joulebook && cd joulebook\nsh csms/quickstart.sh\n"),
          "the README does not begin with the clone and the quickstart")
    return blocks


class Books:
    """The quickstart's database through the command that its card names."""

    def __init__(self, home):
        self.home = home
        self.csms = shlex.join([f"{home.state}/app/csms", "--config", f"{home.state}/csms.conf"])
        with open(f"{home.state}/live_since", encoding="utf-8") as since:
            self.live_since = since.read().strip()

    def rows(self, sql):
        quoted = sql.replace("'", "'\\''")
        done = subprocess.run([*self.home.before, "sh", "-c", f"{self.csms} sql --tuples '{quoted}'"], text=True,
                              cwd=self.home.folder, capture_output=True, timeout=600)
        check(done.returncode == 0, f"csms sql: {done.stderr}")
        return [line.split("|") for line in done.stdout.splitlines()]


def recompute(books, pile):
    """The pile's first live charge, from its readings and the tariff alone."""
    row = books.rows(
        "select s.session_uid, s.tariff, s.tariff_version, t.zone, s.meter_start_kwh * 1000000,"
        " s.meter_stop_kwh * 1000000, s.started_at, s.stopped_at, c.max_power_kw * 1000, s.amount, s.currency"
        " from query.session s join query.site t using (site)"
        " join query.connector_now c on c.pile = s.pile and c.connector = s.connector"
        f" where s.pile = '{pile}' and s.is_settled and s.started_at >= '{books.live_since}'"
        " order by s.started_at limit 1")
    check(len(row) == 1, f"{pile} has no settled live charge")
    uid, tariff, version, zone, first, last, started, stopped, power, amount, currency = row[0]
    readings = [{"at": at, "context": context, "import_mwh": energy or None} for at, context, energy in books.rows(
        "select at, context, (energy_import_kwh * 1000000)::bigint from query.session_reading"
        f" where session_uid = '{uid}' and source = 'reading' order by at")]
    check(len(readings) >= 4, f"{pile}: {len(readings)} readings of a charge of a minute")
    document = json.loads(books.rows(
        f"select document from query.tariff where tariff = '{tariff}' and version = {version}")[0][0])
    whole = {"started_at": started, "stopped_at": stopped, "meter_start_mwh": first.split(".")[0],
             "meter_stop_mwh": last.split(".")[0], "max_power_w": power.split(".")[0]}
    bill = exact.price(exact.decide(whole, readings), document, zone)
    lines = books.rows("select charge_code, coalesce(rate_label, ''), amount, price from query.session_line"
                       f" where session_uid = '{uid}' and is_current order by line")
    check({code for code, *_ in lines} == {"ENERGY_ELEC", "ENERGY_SERVICE"}, f"{pile}: lines {lines}")
    cents = sum(int(line[2].replace(".", "")) for line in lines)
    check(cents == bill["gross_minor"] == int(amount.replace(".", "")),
          f"{pile}: billed {amount} {currency}, lines {cents}, exactly {bill['gross_minor']}")
    print(f"{pile}: {amount} {currency}, recomputed {bill['gross_minor']} minor units, {len(lines)} lines", flush=True)
    return {line[3] for line in lines if line[0] == "ENERGY_ELEC"}


def main():
    blocks = readme_blocks()
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda number, frame: sys.exit(128 + number))
    home = Home()
    busy = socket.socket()  # the usual port is taken, by us or by somebody else
    try:
        busy.bind(("127.0.0.1", 9016))
        busy.listen()
    except OSError:
        pass
    try:
        before = home.listing()
        follow(home, blocks)
        books = Books(home)
        refused = books.rows("select identity, reason from query.door")
        check(not refused, f"the first run's own piles were refused: {refused}")
        crossed = recompute(books, "CP-1")
        check(len(crossed) == 2, f"the charge did not cross a price boundary: {crossed}")
        check(recompute(books, "BE-1") - crossed, "the second charge has the first one's prices")
        card = home.shell("sh csms/quickstart.sh")
        check(card.strip().startswith("Joulebook is up"), "the second run did more than print the card")
        refuse_what_cannot_be(home)
        try_the_readme(home, card)
        spare_a_stranger(home)
        # Another shell's environment may differ.
        home.shell("env -u XDG_RUNTIME_DIR sh csms/quickstart.sh --stop")
        check(not home.processes(), f"--stop left {home.processes()}")
        tell_who_has_the_port(home)
        tell_what_runs_after_a_failure(home)
        let_real_piles_in(home)
        home.shell("env -u XDG_RUNTIME_DIR sh csms/quickstart.sh --purge")
        check(not home.processes(), f"--purge left {home.processes()}")
        after = home.listing()
        check(after == before, f"--purge left {sorted(set(after) - set(before))}, took {sorted(set(before) - set(after))}")
        check(not os.path.exists(os.path.join(home.place, "build")), "--purge left build/")
        spare_what_it_did_not_make(home)
        print("the README's blocks ran, two charges were recomputed, nothing was left")
    finally:
        busy.close()
        if os.path.exists(os.path.join(home.place, "csms/quickstart.sh")) and home.place != home.folder:
            subprocess.run([*home.before, "sh", "csms/quickstart.sh", "--purge"], cwd=home.place,
                           stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        shutil.rmtree(home.above, ignore_errors=True)


def refuse_what_cannot_be(home):
    home.shell("sh csms/quickstart.sh --no-such-option", status=64)
    for port in ("abc", "0", "65536", "12x", "-1", "1.5", "' '"):
        said = home.shell(f"JOULEBOOK_PORT={port} sh csms/quickstart.sh", status=64)
        check("from 1 to 65535" in said, f"port {port}: {said}")
    for folder in ("it\\'s", "a,b", "relative"):
        home.shell(f"XDG_STATE_HOME={'$HOME/' * (folder != 'relative')}{folder} sh csms/quickstart.sh", status=64)


def tell_who_has_the_port(home):
    """csmsd has ended, somebody else answers in its place."""
    with open(f"{home.state}/csms.conf") as conf, socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        port = int(re.search(r"^ *port *= *(\d+)", conf.read(), re.M)[1])
        other.bind(("127.0.0.1", port))
        other.listen()
        said = home.shell("sh csms/quickstart.sh --stop", status=69)
        check(f"Port {port} is still served" in said, said)


def tell_what_runs_after_a_failure(home):
    path = f"{home.state}/csms.conf"
    with open(path) as conf:
        good = conf.read()
    with open(path, "a") as conf:
        conf.write("no such setting\n")
    said = home.shell("sh csms/quickstart.sh", status=69)
    check(re.search(r"Still running: .*PostgreSQL", said) and "quickstart.sh --stop" in said, said)
    with open(path, "w") as conf:
        conf.write(good)
    home.shell("sh csms/quickstart.sh --stop")
    check(not home.processes(), f"--stop left {home.processes()}")


def readme_commands():
    """What the table "Working with it" has for csms and pilesim, but what the reader must fill in first."""
    with open(os.path.join(TOP, "README.md"), encoding="utf-8") as readme:
        table = readme.read().partition("## Working with it")[2].partition("\n## ")[0]
    return [command for command in re.findall(r"`((?:csms|build/simulators/pilesim) [^`]*)`", table)
            if not re.search(r"…|\b(IDENTITY|FILE|ZONE)\b", command)]


def try_the_readme(home, card):
    commands = readme_commands()
    check(len(commands) >= 5 and any("pilesim audit" in command for command in commands), f"the README has only {commands}")
    named = re.search(r"csms\(\) \{.*\}", card)
    check(named, "the card does not name csms")
    for command in commands:
        # The piles charge on: what came between two looks of an audit is not there when it looks again.
        again = " || { sleep 3; %s; }" % command if "pilesim audit" in command else ""
        home.shell(f"{named[0]}\n{command}{again}")


def let_real_piles_in(home):
    """As the card says, by a listener of their own, wherever it stands in the file; then it starts again."""
    path = os.path.join(home.state, "csms.conf")
    with open(path) as conf:
        text = conf.read()
    home.shell(f"sed -i 's/^listener main/listener other/' {shlex.quote(path)}")
    said = home.shell("sh csms/quickstart.sh", status=78)
    check("listener named main" in said, said)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with open(path, "w") as conf:
        conf.write(text.replace("listener main", f"""listener street {{
  bind = "127.0.0.1"
  port = {port}
  credentials = required
}}
listener main"""))
    card = home.shell("XDG_RUNTIME_DIR=$HOME/other sh csms/quickstart.sh")
    check("Joulebook is up" in card, "it did not start again after --stop")
    check(str(port) not in card, "the simulated piles were sent to the wrong listener")
    every_link_answers(card)


def spare_what_it_did_not_make(home):
    """Another installation's folder and user stay; root's own case with an id and a userdel of ours."""
    state = shlex.quote(home.state)
    home.shell(f"mkdir -p {state} && echo secret >{state}/pepper")
    for arguments in ("", " --purge"):
        home.shell(f"sh csms/quickstart.sh{arguments}", status=73)
        check(os.listdir(home.state) == ["pepper"], f"quickstart.sh{arguments} touched a stranger's folder")
    home.shell(f"rm -r {state} && mkdir -p bin && printf '#!/bin/sh\\necho 0\\n' >bin/id"
               " && printf '#!/bin/sh\\ntouch bin/called\\n' >bin/userdel && chmod 755 bin/id bin/userdel")
    check(not os.path.exists("/var/lib/joulebook"), "/var/lib/joulebook is here: this test cannot play root")
    home.shell("PATH=$PWD/bin:$PATH sh csms/quickstart.sh --purge")
    check(not os.path.exists(os.path.join(home.place, "bin/called")), "--purge removed a user that it did not make")


def spare_a_stranger(home):
    """A pid file may name a process that is not ours: it lives, and ours is named."""
    pid_file = f"{home.state}/pilesim.pid"
    with open(pid_file) as file:
        ours = file.read()
    stranger = subprocess.Popen([*home.before, "sleep", "600"])
    try:
        with open(pid_file, "w") as file:
            file.write(f"{stranger.pid}\n")
        said = home.shell("sh csms/quickstart.sh --stop", status=69)
        check(f"pilesim (pid {ours.strip()})" in said, f"--stop does not say what it left: {said}")
        check(stranger.poll() is None, "--stop ended a process that is not ours")
    finally:
        stranger.kill()
        stranger.wait()
    with open(pid_file, "w") as file:
        file.write(ours)


def follow(home, blocks):
    for number, block in enumerate(blocks):
        for line in block.strip().splitlines():
            if line.startswith("git clone URL joulebook && cd joulebook"):
                home.clone()
                continue
            if line == "sh tests/run.sh":
                line += " -k 'shell scripts parse'"
            said = home.shell(line)
            if line == "sh csms/quickstart.sh":
                check("Joulebook is up" in said, "the quickstart printed no card")
                every_link_answers(said)


def every_link_answers(card):
    links = re.findall(r"http://\S+", card)
    check(links, "the card names no link")
    for link in links:
        with urllib.request.urlopen(link, timeout=60) as answer:
            check(answer.status == 200, f"{link} answered {answer.status}")


if __name__ == "__main__":
    main()

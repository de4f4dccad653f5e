"""stack.py - a PostgreSQL cluster and a csmsd of one's own, for tests that need the whole house.

    with Stack(build="build-asan") as stack:
        stack.start_database()
        stack.migrate()
        stack.start_csmsd()
        stack.value("select count(*) from query.session")

Everything lives in a temporary folder and on free ports.  PostgreSQL is our own child, so that a
`kill -9` of it is reaped and it can be started again; csmsd likewise.  As root, PostgreSQL runs as
`nobody`, which may not be root.  Standard library only.
"""
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
import urllib.error
import urllib.request

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
# Whoever waits names what is plenty on a quiet machine; a busy one gets that many times as long.
PATIENCE = 6
PGBIN = "/usr/lib/postgresql/15/bin"
SETTINGS = """
listen_addresses = ''
unix_socket_directories = '{run}'
max_connections = 100
shared_buffers = 128MB
timezone = 'UTC'
fsync = {fsync}
"""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Daemon(subprocess.Popen):
    def wait(self, timeout=None):
        return super().wait(timeout and timeout * PATIENCE)


class Span:
    """How long something takes, and how slow the machine is meanwhile.

    with stack.span() as span:
        ...
    span.within(5)      at most five seconds, and what the machine's slowness may have added

    The measure of slowness is the start of a program: it is done again and again, and the longest
    counts, times what a chain of processes, sockets and commits may be made of.
    """
    LINKS = 20

    def __init__(self, program):
        self.program, self.slowest, self.over = program, 0, threading.Event()
        self.thread = threading.Thread(target=self.look)

    def look(self):
        while True:
            began = time.monotonic()
            subprocess.run([self.program, "--version"], stdout=subprocess.DEVNULL)
            self.slowest = max(self.slowest, time.monotonic() - began)
            if self.over.wait(0.1):
                return

    def __enter__(self):
        self.thread.start()
        self.began = time.monotonic()
        return self

    def __exit__(self, *ignored):
        self.took = time.monotonic() - self.began
        self.over.set()
        self.thread.join()

    def within(self, seconds):
        print(f"{self.took:.1f} s, of {seconds} s and {self.slowest * self.LINKS:.1f} s of patience")
        return self.took <= seconds + self.slowest * self.LINKS


class Stack:
    def __init__(self, build, durable=True, settings=""):
        self.build = os.path.join(TOP, build)
        self.hurried = self.ending = False
        self.postgres = self.csmsd = None
        self.children = []
        for number in (signal.SIGTERM, signal.SIGHUP):
            if signal.getsignal(number) == signal.SIG_DFL:
                signal.signal(number, self.hurry)
        self.folder = tempfile.mkdtemp(prefix="joulebook-stack.", dir="/tmp")
        os.chmod(self.folder, 0o755)
        self.run = os.path.join(self.folder, "run")
        self.data = os.path.join(self.folder, "pg")
        os.mkdir(self.run)
        self.owner = "nobody" if os.getuid() == 0 else pwd.getpwuid(os.getuid()).pw_name
        self.port = free_port()
        self.durable = durable
        self.settings = settings

    def __enter__(self):
        return self

    def hurry(self, number, frame):
        """Who ends us will not wait long, and nothing of ours may outlive us."""
        signal.signal(number, signal.SIG_IGN)
        self.hurried = True
        if not self.ending:
            raise SystemExit(128 + number)
        self.strike()

    def strike(self):
        for child in [self.csmsd, *self.children, self.postgres]:
            if child is not None and child.returncode is None:
                # Not by the child's own method, which may be what the signal interrupted.
                os.kill(child.pid, signal.SIGQUIT if child is self.postgres else signal.SIGKILL)

    def __exit__(self, kind, value, trace):
        self.ending = True
        if self.hurried:
            self.strike()
        for child in [self.csmsd, *self.children]:
            self.end(child, signal.SIGTERM)
        self.end(self.postgres, signal.SIGINT)
        if kind is not None:
            for name in ("csmsd.log", "postgres.log"):
                path = os.path.join(self.folder, name)
                if os.path.exists(path):
                    with open(path, errors="replace") as log:
                        print(f"--- the end of {name}:\n" + "".join(log.readlines()[-30:]))
        shutil.rmtree(self.folder, ignore_errors=True)

    @staticmethod
    def end(child, sig):
        if child is None or child.poll() is not None:
            return
        child.send_signal(sig)
        try:
            child.wait(15 * PATIENCE)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()

    def span(self):
        return Span(self.program("csms"))

    # -- PostgreSQL ---------------------------------------------------------------------------

    def as_owner(self, *command):
        # Even SIGKILL of us ends it.
        become = ["setpriv", "--pdeathsig", "INT"]
        if os.getuid() == 0:
            group = str(pwd.getpwnam(self.owner).pw_gid)
            # In the same setpriv that changes the user, for that change clears it.
            become += [f"--reuid={self.owner}", f"--regid={group}", "--clear-groups"]
        return [*become, *command]

    def make_cluster(self):
        if os.getuid() == 0:
            entry = pwd.getpwnam(self.owner)
            os.mkdir(self.data, 0o700)
            for path in (self.data, self.run):
                os.chown(path, entry.pw_uid, entry.pw_gid)
        subprocess.run(
            self.as_owner(f"{PGBIN}/initdb", "-D", self.data, "-U", "joulebook", "-N", "-E", "UTF8",
                          "--locale=C.UTF-8", "--data-checksums", "-A", "trust"),
            check=True, stdout=subprocess.DEVNULL, cwd="/")
        with open(os.path.join(self.data, "postgresql.conf"), "a") as conf:
            conf.write(SETTINGS.format(run=self.run, fsync="on" if self.durable else "off"))
            conf.write(self.settings)

    def start_database(self):
        if not os.path.exists(os.path.join(self.data, "PG_VERSION")):
            self.make_cluster()
        log = open(os.path.join(self.folder, "postgres.log"), "a")
        self.postgres = subprocess.Popen(
            self.as_owner(f"{PGBIN}/postgres", "-D", self.data), stdout=log, stderr=log,
            stdin=subprocess.DEVNULL, start_new_session=True, cwd="/")
        log.close()
        self.wait(lambda: self.psql("select 1", quiet=True) == "1", 60, "PostgreSQL")

    def kill_database(self):
        """kill -9 of the postmaster and every backend at once, reaped."""
        # Each backend leads a process group of its own; stopped, the postmaster can fork no other
        # and notices no death.
        self.postgres.send_signal(signal.SIGSTOP)
        backends = self.backends()
        for pid in [*backends, self.postgres.pid]:
            os.kill(pid, signal.SIGKILL)
        self.postgres.wait()
        self.wait(lambda: not any(map(self.alive, backends)), 10, "the end of PostgreSQL")
        pidfile = os.path.join(self.data, "postmaster.pid")
        if os.path.exists(pidfile):
            os.remove(pidfile)

    def backends(self):
        """The postmaster's children."""
        children = []
        for name in filter(str.isdigit, os.listdir("/proc")):
            status = self.stat(name)
            if status and int(status[1]) == self.postgres.pid:
                children.append(int(name))
        return children

    def alive(self, pid):
        # A zombie that init is slow to reap holds nothing any more.
        status = self.stat(pid)
        return status is not None and status[0] not in "ZX"

    @staticmethod
    def stat(pid):
        """State, parent and so on of a process, None without it."""
        try:
            with open(f"/proc/{pid}/stat") as file:
                return file.read().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            return None

    def conninfo(self, user="joulebook", database="joulebook"):
        return f"host={self.run} dbname={database} user={user}"

    def psql(self, sql, user="joulebook", database="postgres", quiet=False):
        done = subprocess.run(
            ["psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-h", self.run, "-U", user, "-d", database],
            input=sql, text=True, capture_output=True)
        if done.returncode != 0:
            if quiet:
                return None
            raise RuntimeError(f"psql: {done.stderr.strip()}\n{sql[:400]}")
        return done.stdout.rstrip("\n")

    def value(self, sql, user="joulebook"):
        return self.psql(sql, user=user, database="joulebook")

    def rows(self, sql, user="joulebook"):
        text = self.value(sql, user=user)
        return [line.split("|") for line in text.split("\n")] if text else []

    # -- csmsd --------------------------------------------------------------------------------

    def program(self, name):
        return os.path.join(self.build, "simulators" if name == "pilesim" else "csms", name)

    def write_config(self, extra="", credentials="none"):
        pepper = os.path.join(self.folder, "pepper")
        if not os.path.exists(pepper):
            with open(os.open(pepper, os.O_WRONLY | os.O_CREAT, 0o600), "wb") as out:
                out.write(os.urandom(32))
        self.config = os.path.join(self.folder, "csms.conf")
        with open(self.config, "w") as out:
            out.write(
                f'database = "{self.conninfo("joulebook_app")}"\n'
                f'state_dir = "{self.folder}"\nrun_dir = "{self.run}"\npepper_file = "{pepper}"\n'
                f'durability = "{"full" if self.durable else "test"}"\n{extra}\n'
                f'listener main {{ bind = "127.0.0.1" port = {self.port} credentials = {credentials} '
                'serve = {"ocpp", "admin", "metrics"} }\n')

    def migrate(self):
        self.psql("create database joulebook")
        subprocess.run([self.program("csms"), "--database", self.conninfo(), "db", "migrate"],
                       check=True, stdout=subprocess.DEVNULL)

    def start_csmsd(self, wait=True, **config):
        if not hasattr(self, "config"):
            self.write_config(**config)
        log = open(os.path.join(self.folder, "csmsd.log"), "a")
        self.csmsd = Daemon(["setpriv", "--pdeathsig", "KILL", self.program("csmsd"), "--config", self.config],
                            stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        log.close()
        if wait:
            self.wait(self.ready, 30, "csmsd")

    def kill_csmsd(self):
        self.csmsd.kill()
        self.csmsd.wait()

    def page(self, path):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=5 * PATIENCE) as answer:
            return answer.read().decode()

    def ready(self):
        if self.csmsd.poll() is not None:
            raise RuntimeError(f"csmsd ended with status {self.csmsd.returncode}")
        try:
            self.page("/readyz")
            return True
        except (OSError, urllib.error.HTTPError):
            return False

    @staticmethod
    def wait(condition, seconds, what):
        end = time.monotonic() + seconds * PATIENCE
        while not condition():
            if time.monotonic() > end:
                raise TimeoutError(f"{what} did not come within {seconds * PATIENCE} s")
            time.sleep(0.05)

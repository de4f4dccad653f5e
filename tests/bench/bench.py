"""bench.py - what the whole daemon carries, and what the machine could: see run.sh.

Each round runs every row once, so that whatever else the machine does hits all rows alike; printed
are the median and, with more than one round, the least and the most. Before each row of readings
their table is emptied, so that all rows begin alike. Exit status 1 if a program could not do its
work, or if what is stored is not what was confirmed.
"""
import argparse
import os
import re
import shutil
import signal
import statistics
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.dirname(HERE))
from stack import Stack  # noqa: E402

PILES = 500
RATES = (2000, 10000)
SETTINGS = """
shared_buffers = 256MB
max_wal_size = 2GB
wal_compression = on
"""
# What keeps strangers from one address in bounds would only measure itself.
LIMITS = "limits {{ accepts_per_s = 100000 half_open = 20000 }}\nworkers {{ jobs = {jobs} }}\n"
PERF_HZ = 499
DRAIN_S = 5
LANE_OUTSTANDING = 500
SETTLED = "SELECT count(*) FROM core.job WHERE kind = 'settle' AND state = 'done'"


class Bench(Stack):
    """Whoever starts this and dies, takes all with him: the kernel sees to it."""

    def __init__(self, build, fault_build):
        super().__init__(build, settings=SETTINGS)
        self.fault_build = fault_build
        self.echo = None

    def daemon(self, jobs=False, unstored=False):
        """A fresh csmsd; the last one ends in good order."""
        self.end(self.csmsd, signal.SIGTERM)
        self.write_config(extra=LIMITS.format(jobs="true" if jobs else "false"), credentials="required")
        self.launch(self.fault_build if unstored else self.build, "answer_unstored" if unstored else "")
        self.wait(self.ready, 30, "csmsd")

    def launch(self, build=None, fault=""):
        with open(os.path.join(self.folder, "csmsd.log"), "a") as log:
            self.csmsd = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", os.path.join(build or self.build, "csms", "csmsd"),
                 "--config", self.config], stdout=log, stderr=log, stdin=subprocess.DEVNULL,
                env={**os.environ, "JOULEBOOK_FAULT": fault})

    def seed(self, piles):
        with open(os.path.join(self.folder, "pepper"), "rb") as file:
            pepper = file.read().ljust(64, b"\0")
        pads = {name: bytes(b ^ pad for b in pepper).hex() for name, pad in (("ipad", 0x36), ("opad", 0x5C))}
        subprocess.run(
            ["psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-h", self.run, "-U", "joulebook", "-d",
             "joulebook", "-v", f"piles={piles}", "-v", f"cards={PILES}", "-v", f"ipad={pads['ipad']}",
             "-v", f"opad={pads['opad']}", "-f", os.path.join(HERE, "seed.sql")],
            check=True, stdout=subprocess.DEVNULL)

    def tool(self, name):
        return os.path.join(self.build, "tests", "bench", name)

    def start_echo(self):
        self.echo = subprocess.Popen(["setpriv", "--pdeathsig", "KILL", self.tool("bench_echo")],
                                     stdout=subprocess.PIPE, text=True)
        self.children.append(self.echo)
        return int(self.echo.stdout.readline().split()[1])

    def load(self, mode, *options, port=None, database=True, **popen):
        command = [self.tool("load"), mode, "--port", str(port or self.port), "--csmsd", str(self.csmsd.pid),
                   "--postgres", str(self.postgres.pid), *map(str, options)]
        if database:
            command += ["--database", self.conninfo()]
        return subprocess.Popen(["setpriv", "--pdeathsig", "KILL", *command], stdout=subprocess.PIPE, text=True,
                                **popen)


def figures(text):
    return {name: float(value) for name, value in re.findall(r"(\w+)=(-?[\d.]+)", text)}


def done(process, what):
    """The figures that a program prints; it must have done its work."""
    text = process.communicate()[0]
    if process.returncode != 0:
        sys.stdout.write(text)
        raise SystemExit(f"bench: {what} failed with exit status {process.returncode}")
    return figures(text)


class Rows:
    """What was measured, row by row, round by round."""

    def __init__(self):
        self.rows = {}

    def add(self, name, command, found, *shown):
        row = self.rows.setdefault(name, {"command": command, "shown": shown, "rounds": []})
        row["rounds"].append(found)
        print("#", name, " ".join(f"{key}={value:g}" for key, value in found.items()), flush=True)

    def median(self, name, key="rate"):
        return statistics.median(found[key] for found in self.rows[name]["rounds"])

    def figure(self, row, key, text):
        values = [found[key] for found in row["rounds"]]
        shape = "{:,.0f}" if max(values) >= 100 else "{:.2f}"
        least, most = (shape.format(f(values)) for f in (min, max))
        middle = shape.format(statistics.median(values))
        return f"{text} {middle}" + (f" ({least} to {most})" if len(values) > 1 else "")

    def print(self):
        for name, row in self.rows.items():
            print(f"\n{name}\n    " + "\n    ".join(self.figure(row, key, text) for key, text in row["shown"]))
            print(f"    $ {row['command']}")


LATENCY = (("p50_ms", "p50, ms"), ("p99_ms", "p99, ms"), ("p999_ms", "p99.9, ms"), ("max_ms", "most, ms"))
CPU = (("client_us", "client, us of CPU each"), ("csmsd_us", "csmsd, us of CPU each"),
       ("postgres_us", "PostgreSQL, us of CPU each"), ("csmsd_cpu", "csmsd, cores"),
       ("postgres_cpu", "PostgreSQL, cores"))


def readings(bench, rows, name, *options, database=True, port=None, shown=CPU):
    bench.psql("TRUNCATE core.meter_reading", database="joulebook")
    found = done(bench.load("readings", *options, database=database, port=port), name)
    rows.add(name, "load readings " + " ".join(map(str, options)), found, ("rate", "a second"), *LATENCY, *shown)


def lane(bench, args):
    """One lane alone, in a database of its own."""
    command = [os.path.join(bench.build, "tests", "db", "bench_db_lane")]
    if args.rounds == 1:
        command += [str(max(1, args.seconds // 2)), str(LANE_OUTSTANDING)]
    else:
        command.append(str(args.seconds))
    print("# one lane against PostgreSQL, fsync on", flush=True)
    subprocess.run(command, check=True, env={**os.environ, "JOULEBOOK_TEST_PG": bench.conninfo(database="postgres")})


def limits(bench, rows, seconds, echo_port):
    """What the machine can do without us, or without the one or the other."""
    name = "limit: one connection, 500 readings a commit"
    bench.psql("TRUNCATE core.meter_reading", database="joulebook")
    found = done(subprocess.Popen([bench.tool("bench_insert"), bench.conninfo(), str(seconds)],
                                  stdout=subprocess.PIPE, text=True), name)
    rows.add(name, f"bench_insert CONNINFO {seconds}", found, ("rate", "a second"))
    readings(bench, rows, "limit: libwebsockets that only answers", "--bare", "--piles", PILES, "--seconds", seconds,
             database=False, port=echo_port, shown=CPU[:1])
    if bench.fault_build is not None:
        bench.daemon(unstored=True)
        readings(bench, rows, "limit: csmsd without its database", "--piles", PILES, "--seconds", seconds,
                 database=False, shown=CPU[:2])


def profile(bench, seconds):
    """perf's ten dearest functions of csmsd, while load runs."""
    data = os.path.join(bench.folder, "perf.data")
    load = bench.load("readings", "--piles", PILES, "--seconds", seconds, database=False)
    time.sleep(1)
    perf = subprocess.run(["perf", "record", "-q", "-F", str(PERF_HZ), "-p", str(bench.csmsd.pid), "-o", data, "--",
                           "sleep", str(max(1, seconds - 1))], capture_output=True, text=True)
    done(load, "the load for perf")
    if perf.returncode != 0:
        return f"perf cannot record here: {perf.stderr.strip()[:200]}"
    report = subprocess.run(["perf", "report", "--stdio", "--no-children", "--sort", "dso,symbol", "-i", data],
                            capture_output=True, text=True).stdout
    lines = [line for line in report.splitlines() if line.strip() and not line.startswith("#")]
    return "\n".join(lines[:10])


def drain(bench, rows, seconds):
    """The settlements that were held back, once they are all due; what is left is left to the next round."""
    open_jobs = "SELECT count(*) FROM core.job WHERE kind = 'settle' AND state IN ('queued', 'running')"
    bench.wait(lambda: bench.value(f"{open_jobs} AND run_at > clock_timestamp()") == "0", 60, "the last due time")
    settled, waiting = int(bench.value(SETTLED)), int(bench.value(open_jobs))
    bench.daemon(jobs=True)
    begin, first = time.monotonic(), int(bench.value(SETTLED))
    while time.monotonic() < begin + seconds and bench.value(open_jobs) != "0":
        time.sleep(0.5)  # asking costs, too
    bench.wait(lambda: int(bench.value(SETTLED)) > settled, 60, "the first settlement")
    took, last = time.monotonic() - begin, int(bench.value(SETTLED))
    bench.daemon()
    done_at_all, left = int(bench.value(SETTLED)) - settled, int(bench.value(open_jobs))
    if done_at_all + left != waiting:
        raise SystemExit(f"bench: {waiting} settlements waited, {done_at_all} were done, {left} are left")
    rows.add("settlements, 2 workers", "csmsd with workers { jobs = true }",
             {"rate": (last - first) / took, "waited": waiting, "done": done_at_all}, ("rate", "a second"))


def charges(bench, rows, seconds):
    bench.daemon()
    before = bench.value(SETTLED)
    found = done(bench.load("charges", "--piles", PILES, "--seconds", seconds), "charges")
    if bench.value(SETTLED) != before:
        raise SystemExit("bench: settlements were made while they should have been held back")
    rows.add("charges: StartTransaction and StopTransaction", f"load charges --piles {PILES} --seconds {seconds}",
             found, ("rate", "pairs a second"), ("start_p50_ms", "start, p50, ms"), ("start_p99_ms", "start, p99, ms"),
             ("stop_p50_ms", "stop, p50, ms"), ("stop_p99_ms", "stop, p99, ms"), *CPU)


def recover(bench, rows, what):
    """kill -9 of csmsd or of all of PostgreSQL while readings come."""
    bench.daemon()
    bench.psql("TRUNCATE core.meter_reading", database="joulebook")
    load = bench.load("recover", "--piles", 50, "--seconds", 600, stdin=subprocess.PIPE)
    if load.stdout.readline() != "steady\n":
        done(load, "recover")
    time.sleep(0.5)
    begun = time.monotonic_ns()
    if what == "csmsd":
        bench.kill_csmsd()
        dead = time.monotonic_ns()
        bench.launch()
    else:
        bench.kill_database()
        dead = time.monotonic_ns()
        bench.start_database()
    listening = time.monotonic_ns()
    load.stdin.write(f"killed {begun} {dead}\n")
    load.stdin.flush()
    found = done(load, f"recover from the kill of {what}")
    shown = [("ms", "ms to the first confirmed reading")]
    if what != "csmsd":
        found["database_ms"] = (listening - begun) / 1e6
        shown.append(("database_ms", "of which ms until PostgreSQL answered"))
    rows.add(f"kill -9 of {what}", "load recover --piles 50", found, *shown)


def one_round(bench, rows, seconds, many, echo_port):
    piles = ("--piles", PILES, "--seconds", seconds)
    limits(bench, rows, seconds, echo_port)
    bench.daemon()
    readings(bench, rows, "readings, closed loop, 4 samples", *piles)
    readings(bench, rows, "readings, closed loop, 8 samples", *piles, "--long")
    for rate in RATES:
        readings(bench, rows, f"readings, open loop, {rate:,} a second", *piles, "--rate", rate)
    charges(bench, rows, seconds)
    bench.daemon()
    found = done(bench.load("idle", "--piles", many, database=False), "idle")
    rows.add(f"idle: memory a connection, {many:,} piles", f"load idle --piles {many}", found,
             ("kib_each", "KiB"))
    bench.daemon()
    found = done(bench.load("connect", "--piles", many, database=False), "connect")
    rows.add("connect: Basic authentication and BootNotification", f"load connect --piles {many}", found,
             ("rate", "a second"), *LATENCY, *CPU)
    recover(bench, rows, "csmsd")
    recover(bench, rows, "PostgreSQL")
    drain(bench, rows, max(seconds, DRAIN_S))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("build")
    parser.add_argument("--fault-build", help="a release build with -Dtests_fault=true")
    parser.add_argument("--seconds", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--piles", type=int, default=1000, help="of the rows connect and idle")
    parser.add_argument("--profile", action="store_true", help="csmsd's dearest functions, by perf")
    parser.add_argument("--folder", metavar="FILE", help="tell there the folder that is to be removed")
    args = parser.parse_args()
    rows, top = Rows(), None

    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda number, frame: sys.exit(128 + number))
    with Bench(os.path.abspath(args.build), args.fault_build and os.path.abspath(args.fault_build)) as bench:
        if args.folder:
            with open(args.folder, "w") as file:
                file.write(bench.folder)
        bench.start_database()
        lane(bench, args)
        bench.migrate()
        bench.daemon()
        bench.seed(max(args.piles, PILES))
        echo_port = bench.start_echo()
        for _ in range(args.rounds):
            one_round(bench, rows, args.seconds, args.piles, echo_port)
        if args.profile and shutil.which("perf"):
            bench.daemon()
            top = profile(bench, max(args.seconds, 3))
    rows.print()
    if args.fault_build is None:
        print("\ncsmsd without its database was not measured: there is no build with -Dtests_fault=true")
    else:
        with_it, without = (rows.median(name) for name in ("readings, closed loop, 4 samples",
                                                           "limit: csmsd without its database"))
        print(f"\nreadings with the database, of the rate without: {with_it / max(without, 1):.2f}")
    if args.profile:
        print(f"\ncsmsd under the closed loop, by perf:\n{top}" if top else "\nperf is not installed: no profile")


if __name__ == "__main__":
    main()

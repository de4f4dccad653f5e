"""run.py - PostgreSQL fails in every way that it can, while piles charge; so do connections and nodes.

    python3 tests/faults/run.py --list                       what is tested, and by which command
    python3 tests/faults/run.py --build build-release        all of it, in short
    python3 tests/faults/run.py --build build-release --long as long as the real trouble takes (hours)

Each test has a cluster, a daemon and piles of its own, and runs by itself as well.  Several run at a
time, but for those that measure latency.  Exit status 0: all passed; 77: so did all that could run
here, and the last line says what could not.
"""
import argparse
import concurrent.futures
import os
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
SKIPPED = 77
AT_ONCE = 4

# The row of the fault matrix, what breaks, the test here.
TESTS = (
    ("A10", "PostgreSQL away for 40 s (10 minutes), piles with three attempts", "away"),
    ("A08", "PostgreSQL restarted at once; csmsd and PostgreSQL killed together", "killed"),
    ("A04", "all of PostgreSQL stands still, then csmsd", "stopped"),
    ("A12", "the line cut within the COMMIT, at each side of its last byte", "commits"),
    ("---", "readings 500 ms slower than the Stop behind them, and a take-over", "order"),
    ("A11", "PostgreSQL lets nobody in; is a standby", "refuse"),
    ("A18", "PostgreSQL's disk is full", "full"),
    ("A05", "csmsd is told to end while many piles speak", "leave"),
    ("B03", "lines that forward nothing and close nothing, also taken over (B22)", "halfopen"),
    ("---", "queues of 30 (1,000) charges over lines that break; csmsd killed every 100 messages", "backlog"),
    ("B23", "60 (1,000) piles move between two csmsd, with CALLs under way (B24); kills", "moving"),
    ("B05", "500 (10,000) piles come again at once; those who stay are answered", "storm"),
    ("A13", "a wallet held by somebody for 8 s (60 s) while 1,000 piles start", "wallet"),
)
ALONE = ("wallet", "storm")

# What other folders test of the same matrix.
ELSEWHERE = (
    ("A01", "kill -9 of csmsd, at random instants", "sh tests/run.sh -k 'chaos: 30 kills'",
     "python3 tests/chaos/chaos.py --kills 1000 --queued 40000 --sessions 20000 --open 100 --piles 20 --limit 86400"),
    ("A02", "kill -9 between commit and answer", "meson test -C build-asan 'csms crash'", "the same"),
    ("A03", "kill -9 before the commit", "meson test -C build-asan 'csms crash'", "the same"),
    ("A09", "kill -9 of all PostgreSQL", "sh tests/run.sh -k 'chaos: 30 kills'", "as A01"),
    ("A12", "a batch cut anywhere, by its bytes", "meson test -C build-asan 'db lane faults'", "the same"),
    ("A13", "one backend stands still; rows held under Stops", "meson test -C build-asan 'csms workers'", "the same"),
)


def command(test, options, long):
    return ["python3", os.path.join("tests", "faults", f"{test}.py"), "--build", options.build,
            *(["--long"] if long else [])]


def print_list(options):
    rows = [(row, what, " ".join(command(test, options, False)), " ".join(command(test, options, True)))
            for row, what, test in TESTS] + list(ELSEWHERE)
    for row, what, short, long in sorted(rows):
        print(f"{row}  {what}\n     short  {short}\n     long   {long}")


def run(test, options):
    began = time.monotonic()
    done = subprocess.run(command(test, options, options.long), cwd=os.path.dirname(os.path.dirname(HERE)),
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          errors="replace")
    return test, done.returncode, done.stdout, time.monotonic() - began


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", default="build-release")
    parser.add_argument("--list", action="store_true", help="print the tests and their commands")
    parser.add_argument("--long", action="store_true", help="the long forms")
    parser.add_argument("-k", metavar="WORD", default="", help="only tests whose name contains it")
    options = parser.parse_args()
    if options.list:
        print_list(options)
        return 0
    wanted = [test for _, _, test in TESTS if options.k in test]
    if not wanted:
        parser.error(f"no test's name contains {options.k}")
    together = [test for test in wanted if test not in ALONE]
    failed, skipped = [], []
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        results = list(pool.map(lambda test: run(test, options), together))
    results += [run(test, options) for test in wanted if test in ALONE]
    for test, status, text, took in results:
        print(f"== {test}: {'passed' if status == 0 else f'exit status {status}'}, {took:.0f} s\n{text}", flush=True)
        if status == SKIPPED:
            skipped.append(f"{test}: {text.splitlines()[-1]}")
        elif status != 0:
            failed.append(test)
    print(f"{len(results) - len(failed) - len(skipped)} of {len(results)} passed"
          + (f"; failed: {', '.join(failed)}" if failed else "") + (f"; not run here: {'; '.join(skipped)}" if skipped else ""))
    if failed:
        return 1
    return SKIPPED if skipped else 0


if __name__ == "__main__":
    sys.exit(main())

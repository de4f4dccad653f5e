"""run.py - PostgreSQL fails in every way that it can, while piles charge; so do connections and nodes.

    python3 tests/faults/run.py --list [ROWS]                what is tested, and by which command
    python3 tests/faults/run.py --rows B                     the rows that begin so, wherever they are tested
    python3 tests/faults/run.py --build build-release        all of it, in short
    python3 tests/faults/run.py --build build-release --long as long as the real trouble takes (hours)

Each test has a cluster, a daemon and piles of its own, and runs by itself as well.  Several run at a
time, but for those that measure latency.  Exit status 0: all passed; 77: so did all that could run
here, and the last line says what could not.
"""
import argparse
import concurrent.futures
import os
import re
import shlex
import subprocess
import sys
import time

import matrix

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
SKIPPED = 77
# Meson and tests/run.sh tell so in a line each, and end with 0.
SKIPS = re.compile(r" *\d+/\d+ .* SKIP |skipped  ")
AT_ONCE = 4

# What each of them breaks is told in matrix.txt.
TESTS = ("away", "killed", "stopped", "commits", "order", "refuse", "full", "leave", "halfopen", "backlog", "moving",
         "storm", "wallet")
ALONE = ("wallet", "storm")


def command(test, options, long):
    return ["python3", os.path.join("tests", "faults", f"{test}.py"), "--build", options.build,
            *(["--long"] if long else [])]


def print_list(wanted):
    for row in wanted:
        print(f"{row.name}  {row.what}")
        for file in dict.fromkeys(file for file, _ in row.tests):
            print(f"     {file}: {' | '.join(name for where, name in row.tests if where == file)}")
        for form, commands in (("short", row.short), ("long ", row.long)):
            for each in commands:
                print(f"     {form}  {each}")


def commands(wanted, long):
    """The short ones; for long those without a long form, and then the long ones; each once."""
    longs = [each for row in wanted for each in row.long] if long else []
    shorts = [each for row in wanted for each in row.short if f"{each} --long" not in longs]
    return list(dict.fromkeys(shorts + longs))


def run_command(command):
    """Its exit status, and the lines that say what it did not run."""
    skipped, last = [], ""
    with subprocess.Popen(shlex.split(command), cwd=TOP, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, errors="replace") as done:
        for line in done.stdout:
            print(line, end="", flush=True)
            last = line.strip() or last
            if SKIPS.match(line):
                skipped.append(last)
    return done.returncode, skipped or ([last] if done.returncode == SKIPPED else [])


def run_rows(wanted, long):
    """Their commands, each once; the exit status."""
    failed, skipped = [], []
    for each in commands(wanted, long):
        print(f"== {each}", flush=True)
        status, left_out = run_command(each)
        if status not in (0, SKIPPED):
            failed.append(each)
        skipped += [f"{each}: {why}" for why in left_out]
    print("\n".join(["== failed:", *failed] if failed else ["== no failure" if skipped else "== all passed"]))
    if skipped:
        print(f"== not run here: {'; '.join(skipped)}")
    return 1 if failed else SKIPPED if skipped else 0


def run(test, options):
    began = time.monotonic()
    done = subprocess.run(command(test, options, options.long), cwd=TOP,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          errors="replace")
    return test, done.returncode, done.stdout, time.monotonic() - began


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", default="build-release")
    parser.add_argument("--list", nargs="?", const="", metavar="ROWS", help="print the rows that begin so, their tests and commands")
    parser.add_argument("--rows", metavar="ROWS", help="run the commands of the rows that begin so, as A or B03")
    parser.add_argument("--long", action="store_true", help="the long forms")
    parser.add_argument("-k", metavar="WORD", default="", help="only tests whose name contains it")
    options = parser.parse_args()
    begin = options.rows if options.list is None else options.list
    if begin is not None:
        wanted = [row for row in matrix.rows() if row.name.startswith(begin)]
        if not wanted:
            parser.error(f"no row begins with {begin}")
        return run_rows(wanted, options.long) if options.list is None else print_list(wanted)
    wanted = [test for test in TESTS if options.k in test]
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

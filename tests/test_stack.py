#!/usr/bin/python3
"""Whatever ends a test, nothing of its house outlives it.

    test_stack.py BUILD
"""
import os
import select
import shutil
import signal
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from stack import PATIENCE, Stack  # noqa: E402


def house(build):
    """A test in mid-run."""
    with Stack(build, durable=False) as stack:
        stack.start_database()
        stack.migrate()
        stack.start_csmsd()
        print(stack.folder, flush=True)
        time.sleep(600 * PATIENCE)


def living(folder):
    """The processes that have the folder in their command line."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as line:
                command = line.read().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if folder in command:
            found.append(command.strip())
    return found


def end_one(build, number):
    # What runs in the background ignores some signals, and so does what it starts.
    child = subprocess.Popen([sys.executable, "-B", __file__, build, "house"], stdout=subprocess.PIPE, text=True,
                             preexec_fn=lambda: number == signal.SIGKILL or signal.signal(number, signal.SIG_DFL))
    try:
        if not select.select([child.stdout], [], [], 60 * PATIENCE)[0]:
            raise SystemExit("the house did not stand in time")
        folder = child.stdout.readline().strip()
        if len(living(folder)) < 2:
            raise SystemExit(f"csmsd and PostgreSQL do not run in {folder!r}: {living(folder)}")
    finally:
        child.send_signal(number)
        child.wait(60 * PATIENCE)
    return child.returncode, folder


def main(build):
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        status, folder = end_one(build, number)
        left = living(folder)
        if left or os.path.exists(folder) or status == 0:
            raise SystemExit(f"{number.name}: status {status}, left {left} {folder * os.path.exists(folder)}")
        print(f"ok - {number.name} leaves nothing")
    status, folder = end_one(build, signal.SIGKILL)
    end = time.monotonic() + 20 * PATIENCE
    while left := living(folder):
        if time.monotonic() > end:
            raise SystemExit(f"SIGKILL: left {left}")
        time.sleep(0.1)
    shutil.rmtree(folder)
    print("ok - SIGKILL leaves no process")


if __name__ == "__main__":
    house(sys.argv[1]) if sys.argv[2:] else main(sys.argv[1])

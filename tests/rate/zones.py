"""Compares the offsets of csms/rate/zone.c with python3's zoneinfo.

    zones.py PROBE [SEED]

Every zone that is installed, in the past, around now, and beyond the files' last transition, where
only the rule in the footer says what holds; then names that must be refused.
"""
import random
import subprocess
import sys
import zoneinfo
from datetime import datetime, timedelta, timezone

EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
MONTH = 31 * 86400
PERIODS = ((0, 2 * 10**9, 8), (2 * 10**9, 8 * 10**9, 8), (-2 * 10**9, 0, 3))
REFUSED = ["../../etc/passwd", "/etc/passwd", "Asia/../Asia/Shanghai", "Asia//Shanghai", "Asia/",
           "Asia", "No/Such", "tzdata.zi", "zone.tab", ".", "Asia/Shanghai/x", "a" * 65]


def ask(probe, questions):
    text = "".join(f"{name} {start} {stop}\n" for name, start, stop in questions)
    run = subprocess.run([probe, "zone"], input=text, capture_output=True, text=True, check=True)
    return run.stdout.splitlines()


def wrong_at(name, start, stop, offsets, rng):
    """The first instant at which an offset differs, or None."""
    zone = zoneinfo.ZoneInfo(name)
    changes = [at for at, _ in offsets[1:]]
    instants = [start, stop] + [rng.randint(start, stop) for _ in range(4)]
    for at in instants + changes + [change - 1 for change in changes]:
        if at < start:
            continue
        want = (EPOCH + timedelta(seconds=at)).astimezone(zone).utcoffset().total_seconds()
        have = [offset for since, offset in offsets if since <= at] or [offsets[0][1]]
        if have[-1] != want:
            return at
    return None


def main():
    probe, seed = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 1
    rng = random.Random(seed)
    names = sorted(zoneinfo.available_timezones() - {"localtime"})
    questions = []
    for name in names:
        for first, last, count in PERIODS:
            for _ in range(count):
                start = rng.randint(first, last)
                questions.append((name, start, start + rng.randint(0, MONTH)))
    wrong = 0
    for (name, start, stop), line in zip(questions, ask(probe, questions), strict=True):
        words = line.split()
        offsets = [tuple(map(int, word.split(":"))) for word in words[1:]]
        at = wrong_at(name, start, stop, offsets, rng) if offsets else start
        if at is not None:
            wrong += 1
            print(f"{name} at {at}: {line}")
    for name, line in zip(REFUSED, ask(probe, [(name, 0, 1) for name in REFUSED]), strict=True):
        if line != "refused":
            wrong += 1
            print(f"{name!r} was not refused: {line}")
    print(f"seed {seed}: {len(names)} zones, {len(questions)} stretches, {wrong} wrong")
    return 1 if wrong or len(names) < 300 else 0


if __name__ == "__main__":
    sys.exit(main())

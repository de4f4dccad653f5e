"""refuse.py - PostgreSQL is up and lets nobody in, or is a standby.

All its connections are taken, also at the moment when csmsd's are lost; then it is in recovery, where
everything can be read and nothing stored.  csmsd does not end, lets no pile in, asks again less and
less often and at no fixed beat, and is ready when there is a server that stores.
"""
import os
import signal
import subprocess
import time

from charging import Stack, arguments, check
from proxy import Proxy

import outage
from crowd import furnish, pile
from nodes import reason

CONNECTIONS = 12
LANES = ("joulebook/money", "joulebook/telemetry")
SETTINGS = f"max_connections = {CONNECTIONS}\nsuperuser_reserved_connections = 3\n"


def crowd_out(stack):
    """Takes every connection that is left to those who are no superusers, and csmsd's own as well: it stands
    still meanwhile, or it would come first."""
    if stack.csmsd is not None:
        stack.csmsd.send_signal(signal.SIGSTOP)
        stack.value("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'joulebook/%'")
    taken = [subprocess.Popen(
        ["psql", "-X", "-q", "-h", stack.run, "-U", "joulebook_app", "-d", "joulebook", "-c", "SELECT pg_sleep(1000)"],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        env={**os.environ, "PGOPTIONS": "-c statement_timeout=0"}) for _ in range(CONNECTIONS)]
    stack.children += taken
    stack.wait(lambda: any(one.poll() is not None for one in taken), 10, "a connection that is refused")
    if stack.csmsd is not None:
        stack.csmsd.send_signal(signal.SIGCONT)


def make_room(stack):
    stack.value("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'joulebook_app' "
                "AND application_name = 'psql'")


def tries(between, name, since):
    return [at for at in between.came[name] if at >= since]


def asked_with_patience(between, since, seconds):
    """Back-off up to 2 s or 5 s, of which half is chance: further and further apart, each at its own beat."""
    beats = set()
    for name in sorted(name for name in between.came if name and name.startswith("joulebook/")):
        came = tries(between, name, since)
        gaps = [b - a for a, b in zip(came, came[1:])]
        beats |= {round(gap, 1) for gap in gaps}
        check(f"{name} asks with patience", len(came) <= 8 + seconds / 1.2 and max(gaps, default=9) >= 1.2,
              f"{len(came)} times in {seconds} s, apart {' '.join(f'{gap:.2f}' for gap in gaps)}")
    check("both lanes have asked more than once", all(len(tries(between, name, since)) > 1 for name in LANES))
    check("and at no common beat", len(beats) >= 5, len(beats))


def refused(stack):
    try:
        pile(stack.port, 0)
    except ConnectionRefusedError as refusal:
        return refusal.args[0]
    return None


def full_house(stack, between, seconds):
    """From the start, and again when what csmsd has is lost."""
    crowd_out(stack)
    stack.start_csmsd(wait=False)
    for when in ("at the start", "when its connections are lost"):
        if when != "at the start":
            crowd_out(stack)
        since = time.monotonic()
        time.sleep(seconds)
        check(f"csmsd lives, {when}", stack.csmsd.poll() is None)
        check("and is not ready", outage.status_of(stack, "/readyz") == 503, reason(stack).strip())
        check("and lets nobody in", refused(stack) == 503)
        asked_with_patience(between, since, seconds)
        make_room(stack)
        stack.wait(stack.ready, 15, "readiness once there is room")
        print("ok - ready once there is room", flush=True)


def standby(stack, between, seconds):
    """The same server comes back in recovery, and is promoted later."""
    stack.postgres.send_signal(signal.SIGINT)
    stack.postgres.wait(60)
    signal_file = os.path.join(stack.data, "standby.signal")
    with open(signal_file, "w"):
        os.chmod(signal_file, 0o666)
    since = time.monotonic()
    stack.start_database()
    time.sleep(seconds)
    check("the server is in recovery", stack.value("SELECT pg_is_in_recovery()") == "t")
    check("csmsd lives", stack.csmsd.poll() is None)
    check("and is not ready", outage.status_of(stack, "/readyz") == 503, reason(stack).strip())
    check("and lets nobody in", refused(stack) == 503)
    asked_with_patience(between, since, seconds)
    with open(os.path.join(stack.folder, "csmsd.log"), errors="replace") as log:
        lines = log.read().count("the server is in recovery")
    check("it says why, and not at every try", 1 <= lines <= 4, lines)
    stack.value("SELECT pg_promote()")
    stack.wait(stack.ready, 15, "readiness after the promotion")
    print("ok - ready after the promotion", flush=True)


def main():
    options = arguments(__doc__)
    seconds = 120 if options.long else 12
    with Stack(options.build, settings=SETTINGS) as stack, Proxy(stack) as between:
        stack.start_database()
        stack.migrate()
        furnish(stack, 1)
        stack.write_config()
        between.install()
        full_house(stack, between, seconds)
        standby(stack, between, seconds)
        check("csmsd is the same process all the time", stack.csmsd.poll() is None)


if __name__ == "__main__":
    main()

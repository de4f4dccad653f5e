"""full.py - PostgreSQL's disk is full while piles charge.

Its cluster lies on a small tmpfs in a mount namespace of this test's own, which a file fills to the
last block.  What PostgreSQL still stores may be confirmed, nothing else; once there is room again all
is caught up, whether PostgreSQL only refused or went down.
"""
import os
import random
import shutil
import subprocess
import sys
import time

from charging import Charging, Stack, arguments, check

SIZE_MIB = 192
# Little WAL is kept, so that the disk is full soon after it is.
SETTINGS = "min_wal_size = 32MB\nmax_wal_size = 48MB\nwal_recycle = off\nshared_buffers = 16MB\n"
NO_SPACE = "No space left on device"


def in_a_namespace():
    """This process again, where what it mounts is nobody else's; exit status 77 if that cannot be."""
    if os.environ.get("JOULEBOOK_FAULTS_NAMESPACE"):
        return
    probe = subprocess.run(["unshare", "--mount", "mount", "-t", "tmpfs", "-o", "size=1m", "none", "/mnt"],
                           capture_output=True, text=True)
    if probe.returncode != 0:
        print(f"a disk to fill needs a mount namespace, which root may make: {probe.stderr.strip()}")
        sys.exit(77)
    os.environ["JOULEBOOK_FAULTS_NAMESPACE"] = "1"
    os.execvp("unshare", ["unshare", "--mount", "--propagation", "private", sys.executable, *sys.argv])


def small_disk(stack):
    disk = os.path.join(stack.folder, "disk")
    os.mkdir(disk)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={SIZE_MIB}m,mode=755", "none", disk], check=True)
    stack.data = os.path.join(disk, "pg")
    return disk


class House(Stack):
    """A stack whose folder can go although a disk was mounted in it."""

    def __exit__(self, *what):
        super().__exit__(*what)
        subprocess.run(["umount", "--lazy", os.path.join(self.folder, "disk")], stderr=subprocess.DEVNULL)
        shutil.rmtree(self.folder, ignore_errors=True)


def fill(disk):
    """To the last block; the filler's name."""
    name = os.path.join(disk, "filler")
    with open(name, "wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(1 << 16))
        except OSError:
            pass
        try:
            while True:
                file.write(bytes(4096))
        except OSError:
            pass
    return name


def told(stack):
    with open(os.path.join(stack.folder, "postgres.log"), errors="replace") as log:
        text = log.read()
    return text.count(NO_SPACE)


def full(stack, piles, disk, seconds, wal):
    """With `wal` there is no room for the next WAL segment either, which PostgreSQL does not survive."""
    before = told(stack)
    filler = fill(disk)
    if wal:
        stack.psql("SELECT pg_switch_wal(); CREATE TABLE further ()", quiet=True)
    stack.wait(lambda: told(stack) > before, 20, "the first error")
    time.sleep(seconds)
    down = stack.postgres.poll() is not None
    if wal:
        check("without room for WAL it went down", down)
    os.remove(filler)
    if down:
        stack.postgres.wait()
        stack.start_database()
    print(f"   {told(stack) - before} times without space in {seconds} s, "
          f"PostgreSQL {'went down' if down else 'stayed up'}", flush=True)
    piles.more(20)


def main():
    options = arguments(__doc__)
    in_a_namespace()
    chance = random.Random(options.seed)
    spans = [chance.uniform(10, 60) for _ in range(10)] if options.long else [12, 12]
    with House(options.build, settings=SETTINGS) as stack:
        disk = small_disk(stack)
        stack.start_database()
        stack.migrate()
        piles = Charging(stack, options.seed, pace_ms=20)
        piles.seed()
        stack.start_csmsd()
        piles.start()
        for number, seconds in enumerate(spans):
            piles.more(50)
            full(stack, piles, disk, seconds, wal=number % 2 == 1)
        piles.end()
        check("at most one attempt was used up", piles.truth().attempts() <= 1, piles.truth().attempts())


if __name__ == "__main__":
    main()

"""`csms rate` on the command line: what it prints, what it refuses, and with which status.

    command.py PROBE
"""
import json
import os
import subprocess
import sys
import tempfile

TARIFF = {"currency": "EUR", "elements": [
    {"price_components": [{"type": "ENERGY", "price": 0.25, "vat": 20, "step_size": 1}]}]}
SESSION = {"start": "2026-01-12T10:00:00Z", "end": "2026-01-12T11:00:00Z", "periods": [
    {"start": "2026-01-12T10:00:00Z", "end": "2026-01-12T11:00:00Z", "energy_kwh": "20"}]}


def period(**members):
    return SESSION | {"periods": [SESSION["periods"][0] | members]}


def priced(**members):
    component = TARIFF["elements"][0]["price_components"][0] | members
    return TARIFF | {"elements": [{"price_components": [component]}]}


# (what is wrong, tariff, session, what standard error must name)
REFUSALS = [
    ("a negative energy", TARIFF, period(energy_kwh=-1), "periods[0]"),
    ("a period that ends before it begins", TARIFF, period(end="2026-01-12T09:00:00Z"),
     "periods[0]"),
    ("a period outside the session", TARIFF, period(start="2026-01-12T09:59:59Z"), "periods[0]"),
    ("a time that is none", TARIFF, period(start="yesterday"), "periods[0].start"),
    ("no end", TARIFF, {"start": SESSION["start"], "periods": []}, "end: is missing"),
    ("an end before the start", TARIFF, SESSION | {"end": "2026-01-11T00:00:00Z"}, "end"),
    ("32 days", TARIFF, SESSION | {"end": "2026-02-13T10:00:01Z"}, "31 days"),
    ("seven decimals of a kWh", TARIFF, period(energy_kwh="0.0000001"), "energy_kwh"),
    ("more than 1000000 kWh", TARIFF, period(energy_kwh="1000000.000001"), "periods[0]"),
    ("a negative price", priced(price=-1), SESSION, "price_components[0].price"),
    ("an unknown type", priced(type="COFFEE"), SESSION, "price_components[0].type"),
    ("no elements", {"currency": "EUR", "elements": []}, SESSION, "elements"),
    ("a list for a tariff", [], SESSION, "an object"),
]


def run(probe, *args):
    return subprocess.run([probe, "rate", *args], capture_output=True, text=True, check=False)


def write(folder, name, value):
    path = os.path.join(folder, name)
    with open(path, "w", encoding="utf-8") as out:
        out.write(value if isinstance(value, str) else json.dumps(value))
    return path


class Checks:
    def __init__(self):
        self.count = self.wrong = 0

    def hold(self, what, condition, shown=""):
        self.count += 1
        if not condition:
            self.wrong += 1
            print(f"{what}: {shown}")


def check_usage(probe, checks, good):
    usages = [[], good[:2], good[:4], good + ["--verbose"], good + ["more"], ["--tariff"]]
    for args in usages:
        got = run(probe, *args)
        checks.hold(f"usage {args}", got.returncode == 2 and "usage:" in got.stderr
                    and got.stdout == "", got)
    missing = run(probe, "--tariff", "/no/such/file", *good[2:])
    checks.hold("a missing file", missing.returncode == 2 and "/no/such/file" in missing.stderr,
                missing)
    for zone in ("Mars/Olympus", "../../etc/passwd", ""):
        got = run(probe, *good[:2], "--zone", zone, *good[4:])
        checks.hold(f"zone {zone!r}", got.returncode == 2 and "--zone" in got.stderr, got)


def main():
    probe, checks = sys.argv[1], Checks()
    with tempfile.TemporaryDirectory() as folder:
        good = ["--tariff", write(folder, "t.json", TARIFF), "--zone", "UTC",
                "--session", write(folder, "s.json", SESSION)]
        first = run(probe, *good)
        checks.hold("a good one", first.returncode == 0 and first.stderr == "", first)
        out = json.loads(first.stdout)
        checks.hold("net", out["total_excl_vat"] == "5.000000", out)
        checks.hold("gross", out["total_incl_vat"] == "6.000000", out)
        checks.hold("no limit", out["limit_applied"] is None, out)
        checks.hold("one line", [line["net"] for line in out["lines"]] == ["5.000000"], out)
        checks.hold("the same bytes again", run(probe, *good).stdout == first.stdout)
        check_usage(probe, checks, good)
        for what, tariff, session, named in REFUSALS:
            got = run(probe, "--tariff", write(folder, "t2.json", tariff), "--zone", "UTC",
                      "--session", write(folder, "s2.json", session))
            checks.hold(what, got.returncode == 1 and named in got.stderr and got.stdout == "", got)
        for text in ("", "{", '{"currency":"EUR","currency":"EUR"}', "[1]x"):
            got = run(probe, "--tariff", write(folder, "t3.json", text), *good[2:])
            checks.hold(f"text {text!r}", got.returncode == 1 and "t3.json" in got.stderr, got)
    print(f"{checks.count} checks, {checks.wrong} wrong")
    return 1 if checks.wrong else 0


if __name__ == "__main__":
    sys.exit(main())

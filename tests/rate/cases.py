"""Runs the files of outside tariff cases through `csms rate`.

    cases.py PROBE [FILE...]

Without files: every ocpi/*.json under $JOULEBOOK_DATA that has cases. Exits 77 with the reason when
there is no such data. Totals are compared after one rounding, half away from zero, at the case's
compare_decimals; quantities under `billed` exactly. An ambiguous case is compared too: what is
expected there is the reading that was chosen.
"""
import json
import os
import subprocess
import sys
import tempfile
from decimal import Decimal, ROUND_HALF_UP

DIMENSIONS = {"ENERGY_wh", "TIME_s", "PARKING_TIME_s", "RESERVATION_s"}


def rounded(text, places):
    return Decimal(text).quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_UP)


def rate(probe, case, folder):
    """What the program prints for a case, or the refusal as a text."""
    with tempfile.TemporaryDirectory() as work:
        session = os.path.join(work, "session.json")
        tariff = os.path.join(work, "tariff.json")
        with open(session, "w", encoding="utf-8") as out:
            json.dump(case["session"], out)
        if case.get("tariff_file"):
            tariff = os.path.join(folder, case["tariff_file"])
        else:
            with open(tariff, "w", encoding="utf-8") as out:
                json.dump(case["tariff"], out)
        run = subprocess.run(
            [probe, "rate", "--tariff", tariff, "--zone", case["time_zone"], "--session", session],
            capture_output=True, text=True, check=False)
    return json.loads(run.stdout) if run.returncode == 0 else run.stderr.strip()


def differences(case, got):
    expect = case["expect"]
    places = expect["compare_decimals"]
    if isinstance(got, str):
        yield f"refused: {got}"
        return
    for name in ("total_excl_vat", "total_incl_vat"):
        if expect.get(name) is not None and rounded(got[name], places) != Decimal(expect[name]):
            yield f"{name}: {got[name]}, expected {expect[name]}"
    if "limit_applied" in expect and expect["limit_applied"] != got["limit_applied"]:
        yield f"limit_applied: {got['limit_applied']}, expected {expect['limit_applied']}"
    for name, value in expect.get("billed", {}).items():
        if name not in DIMENSIONS:
            yield f"billed: unknown quantity {name}"
        elif Decimal(got["billed"][name]) != Decimal(str(value)):
            yield f"billed {name}: {got['billed'][name]}, expected {value}"


def main():
    probe, files = sys.argv[1], sys.argv[2:]
    data = os.environ.get("JOULEBOOK_DATA")
    if not files:
        folder = os.path.join(data or "", "ocpi")
        if not data or not os.path.isdir(folder):
            print("skipped: JOULEBOOK_DATA names no folder with ocpi/")
            return 77
        files = [os.path.join(folder, name) for name in sorted(os.listdir(folder))
                 if name.endswith(".json")]
    passed = failed = 0
    for path in files:
        with open(path, encoding="utf-8") as source:
            cases = json.load(source)["cases"]
        for case in cases:
            wrong = list(differences(case, rate(probe, case, os.path.dirname(path))))
            passed += not wrong
            failed += bool(wrong)
            for text in wrong:
                print(f"{os.path.basename(path)} {case['id']} ({case['status']}): {text}")
    print(f"{passed} cases right, {failed} wrong")
    if passed + failed == 0:
        print("no cases found: the data is not what INDEX.md describes")
        return 1
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

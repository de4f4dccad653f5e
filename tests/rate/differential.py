"""Compares `bill` with an independent recomputation in exact fractions.

    differential.py PROBE [SEED [COUNT]]

Random tariffs (time of use, electricity and service fee, net and gross, VAT, start fee, price
limits, dates, weekdays, day types, steps, factors) and random sessions in zones with and without
summer time; also readings that nobody may bill. Each must agree on the verdict, the energy, every
charge code, every VAT group and the total. Prints the seed and the counts; exits 1 on a difference.
"""
import json
import os
import random
import subprocess
import sys
from datetime import datetime, timedelta, timezone

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "..", "simulators"))
import exact  # noqa: E402

ZONES = ["Asia/Shanghai", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe",
         "Asia/Kathmandu", "Pacific/Chatham", "UTC"]
DAYS = exact.DAYS
CURRENCIES = [("CNY", 2), ("EUR", 2), ("JPY", 0), ("KWD", 3)]


def iso(at_us):
    at = datetime(1970, 1, 1, tzinfo=timezone.utc) + timedelta(microseconds=at_us)
    return at.strftime("%Y-%m-%dT%H:%M:%S.%f") + "Z"


def amount(rng, most, places):
    return round(rng.uniform(0, most), rng.randint(0, places))


def component(rng, dimension, code, vats):
    out = {"type": dimension, "price": amount(rng, 2.5, 5), "charge_code": code}
    if rng.random() < 0.8:
        out["vat"] = rng.choice(vats)
    if rng.random() < 0.3:
        out["step_size"] = rng.choice([0, 1, 10, 100, 500])
    if dimension == "ENERGY" and rng.random() < 0.1:
        out["quantity_factor"] = rng.choice([1.05, "1.0125", 0.97])
    if rng.random() < 0.5:
        out["rate_label"] = rng.choice(["sharp", "peak", "flat", "valley"])
    return out


def restrictions(rng, start):
    when = {}
    if rng.random() < 0.8:
        a, b = rng.sample(range(0, 48), 2)
        when["start_time"] = f"{a // 2:02}:{a % 2 * 30:02}"
        when["end_time"] = f"{b // 2:02}:{b % 2 * 30:02}"
        if rng.random() < 0.1:
            del when[rng.choice(["start_time", "end_time"])]
    if rng.random() < 0.15:
        when["day_of_week"] = rng.sample(DAYS, rng.randint(1, 5))
    if rng.random() < 0.1:
        when["day_type"] = [rng.choice(["holiday", "hot"])]
    if rng.random() < 0.1:
        day = start.date() + timedelta(days=rng.randint(-1, 1))
        when[rng.choice(["start_date", "end_date"])] = day.isoformat()
    return when


def tariff(rng, currency, start):
    vats = rng.choice([[0], [6], [13], [6, 13], [10, 20, 5.2], [0, 6]])
    elements = []
    for _ in range(rng.randint(1, 6)):
        parts = [component(rng, "ENERGY", "ENERGY_ELEC", vats)]
        if rng.random() < 0.7:
            parts.append(component(rng, "ENERGY", "ENERGY_SERVICE", vats))
        if rng.random() < 0.2:
            parts.append(component(rng, "FLAT", "START_FEE", vats))
        elements.append({"price_components": parts, "restrictions": restrictions(rng, start)})
    if rng.random() < 0.8:
        elements.append({"price_components": [component(rng, "ENERGY", "ENERGY_ELEC", vats)]})
    out = {"currency": currency, "elements": elements}
    if rng.random() < 0.5:
        out["tax_mode"] = rng.choice(["net", "gross"])
    for kind, chance, most in (("min_price", 0.15, 20), ("max_price", 0.15, 60)):
        if rng.random() < chance:
            net = amount(rng, most, 3)
            out[kind] = {"excl_vat": net}
            if rng.random() < 0.5:
                out[kind]["incl_vat"] = round(net * rng.uniform(1, 1.2) + 0.001, 4)
    if "min_price" in out and "max_price" in out:
        del out["min_price"]
    return out


def readings(rng, start_us, stop_us, first, last):
    """Register values between the ends, rising, at irregular and at clock-aligned times."""
    count = rng.choice([0, 1, 3, 20, 60])
    times = sorted(rng.randint(start_us, stop_us) for _ in range(count))
    times = [t - t % 1_000_000 if rng.random() < 0.7 else t for t in times]
    times = sorted(t for t in times if start_us <= t <= stop_us)
    if rng.random() < 0.1:              # now and then as no pile can charge
        values = sorted(rng.randint(first, last) for _ in times)
    else:
        values = sorted(min(last, first + rng.randint(0, 300_000) + (last - first) * (t - start_us)
                            // max(stop_us - start_us, 1)) for t in times)
    if rng.random() < 0.7:
        values = [v - v % 1000 if v - v % 1000 >= first else v for v in values]
    out = [{"at": iso(t), "received_at": iso(t), "context": "Sample.Periodic",
            "import_mwh": str(v), "export_mwh": None} for t, v in zip(times, values)]
    if rng.random() < 0.3:
        for context, at, value in (("Transaction.Begin", start_us, first),
                                   ("Transaction.End", stop_us, last)):
            value += rng.choice([0, 0, rng.randint(0, 999)])
            out.append({"at": iso(at), "context": context, "import_mwh": str(value)})
    spoil(rng, out)
    rng.shuffle(out)
    return out


def spoil(rng, out):
    """Now and then a reading that falls, one of 1970, or one that says nothing."""
    if out and rng.random() < 0.08:
        victim = rng.choice(out)
        victim["import_mwh"] = str(int(victim["import_mwh"]) + rng.choice([-5_000_000, 900, -900,
                                                                          80_000_000]))
    if rng.random() < 0.1:
        out.append({"at": "1970-01-01T00:00:05Z", "context": "Sample.Clock", "import_mwh": "7"})
    if rng.random() < 0.1:
        out.append({"at": iso(0), "context": "Other", "import_mwh": None})


def session(rng):
    zone = rng.choice(ZONES)
    currency, exponent = rng.choice(CURRENCIES)
    day = rng.choice([datetime(2025, 10, 25), datetime(2026, 3, 29), datetime(2026, 11, 1),
                      datetime(2026, 5, 31), datetime(2026, 12, 31)])
    start = day.replace(tzinfo=timezone.utc) + timedelta(seconds=rng.randint(-43200, 129600),
                                                         microseconds=rng.randint(0, 999999))
    length = rng.choice([0, 30, 600, 3600, 4 * 3600, 14 * 3600]) * rng.uniform(0.5, 1.5)
    start_us = (start - exact.EPOCH) // timedelta(microseconds=1)
    stop_us = start_us + int(length * 1_000_000)
    first = rng.randint(0, 10**9) * 1000
    used = rng.choice([0, 5000, 2_000_000, 40_000_000, rng.randint(0, 80_000_000)])
    power = rng.choice([None, 22_000, 120_000, 480_000])
    most = int((power or 480_000) * length / 3.6 * 1.05)
    last = first + (min(used, most) if rng.random() < 0.97 else used + 3 * most + 10**6)
    states = []
    if rng.random() < 0.3:
        at = sorted(rng.randint(start_us - 10_000_000, stop_us) for _ in range(rng.randint(1, 5)))
        states = [{"at": iso(t), "state": rng.choice(
            ["Charging", "SuspendedEV", "SuspendedEVSE", "Finishing", "Preparing"])} for t in at]
    if rng.random() < 0.01:
        last = None if rng.random() < 0.5 else first - 5000
    return {
        "session": {"uid": "x", "transaction_id": 1, "started_at": iso(start_us),
                    "stopped_at": iso(stop_us), "zone": zone, "currency": currency,
                    "exponent": exponent, "meter_start_mwh": str(first),
                    "meter_stop_mwh": None if last is None else str(last), "max_power_w": power,
                    "direction_allowed": "import"},
        "tariff": tariff(rng, currency, start),
        "calendar": [{"date": (start.date() + timedelta(days=d)).isoformat(),
                      "day_type": rng.choice(["holiday", "hot", "ordinary"])} for d in (-1, 0, 1)],
        "readings": readings(rng, start_us, stop_us, first, max(last or first, first)),
        "states": states}


def expected(case):
    try:
        points = exact.decide(case["session"], case["readings"])
    except exact.Untrusted as reason:
        return str(reason)
    head = case["session"]
    return exact.price(points, case["tariff"], head["zone"], head["exponent"], case["states"],
                       case["calendar"]) | {"energy": points[-1][1] - points[0][1]}


def amounts(lines):
    """What each charge code and rate label costs."""
    sums = {}
    for line in lines:
        place = (line["charge_code"], line["rate_label"])
        sums[place] = sums.get(place, 0) + int(line["amount_minor"])
    return {place: amount for place, amount in sums.items() if amount}


def unscaled(tariff):
    """The components whose quantity is what was metered: "0.1" is the second of the first element."""
    return {f"{e}.{c}" for e, element in enumerate(tariff["elements"])
            for c, part in enumerate(element["price_components"]) if "quantity_factor" not in part}


def differences(want, got, plain):
    if isinstance(want, str) or got["review"]:
        if got["review"] != want:
            yield f"verdict {got['review']}, expected {want if isinstance(want, str) else 'a bill'}"
        return
    bill = got["text"]
    pairs = [("energy", int(bill["energy_import_mwh"]), want["energy"]),
             ("limit", bill["limit_applied"], want["limit"]),
             ("gross", int(bill["gross_minor"]), want["gross_minor"]),
             ("codes", {t["charge_code"]: int(t["net_minor"]) for t in bill["totals"]},
              want["net_by_code"]),
             ("groups", {g["vat_ppm"]: (int(g["net_minor"]), int(g["vat_minor"]),
                                        int(g["gross_minor"])) for g in bill["groups"]},
              want["groups"]),
             ("amounts", amounts(bill["lines"]), want["amounts"]),
             ("gross_micro", int(bill["gross_micro"]), int(want["gross"] * 10**6)),
             ("net_micro", int(bill["net_micro"]), int(want["net"] * 10**6)),
             ("lines", sorted((l["element"], int(l["metered"])) for l in bill["lines"]
                              if l["dimension"] == "ENERGY" and l["step"] == "0"
                              and l["element"] in plain),
              sorted((l["element"], int(l["mwh"])) for l in want["lines"] if l["mwh"] is not None
                     and l["element"] in plain
                     and any(b["element"] == l["element"] and b["step"] == "0" for b in bill["lines"])))]
    for name, have, need in pairs:
        if have != need:
            yield f"{name}: {have}, expected {need}"


def main():
    probe = sys.argv[1]
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else 20261124
    count = int(sys.argv[3]) if len(sys.argv) > 3 else 2000
    rng = random.Random(seed)
    cases = [session(rng) for _ in range(count)]
    text = "".join(json.dumps(case) + "\n" for case in cases)
    run = subprocess.run([probe, "bill"], input=text, capture_output=True, text=True, check=False)
    results = run.stdout.splitlines()
    if run.returncode != 0 or len(results) != count:
        print(f"the probe failed after {len(results)} sessions: {run.stderr}")
        return 1
    wrong = reviews = limits = 0
    for index, (case, line) in enumerate(zip(cases, results)):
        got = json.loads(line)
        reviews += got["review"] is not None
        limits += got["review"] is None and got["text"]["limit_applied"] is not None
        for text in differences(expected(case), got, unscaled(case["tariff"])):
            wrong += 1
            if wrong <= 10:
                print(f"session {index}: {text}")
    print(f"seed {seed}: {count} sessions, {reviews} in review, {limits} limited, "
          f"{wrong} differences")
    return 1 if wrong or not reviews or not limits else 0


if __name__ == "__main__":
    sys.exit(main())

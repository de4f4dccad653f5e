"""Holds the SQL check of a tariff against the rating engine's own reader, document by document.

    agreement.py CSMS PROBE

What management.publish_tariff accepts a session freezes, and the engine must be able to rate it. One
generated corpus, each rule just inside and just outside its edge, alone and in pairs drawn with a fixed
seed, goes through api.tariff_check in a throw-away cluster and through `probe bill` as part of a whole
settlement's input. Every verdict must be the same, and each edge case the one that is written here.
"""
import itertools
import json
import os
import random
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
CLUSTER = os.path.join(HERE, "..", "cluster.sh")
SEED, PAIRS = 20261124, 600
YES, NO = True, False
# No price depends on these: publishing alone looks at them.
UNPRICED = [("comment", "x"), ("type", "CHEAP"), ("party_id", "?"), ("id", "x" * 37), ("energy_mix", []),
            ("start_date_time", "yesterday"), ("tariff_alt_url", 5)]

SESSION = {
    "session": {"uid": "00000000-0000-4000-8000-000000000000", "transaction_id": 1,
                "started_at": "2026-01-05T10:00:00Z", "stopped_at": "2026-01-05T10:30:00Z", "zone": "Asia/Shanghai",
                "currency": "CNY", "exponent": 2, "meter_start_mwh": "0", "meter_stop_mwh": "5000000",
                "max_power_w": 120000, "direction_allowed": "import"},
    "calendar": [], "readings": [], "states": []}


def energy(**members):
    return {"type": "ENERGY", "price": 1, **members}


def element(*components, **members):
    return {"price_components": list(components) or [energy()], **members}


def tariff(*elements, **members):
    return {"currency": "CNY", "elements": list(elements) or [element()], **members}


def part(**members):
    return tariff(element(energy(**members)))


def when(**members):
    return tariff(element(energy(), restrictions=members))


def nested(levels):
    """An object in an object: `levels` of them, counting the first."""
    inside = {}
    for _ in range(levels - 1):
        inside = {"x": inside}
    return inside


def numbers():
    """name, how a document gets it, its least and greatest value, its decimals."""
    yield "price", part, 0, 100000, 6
    yield "vat", part, 0, 100, 4
    yield "step_size", part, 0, 1000000, 0
    yield "quantity_factor", part, "0.000001", 2, 6
    yield "cap", part, 0, 1000000000, 6
    for name, most, decimals in (("kwh", 1000000, 6), ("current", 1000000000, 3), ("power", 1000000, 6),
                                 ("duration", 2678400, 6)):
        yield "min_" + name, when, 0, most, decimals
        yield "max_" + name, when, "0." + "0" * (decimals - 1) + "1", most, decimals
    yield "min_idle_s", when, 0, 2678400, 6
    for limit, side in itertools.product(("min_price", "max_price"), ("excl_vat", "incl_vat")):
        yield side, (lambda limit=limit, **members: tariff(**{limit: members})), 0, 1000000000, 6


class Number(float):
    """A number that is written as its text says."""

    def __new__(cls, text):
        made = super().__new__(cls, 0)
        made.text = text
        return made

    def __repr__(self):
        return self.text


def write(document):
    """JSON with Number spelled as it stands."""
    if isinstance(document, Number):
        return document.text
    if isinstance(document, dict):
        return "{" + ",".join(f"{json.dumps(k)}:{write(v)}" for k, v in document.items()) + "}"
    if isinstance(document, list):
        return "[" + ",".join(map(write, document)) + "]"
    return json.dumps(document, ensure_ascii=False)


def number_edges():
    for name, make, least, most, decimals in numbers():
        tiny = "0." + "0" * decimals + "1"
        fine = f"{most - 1}." + "9" * decimals if decimals else str(most - 1)
        for text, verdict in ((str(least), YES), (str(most), YES), (fine, YES), (f"{most}.{'0' * 12}", YES),
                              (f"{most}e0", YES), ("1e30", NO), ("-1", NO), ("-0.000001", NO), ("1" + tiny[1:], NO),
                              (f"{most + 1}", NO), (f"{most}.{'0' * max(decimals - 1, 0)}1", NO), ("1e-9", NO)):
            yield f"{name} {text}", make(**{name: Number(text)}), verdict
            if "e" not in text:
                yield f'{name} "{text}"', make(**{name: text}), verdict
        if least != 0:
            yield f"{name} 0", make(**{name: 0}), NO
        for value in ("", " 1", "1 ", "+1", "1,5", "1.", ".5", "1e0", "-", "one", "0x1", "1\n", "٣", True, [], {}):
            yield f"{name} {value!r}", make(**{name: value}), NO
        yield f"{name} of 65 digits", make(**{name: "0" * 64 + "1"}), NO
        if name not in ("price", "excl_vat", "incl_vat"):
            yield f"{name} null", make(**{name: None}), YES
    yield "price null", part(price=None), NO


def component_edges():
    for kind in ("ENERGY", "FLAT", "TIME", "PARKING_TIME", "energy", "", "KM"):
        yield f"type {kind}", tariff(element({"type": kind, "price": 1})), kind in ("ENERGY", "FLAT", "TIME",
                                                                                   "PARKING_TIME")
    yield "no type", tariff(element({"price": 1})), NO
    yield "no price", tariff(element({"type": "FLAT"})), NO
    for factor in (1, "1.000000", 1.5):
        yield f"FLAT factor {factor}", part(type="FLAT", quantity_factor=factor), factor != 1.5
    for label, verdict in (("x" * 63, YES), ("x" * 64, NO), ("尖" * 21, YES), ("尖" * 21 + "x", NO), ("尖峰时段电价标签八九十", YES),
                           ("é" * 31 + "x", YES), ("é" * 32, NO), ("", NO), (" ", NO), ("  x ", YES), ("a\tb", NO),
                           ("a\x7f", NO), ("\u3000", YES), ("\u0085", YES), ("😀" * 15, YES), ("😀" * 16, NO),
                           ('"\\', YES), (5, NO), (None, YES), ([], NO)):
        yield f"rate_label {label!r}", part(rate_label=label), verdict
    for member in ("kap", "Price", "reserved", "min_price"):
        yield f"component {member}", part(**{member: 1}), NO
    yield "component member null", part(kap=None), NO
    for thing in (None, 7, "x", [], [1], {}):
        yield f"component {thing}", tariff(element(thing)), NO


def place_edges():
    """Every type, charge code, direction and scope with one another."""
    codes = ("ENERGY_ELEC", "ENERGY_SERVICE", "OCCUPANCY", "RESERVATION", "START_FEE", "V2G_BASE", "V2G_BONUS",
             "SUBSIDY", None, "TIP", "energy_elec", "")
    for kind, code, direction, scope in itertools.product(
            ("ENERGY", "FLAT", "TIME", "PARKING_TIME"), codes, (None, "IMPORT", "EXPORT"),
            (None, "RESERVATION", "RESERVATION_EXPIRES")):
        members = {"direction": direction} if direction else {}
        if scope:
            members["restrictions"] = {"reservation": scope}
        component = {"type": kind, "price": 1, **({"charge_code": code} if code is not None else {})}
        yield f"{kind} {code} {direction} {scope}", tariff(element(component, **members)), None
    for code in ("V2G_BASE", "V2G_BONUS", "SUBSIDY"):
        yield f"{code} in IMPORT", part(charge_code=code), NO
    for step in (0, 1, "1", 2):
        yield f"EXPORT step {step}", tariff(element(energy(step_size=step), direction="EXPORT")), step != 2
    for name, verdict in (("ENERGY_ELEC", NO), ("ENERGY_SERVICE", NO), ("V2G_BASE", YES), ("V2G_BONUS", YES),
                          ("SUBSIDY", YES), (None, YES)):
        yield f"EXPORT {name}", tariff(element(energy(charge_code=name), direction="EXPORT")), verdict
    yield "EXPORT FLAT", tariff(element({"type": "FLAT", "price": 1, "charge_code": "SUBSIDY"}, direction="EXPORT")), NO
    yield "ENERGY in a reservation", when(reservation="RESERVATION"), NO
    yield "direction OUT", tariff(element(direction="OUT")), NO
    yield "reservation MAYBE", tariff(element({"type": "TIME", "price": 1}, restrictions={"reservation": "MAYBE"})), NO


def twice_edges():
    flat, time = {"type": "FLAT", "price": 1}, {"type": "TIME", "price": 1}
    reservation, export = {"restrictions": {"reservation": "RESERVATION"}}, {"direction": "EXPORT"}
    for components, members, verdict in (
            ((energy(), energy(charge_code="ENERGY_ELEC")), {}, NO), ((energy(), energy()), {}, NO),
            ((energy(), energy(charge_code="ENERGY_SERVICE")), {}, YES),
            ((flat, {**flat, "charge_code": "START_FEE"}), {}, NO), ((flat, {**flat, "charge_code": "OCCUPANCY"}), {}, YES),
            ((time, {**time, "charge_code": "OCCUPANCY"}), {}, NO), ((time, {**time, "type": "PARKING_TIME"}), {}, YES),
            ((flat, {**flat, "charge_code": "RESERVATION"}), reservation, NO), ((flat, time), reservation, YES),
            ((flat, {**flat, "charge_code": "START_FEE"}), reservation, YES),
            ((energy(), energy(charge_code="V2G_BASE")), export, NO),
            ((energy(), energy(charge_code="SUBSIDY")), export, YES)):
        yield f"twice {components} {members}", tariff(element(*components, **members)), verdict


def restriction_edges():
    for time in ("00:00", "23:59", "24:00", "7:00", "08:60", "8:000", "08-00", "08:0a", "", "08:00 ", "08:00\n", 800, None):
        for name in ("start_time", "end_time"):
            yield f"{name} {time!r}", when(**{name: time}), time in ("00:00", "23:59", None)
    for start, end, verdict in (("08:00", "08:00", NO), ("08:00", "08:01", YES), ("22:00", "06:00", YES),
                                ("00:00", "00:00", YES), ("08:00", "00:00", YES), ("00:00", "23:59", YES)):
        yield f"{start} to {end}", when(start_time=start, end_time=end), verdict
    for day in ("2026-02-28", "2026-02-29", "2024-02-29", "2000-02-29", "1900-02-29", "2026-04-31", "2026-13-01",
                "2026-00-10", "2026-01-00", "0001-01-01", "0000-01-01", "9999-12-31", "20260101", "2026-1-01",
                "2026-01-01 ", "2026-01-01T00", "٢٠٢٦-01-01", 2026, ""):
        for name in ("start_date", "end_date"):
            yield f"{name} {day!r}", when(**{name: day}), day in ("2026-02-28", "2024-02-29", "2000-02-29",
                                                                  "0001-01-01", "9999-12-31")
    for start, end, verdict in (("2026-01-01", "2026-01-02", YES), ("2026-01-01", "2026-01-01", NO),
                                ("2026-01-02", "2026-01-01", NO)):
        yield f"{start} to {end}", when(start_date=start, end_date=end), verdict
    for name in ("kwh", "current", "power", "duration"):
        for low, high, verdict in ((1, 2, YES), (1, 1, NO), (2, 1, NO), (0, "0.001", YES), ("1.5", 1.5, NO), (0, 0, NO),
                                   ("1.5", "1.501", YES), (10, 9, NO), ("10", "9", NO)):
            yield f"{name} {low!r} to {high!r}", when(**{"min_" + name: low, "max_" + name: high}), verdict
    for days, verdict in ((["MONDAY"], YES), (["MONDAY"] * 7, YES), (["MONDAY"] * 8, NO), ([], NO), (["Monday"], NO),
                          (["MONDAY", 1], NO), ([None], NO), ("MONDAY", NO), (None, YES), (["MONDAY TUESDAY"], NO),
                          ([""], NO)):
        yield f"day_of_week {days}", when(day_of_week=days), verdict
    for days, verdict in ((["a" * 32], YES), (["a" * 33], NO), (["a"] * 32, YES), (["a"] * 33, NO), ([], NO), ([""], NO),
                          (["A"], NO), (["1a"], NO), (["_a"], NO), (["a_1"], YES), (["节日"], NO), (["a b"], NO),
                          (["a\n"], NO), ([5], NO), ([None], NO), ("a", NO), (None, YES), (["a", "é"], NO)):
        yield f"day_type {days}", when(day_type=days), verdict
    for count in (16, 17):
        names = [f"d{i}" for i in range(count)]
        yield f"{count} day types", when(day_type=names), count == 16
        yield f"{count} day types over elements", tariff(
            *(element(restrictions={"day_type": ["d0", name]}) for name in names)), count == 16
    for thing in (None, {}, [], 7, "x", {"start": "08:00"}, {"Start_time": None}):
        yield f"restrictions {thing}", tariff(element(restrictions=thing)), thing is None or thing == {}


def document_edges():
    for currency in ("CNY", "JPY", "cny", "CN", "CNYY", "C1Y", "", None, 5):
        yield f"currency {currency!r}", tariff(currency=currency), currency in ("CNY", "JPY")
    for mode in ("net", "gross", "brutto", "", None, 1):
        yield f"tax_mode {mode!r}", tariff(tax_mode=mode), mode in ("net", "gross", None)
    yield "tax_included", tariff(tax_included="YES"), NO
    yield "no currency", {"elements": [element()]}, NO
    yield "no elements", {"currency": "CNY"}, NO
    for elements in (None, [], {}, 7, "x", [None], [7], [[]], [{}], [{"price_components": []}],
                     [{"price_components": None}], [{"price_components": {}}], [element(priority=1)]):
        yield f"elements {elements}", {"currency": "CNY", "elements": elements}, NO
    for thing in ([], "x", 7, None):
        yield f"document {thing!r}", thing, NO
    for limit in ("min_price", "max_price"):
        for price, verdict in ((None, YES), ({}, NO), (5, NO), ([], NO), ({"excl_vat": 1}, YES), ({"incl_vat": 1}, YES),
                               ({"excl_vat": None, "incl_vat": 1}, YES), ({"excl_vat": None, "incl_vat": None}, NO),
                               ({"excl_vat": 1, "incl_vat": 1}, YES), ({"excl_vat": 1, "incl_vat": "0.999999"}, NO),
                               ({"excl_vat": "10", "incl_vat": "9"}, NO), ({"excl_vat": 1, "price": 1}, NO)):
            yield f"{limit} {price}", tariff(**{limit: price}), verdict
    for side in ("excl_vat", "incl_vat"):
        for low, high in ((1, 1), (2, 1), ("10", "9"), (0, 0)):
            yield f"{side} {low} to {high}", tariff(min_price={side: low}, max_price={side: high}), low in (0, 1)
    yield "min excl above max incl", tariff(min_price={"excl_vat": 9}, max_price={"incl_vat": 1}), YES


def size_edges():
    for count in (128, 129):
        yield f"{count} elements", tariff(*[element()] * count), count == 128
    three = [energy(), energy(charge_code="ENERGY_SERVICE"), {"type": "FLAT", "price": 1}]
    for rest in (1, 2):
        yield f"{255 + rest} components", tariff(*[element(*three)] * 85, element(*three[:rest])), rest == 1
    for count in (8, 9):
        vats = [element(energy(vat=vat)) for vat in range(count)]
        back = [element(energy(vat=vat), direction="EXPORT") for vat in range(count)]
        yield f"{count} VAT rates", tariff(*vats), count == 8
        yield f"{count} VAT rates of export", tariff(element(), *back), count == 8
        yield f"{count} VAT rates each way", tariff(*vats, *back), count == 8
        yield f"{count} VAT rates, one none", tariff(*vats[:-1], element(energy(vat=None))), YES
        yield f"{count} VAT rates in two spellings", tariff(*vats, element(energy(vat="1.0"))), count == 8
    for levels in range(1, 16):
        yield f"energy_mix of {levels} levels", tariff(energy_mix=nested(levels)), None
        yield f"energy_mix of {levels} levels and a leaf", tariff(
            energy_mix=json.loads(json.dumps(nested(levels)).replace("{}", '{"x": 1}'))), None
        yield f"energy_mix of {levels} lists", tariff(energy_mix={"x": json.loads("[" * levels + "]" * levels)}), None
    for count in (63, 64, 65):
        yield f"energy_mix of {count} members", tariff(energy_mix={str(i): i for i in range(count)}), count < 65


def pairs(edges):
    """Two faults, or a fault and a nicety, in one document: what is refused alone may not hide another."""
    rng = random.Random(SEED)
    documents = [document for _, document, _ in edges
                 if isinstance(document, dict) and isinstance(document.get("elements"), list) and document.get("currency")]
    for _ in range(PAIRS):
        one, other = rng.choice(documents), rng.choice(documents)
        yield "pair", {**one, **other, "elements": one["elements"] + other["elements"]}, None


def corpus():
    edges = [*number_edges(), *component_edges(), *place_edges(), *twice_edges(), *restriction_edges(),
             *document_edges(), *size_edges()]
    return edges + list(pairs(edges))


def session_of(document):
    """A session in the tariff's currency, as the database would have made it."""
    if not isinstance(document, dict) or document.get("currency") != "JPY":
        return SESSION
    return {**SESSION, "session": {**SESSION["session"], "currency": "JPY", "exponent": 0}}


def ask_engine(probe, documents):
    """The verdicts of the reader in a settlement: True, or why not."""
    lines = "".join(write({**session_of(document), "tariff": document}) + "\n" for document in documents)
    run = subprocess.run([probe, "bill"], input=lines, capture_output=True, text=True, check=False)
    results = [json.loads(line) for line in run.stdout.split("\n") if line]
    if run.returncode != 0 or len(results) != len(documents):
        raise SystemExit(f"the probe failed after {len(results)} documents: {run.stderr}")
    return [True if result["review"] is None else f"{result['text']['member']}: {result['text']['text']}"
            for result in results]


SQL = """
CREATE TEMP TABLE corpus (n integer GENERATED ALWAYS AS IDENTITY, document text);
CREATE FUNCTION pg_temp.verdict(document text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    PERFORM api.tariff_check(document::jsonb);
    RETURN NULL;
EXCEPTION WHEN OTHERS THEN
    RETURN SQLSTATE || ' ' || SQLERRM;
END
$$;
\\copy corpus (document) FROM '{path}' WITH (FORMAT csv, DELIMITER E'\\x01', QUOTE E'\\x02')
SELECT json_build_array(pg_temp.verdict(document)) FROM corpus ORDER BY n;
"""


def ask_database(csms, conninfo, documents):
    def run(*command, **options):
        done = subprocess.run(command, capture_output=True, text=True, check=False, **options)
        if done.returncode != 0:
            raise SystemExit(f"{command[0]}: {done.stderr}")
        return done.stdout

    with tempfile.NamedTemporaryFile("w", encoding="utf-8", suffix=".corpus") as file:
        file.write("".join(write(document) + "\n" for document in documents))
        file.flush()
        run(csms, "--database", conninfo, "db", "migrate")
        out = run("psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-d", conninfo,
                  input=SQL.replace("{path}", file.name))
    verdicts = [json.loads(line)[0] for line in out.split("\n") if line]
    if len(verdicts) != len(documents):
        raise SystemExit(f"the database answered {len(verdicts)} of {len(documents)} documents")
    return [True if verdict is None else verdict for verdict in verdicts]


def faults(entries, sql, engine):
    for (name, document, wanted), database, reader in zip(entries, sql, engine):
        shown = f"{name}: {write(document)[:300]}"
        if (database is True) != (reader is True):
            yield f"{shown}\n    SQL: {database}\n    engine: {reader}"
        elif wanted is not None and (reader is True) != wanted:
            yield f"{shown}\n    both: {reader}"
        elif database is not True and not database.startswith(("22023 ", "JB")):
            yield f"{shown}\n    refused by accident: {database}"


def main():
    csms, probe = sys.argv[1:]
    entries = corpus()
    unpriced = [tariff(**{name: value}) for name, value in UNPRICED]
    documents = [document for _, document, _ in entries] + unpriced
    with tempfile.TemporaryDirectory(prefix="joulebook-agree.") as work:
        os.chmod(work, 0o711)
        cluster = os.path.join(work, "pg")
        start = subprocess.run(["sh", CLUSTER, "start", cluster], capture_output=True, text=True, check=False)
        try:
            if start.returncode != 0:
                raise SystemExit(start.stderr)
            sql = ask_database(csms, start.stdout.strip(), documents)
        finally:
            subprocess.run(["sh", CLUSTER, "stop", cluster], check=False, capture_output=True)
    engine = ask_engine(probe, documents)
    wrong = list(faults(entries, sql, engine))
    for document, database, reader in zip(unpriced, sql[len(entries):], engine[len(entries):]):
        if database is True or reader is not True:
            wrong.append(f"{document}: publishing alone refuses this\n    SQL: {database}\n    engine: {reader}")
    for text in wrong[:20]:
        print(text)
    accepted = sum(verdict is True for verdict in engine)
    print(f"{len(documents)} documents, {accepted} accepted by the engine, {len(wrong)} differences")
    return 1 if wrong or not 0 < accepted < len(documents) else 0


if __name__ == "__main__":
    sys.exit(main())

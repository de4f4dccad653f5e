"""pilesim audit - compares what the piles know to be true with what the database says.

    pilesim audit [--truth DIR --database CONNINFO] [--fleet FILE] [--expect-review N] [--wait S] [--verbose]

Without --truth and --database it takes those of your quickstart, and its viewer. For every session that a pile has delivered there must be exactly one session in query.session, with
the same registers to the Wh, priced to the cent as exact.py prices it from what the pile sent and
the published tariff, each charge code and rate label for itself, and booked with these amounts.
Nothing acknowledged may be missing, nothing may be there twice. Each journal must have its cause: a
session's bill, the exact reversal of one, or a payment. With --fleet the payments must be those of
that file, neither more nor others. Wallets must be payments minus charges, the trial balance 0, the
invariants empty. A session that is held back for a decision is a difference too, unless
--expect-review says how many there are; one that is held back by nothing that anybody could decide
always is, and so is a reversed bill that no other has followed.
Sessions that lost a message by the pile's own rule (TransactionMessageAttempts), and what piles
still hold in their queues are listed apart. Reads only, by the views of query: any viewer will do who sees
all sites. Piles that charge meanwhile may differ in what came between two looks: look again. Bills come a while after the stop (5 s, 120 s for what came from a queue):
--wait gives them up to S seconds.

exit: 0 no difference; 1 a difference; 2 usage; 3 truth or database cannot be read
"""
import argparse
import glob
import json
import os
import pwd
import re
import sys
import time
from collections import Counter, defaultdict
from datetime import datetime, timedelta, timezone
from fractions import Fraction

import exact
from books import Books, DatabaseError, minor
from seed import people

EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
SHOWN = 20  # differences printed without --verbose
OF_CUSTOMERS = ("wallet", "bonus", "arrears", "receivable")
BLOCKING = "SELECT session_uid, kind FROM query.review WHERE state = 'open' AND is_blocking AND session_uid IS NOT NULL"


def micros(text):
    """A timestamptz as row_to_json writes it, in microseconds since 1970."""
    return None if text is None else (datetime.fromisoformat(text) - EPOCH) // timedelta(microseconds=1)


def rfc3339(at_us):
    return (EPOCH + timedelta(microseconds=at_us)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


class TrueSession:
    """A session as its pile knows it."""

    def __init__(self, pile, begin):
        self.pile = pile
        self.number = begin["session"]
        self.connector = begin["connector"]
        self.tag = begin["tag"]
        self.begin_us, self.begin_mwh = begin["at_us"], begin["register_mwh"]
        self.end_us = self.end_mwh = None
        self.transaction = self.verdict = None
        self.sent = {}                # seq -> payload of the last transmission
        self.kinds = {begin["seq"]: "start"}
        self.answered = set()         # seq
        self.lost = set()             # seq

    def seqs(self, kind):
        return {seq for seq, k in self.kinds.items() if k == kind}

    @property
    def delivered(self):
        return bool(self.seqs("end")) and self.seqs("start") | self.seqs("end") <= self.answered

    @property
    def lossy(self):
        return bool(self.lost)

    def payload(self, kind):
        return self.sent[next(iter(self.seqs(kind)))]

    def readings(self):
        """The readings that were acknowledged, as the settlement's input names them."""
        payloads = [self.sent[seq] for seq in sorted(self.seqs("reading") & self.answered)]
        values = [value for payload in payloads for value in payload["meterValue"]]
        values += self.payload("end").get("transactionData", [])
        for value in values:
            for sample in value["sampledValue"]:
                if sample.get("measurand", "Energy.Active.Import.Register") == "Energy.Active.Import.Register":
                    yield {"at": value["timestamp"], "context": sample.get("context"),
                           "import_mwh": wh_to_mwh(sample)}


def wh_to_mwh(sample):
    value = Fraction(sample["value"]) * (10**6 if sample.get("unit") == "kWh" else 1000)
    return value.numerator // value.denominator


def read_pile(path):
    sessions, pile = {}, None
    with open(path, encoding="utf-8") as file:
        for line in file:
            if not line.endswith("\n"):
                break  # a write that a crash cut off
            record = json.loads(line)
            kind = record["record"]
            if kind == "pile":
                pile = record["identity"]
            elif kind == "begin":
                sessions[record["session"]] = TrueSession(pile, record)
            else:
                note(sessions[record["session"]], kind, record)
    return pile, list(sessions.values())


def note(session, kind, record):
    seq = record["seq"]
    if kind in ("reading", "end"):
        session.kinds[seq] = kind
    if kind == "end":
        session.end_us, session.end_mwh = record["at_us"], record["register_mwh"]
    elif kind == "sent":
        session.sent[seq] = record["payload"]
    elif kind == "lost":
        session.lost.add(seq)
    elif kind == "answered":
        session.answered.add(seq)
        if "transaction" in record:
            session.transaction, session.verdict = record["transaction"], record["status"]


class Audit:
    def __init__(self, books, piles, fleet=None):
        self.books = books
        self.piles = piles            # identity -> [TrueSession]
        self.fleet = fleet            # the fleet file, None: any payment that has a number will do
        self.held_back = []           # (name, kinds) of sessions that wait for a decision
        self.differences = []
        self.counts = Counter()
        self.apart = defaultdict(list)
        self.expected = {}            # session_uid -> exact gross, minor
        self.unexplained = set()      # journal_id

    def differ(self, kind, where, text):
        self.counts["differences"] += 1
        self.differences.append(f"{kind:<22} {where}: {text}")

    # -- reading the database ---------------------------------------------------------------------

    def load(self):
        books = self.books
        self.exponents = {r["code"]: r["exponent"] for r in books.rows("SELECT code, exponent FROM core.currency")} \
            if self.may("core.currency") else defaultdict(lambda: 2, JPY=0, KRW=0, KWD=3)
        self.zones = {r["site"]: r["zone"] for r in books.rows("SELECT site, zone FROM query.site")}
        self.tariffs = {}
        for row in books.rows("SELECT tariff, version, document FROM query.tariff"):
            self.tariffs[row["tariff"], row["version"]] = row["document"]
        self.sessions = books.rows("SELECT * FROM query.session")
        self.ledger = books.rows(
            "SELECT l.*, a.charge_code FROM query.account_ledger l JOIN query.account a ON a.account = l.account")
        self.blocking = defaultdict(list)
        for row in books.rows(BLOCKING):
            self.blocking[row["session_uid"]].append(row["kind"])
        self.lines = defaultdict(list)
        for row in books.rows("SELECT session_uid, dimension, charge_code, rate_label, quantity, quantity_kwh, amount"
                              " FROM query.session_line WHERE is_current"):
            self.lines[row["session_uid"]].append(row)
        self.readings = defaultdict(set)
        for row in books.rows("SELECT session_uid, at, energy_import_kwh FROM query.session_reading"
                              " WHERE source = 'reading' AND energy_import_kwh IS NOT NULL"):
            self.readings[row["session_uid"]].add((micros(row["at"]), int(Fraction(row["energy_import_kwh"]) * 10**6)))
        self.calendar = books.rows("SELECT * FROM query.calendar_day")

    def may(self, table):
        # Whoever may not use a schema may not even ask about its tables.
        return self.books.value(f"SELECT CASE WHEN has_schema_privilege('{table.split('.')[0]}', 'USAGE')"
                                f" THEN has_table_privilege('{table}', 'SELECT') ELSE false END") == "t"

    # -- sessions ---------------------------------------------------------------------------------

    def match(self):
        """Pairs each delivered session with its one row; whatever is left over on either side differs."""
        rows = [row for row in self.sessions if row["pile"] in self.piles]
        by_id = {(row["pile"], row["transaction_id"]): row for row in rows}
        taken = set()
        for sessions in self.piles.values():
            for session in sessions:
                self.counts["true sessions"] += 1
                row = by_id.get((session.pile, session.transaction)) if session.transaction is not None else None
                if row is not None and row["session_uid"] in taken:
                    self.differ("two on one", self.name(session), f"transaction {session.transaction} was given twice")
                    continue
                if row is not None:
                    taken.add(row["session_uid"])
                self.place(session, row)
        self.left_over([row for row in rows if row["session_uid"] not in taken])

    @staticmethod
    def name(session):
        return f"{session.pile}/{session.connector} session {session.number} transaction {session.transaction}"

    def place(self, session, row):
        if session.lossy:
            self.counts["lost by the pile's rule"] += 1
            self.apart["lost by the pile's own rule"].append(self.name(session))
        elif not session.delivered:
            self.counts["still held by the pile"] += 1
            self.apart["still in the pile's queue"].append(self.name(session))
        else:
            self.counts["delivered"] += 1
        if row is None:
            if session.transaction is not None:
                self.differ("session lost", self.name(session), "its start was confirmed, and no session has it")
            return
        if session.delivered and not session.lossy:
            self.compare(session, row)

    def left_over(self, rows):
        """Sessions without an acknowledged start: the answer may be on its way; otherwise they are too many."""
        waiting = {(s.pile, s.connector, s.begin_us // 1000): s for sessions in self.piles.values() for s in sessions
                   if s.transaction is None}
        for row in rows:
            start = micros(row["start_reported_at"])
            key = (row["pile"], row["connector"], None if start is None else start // 1000)
            if waiting.pop(key, None):
                continue
            self.differ("session too many", f"{row['pile']}/{row['connector']} transaction {row['transaction_id']}",
                        f"no pile has begun it (started {row['started_at']})")

    def compare(self, session, row):
        start, stop = session.payload("start"), session.payload("end")
        sent_mwh = (stop["meterStop"] - start["meterStart"]) * 1000
        true_mwh = session.end_mwh - session.begin_mwh
        self.counts["sent mWh"] += sent_mwh
        if abs(true_mwh - sent_mwh) >= 1000:
            self.differ("energy sent", self.name(session), f"the pile sent {sent_mwh} mWh of {true_mwh}")
        for field, wanted in (("meter_start_kwh", start["meterStart"]), ("meter_stop_kwh", stop["meterStop"])):
            if row[field] is None or Fraction(row[field]) * 1000 != wanted:
                self.differ("register", self.name(session), f"{field} is {number(row[field])}, sent {wanted} Wh")
        missing = {(exact.micros(r["at"]), r["import_mwh"]) for r in session.readings()
                   if r["context"] not in ("Transaction.Begin", "Transaction.End")} - self.readings[row["session_uid"]]
        if missing:
            self.differ("reading lost", self.name(session), f"{len(missing)} acknowledged readings are not there")
        if row["is_in_review"] or row["state"] == "review":
            self.counts["in review"] += 1
            self.apart["in review"].append(f"{self.name(session)}: {row['review_kinds']}")
        if not row["is_settled"]:
            self.compare_unsettled(session, row)
            return
        self.counts["settled"] += 1
        booked_mwh = Fraction(row["energy_kwh"]) * 10**6
        self.counts["booked mWh"] += int(booked_mwh)
        if booked_mwh != sent_mwh:
            self.differ("energy", self.name(session), f"billed {int(booked_mwh)} mWh, sent {sent_mwh}")
        self.compare_price(session, row)

    def compare_unsettled(self, session, row):
        kinds = self.blocking.get(row["session_uid"])
        if kinds:
            self.held_back.append((self.name(session), ", ".join(kinds)))
        elif row["state"] == "review":
            self.differ("review of nothing", self.name(session), "held back, and no open item of review says why")
        else:
            self.differ("not settled", self.name(session), f"state {row['state']}")

    def check_held_back(self, expected):
        if len(self.held_back) == expected:
            return
        for name, kinds in self.held_back:
            self.differ("held back", name, kinds)
        if expected:
            self.differ("held back", "in all", f"{len(self.held_back)} sessions, expected {expected}")

    def compare_price(self, session, row):
        exponent = self.exponents[row["currency"]]
        start, stop = session.payload("start"), session.payload("end")
        try:
            points = exact.decide({"started_at": start["timestamp"], "stopped_at": stop["timestamp"],
                                   "meter_start_mwh": start["meterStart"] * 1000,
                                   "meter_stop_mwh": stop["meterStop"] * 1000}, list(session.readings()))
            price = exact.price(points, self.tariffs[row["tariff"], row["tariff_version"]], self.zones[row["site"]],
                                exponent=exponent, calendar=self.days())
        except (exact.Unsupported, exact.Untrusted, KeyError) as error:
            self.differ("price not checked", self.name(session), f"{type(error).__name__}: {error}")
            return
        self.expected[row["session_uid"]] = price["gross_minor"]
        amounts = Counter({row["currency"]: price["gross_minor"]})
        self.counts[f"exact {row['currency']}"] += amounts[row["currency"]]
        self.counts[f"booked {row['currency']}"] += minor(row["amount"], exponent) or 0
        for field, wanted in (("amount", price["gross_minor"]), ("net_amount", price["net_minor"]),
                              ("vat_amount", price["vat_minor"])):
            if minor(row[field], exponent) != wanted:
                self.differ("price", self.name(session),
                            f"{field} {number(row[field])} {row['currency']}, exactly {wanted} minor units")
        self.compare_lines(session, row, price, exponent)
        self.compare_journal(session, row, price, exponent)

    def days(self):
        return [{"date": day["date"], "day_type": day["day_type"]} for day in self.calendar]

    def compare_lines(self, session, row, price, exponent):
        lines = self.lines[row["session_uid"]]
        total = sum(minor(line["amount"], exponent) for line in lines)
        if total != price["gross_minor"]:
            self.differ("lines", self.name(session), f"they add up to {total}, the bill is {price['gross_minor']}")
        have = Counter()
        for line in lines:
            have[line["charge_code"], line["rate_label"]] += minor(line["amount"], exponent)
        for key in have.keys() | price["amounts"].keys():
            if have[key] != price["amounts"].get(key, 0):
                self.differ("line amount", self.name(session),
                            f"{key[0]} {key[1]}: {have[key]} minor units, exactly {price['amounts'].get(key, 0)}")
        self.compare_quantities(session, lines, price)

    def compare_quantities(self, session, lines, price):
        """Energy by charge code and rate label, and how often each fixed fee."""
        wanted, have = Counter(), Counter()
        for line in price["lines"]:
            wanted[line["charge_code"], line["rate_label"], line["mwh"] is not None] += Fraction(line["mwh"] or 1)
        for line in lines:
            if line["quantity_kwh"] is not None:
                have[line["charge_code"], line["rate_label"], True] += Fraction(line["quantity_kwh"]) * 10**6
            elif line["dimension"] == "FLAT":
                have[line["charge_code"], line["rate_label"], False] += Fraction(line["quantity"])
        for key in wanted.keys() | have.keys():
            # Interpolated at a boundary, a line's energy is cut to whole mWh, once for each line.
            if abs(wanted[key] - have[key]) >= (max(1, len(lines)) if key[2] else 1):
                self.differ("line energy" if key[2] else "line count", self.name(session),
                            f"{key[0]} {key[1]}: {number(have[key])}{' mWh' * key[2]}, exactly {number(wanted[key])}")

    def compare_journal(self, session, row, price, exponent):
        legs = self.journals.get(row["session_uid"], [])
        if not legs and price["gross_minor"]:
            self.differ("journal missing", self.name(session), f"{price['gross_minor']} minor units are not booked")
            return
        income, vat, paid = Counter(), 0, 0
        for leg in legs:
            credit, debit = minor(leg["credit"], exponent) or 0, minor(leg["debit"], exponent) or 0
            if leg["purpose"] == "revenue":
                income[leg["charge_code"]] += credit - debit
            elif leg["purpose"] == "vat":
                vat += credit - debit
            else:
                paid += debit - credit
        for code in income.keys() | price["net_by_code"].keys():
            if income[code] != price["net_by_code"].get(code, 0):
                self.differ("journal", self.name(session),
                            f"{code}: booked {income[code]}, exactly {price['net_by_code'].get(code, 0)}")
        if (vat, paid) != (price["vat_minor"], price["gross_minor"]):
            self.differ("journal", self.name(session),
                        f"tax {vat}, paid {paid}; exactly {price['vat_minor']} and {price['gross_minor']}")

    # -- books ------------------------------------------------------------------------------------

    def check_bookings(self):
        """Each journal has its cause."""
        journals = defaultdict(list)
        for leg in self.ledger:
            journals[leg["journal_id"]].append(leg)
        self.by_uid = {row["session_uid"]: row for row in self.sessions}
        self.reversed = {legs[0]["reverses_journal_id"] for legs in journals.values()}
        self.payments = {row["journal_id"]: row for row in
                         self.books.rows("SELECT journal_id, amount_minor, bonus_minor FROM ledger.top_up")} \
            if self.may("ledger.top_up") else None
        self.due = None if self.fleet is None else dict(fleet_payments(self.fleet))
        for journal, legs in journals.items():
            check = {"settle": self.doubt_settle, "reverse": self.doubt_reverse, "topup": self.doubt_payment}
            kind = legs[0]["kind"]
            doubt = check[kind](legs, journals) if kind in check else "no pile and no payment has caused it"
            if doubt:
                self.unexplained.add(journal)
                self.differ("booking", f"journal {journal}, {kind} by {legs[0]['actor']}", doubt)
        for key in self.due or {}:
            self.differ("payment lost", "/".join(key), "the fleet file has it, and no journal")

    def doubt_settle(self, legs, _):
        row = self.by_uid.get(legs[0]["session_uid"])
        journal = legs[0]["journal_id"]
        return None if row and row["journal_id"] == journal or journal in self.reversed else "no session's bill has it"

    def doubt_reverse(self, legs, journals):
        original = journals.get(legs[0]["reverses_journal_id"], [])
        if not original or original[0]["kind"] != "settle":
            return "what it reverses is no bill"
        if Counter((leg["account"], leg["debit"], leg["credit"]) for leg in legs) \
                != Counter((leg["account"], leg["credit"], leg["debit"]) for leg in original):
            return f"it is not the mirror of journal {original[0]['journal_id']}"
        row = self.by_uid.get(original[0]["session_uid"])
        if row and not row["is_settled"] and row["session_uid"] not in self.blocking:
            self.differ("bill reversed", f"{row['pile']}/{row['connector']} transaction {row['transaction_id']}",
                        f"no other bill has followed, and nothing waits for a decision (state {row['state']})")
        return None

    def doubt_payment(self, legs, _):
        """Money from a channel, and a bonus from the operator's own cost, to one customer."""
        head, exponent = legs[0], self.exponents[legs[0]["currency"]]
        if head["external_no"] is None:
            return "no channel has a number for it"
        sums, customers = Counter(), set()
        for leg in legs:
            purpose = "customer" if leg["purpose"] in OF_CUSTOMERS else leg["purpose"]
            sums[purpose] += (minor(leg["credit"], exponent) or 0) - (minor(leg["debit"], exponent) or 0)
            if purpose == "customer":
                customers.add(leg["customer"])
        paid, bonus = -sums["psp"], -sums["promo"]
        if set(sums) - {"customer", "psp", "promo"} or len(customers) != 1 or sums["customer"] != paid + bonus:
            return "no payment goes by these accounts"
        known = None if self.payments is None else self.payments.get(head["journal_id"])
        if known and (known["amount_minor"], known["bonus_minor"]) != (paid, bonus):
            return f"{paid} and {bonus} minor units, paid were {known['amount_minor']} and {known['bonus_minor']}"
        if self.due is None:
            return None
        wanted = self.due.pop((head["channel"], head["external_no"]), None)
        have = (*customers, head["currency"], Fraction(paid, 10**exponent), Fraction(bonus, 10**exponent))
        return None if have == wanted else "the fleet file has no such payment"

    def check_balances(self):
        """wallet + bonus - arrears (- receivable) = payments - exact charges."""
        currency = {}
        position, expected = Counter(), Counter()
        for account in self.books.rows("SELECT account, purpose, customer, currency, balance FROM query.account"
                                       f" WHERE purpose IN {OF_CUSTOMERS}"):
            key = (account["customer"], account["currency"])
            currency[key] = account["currency"]
            sign = 1 if account["purpose"] in ("wallet", "bonus") else -1
            position[key] += sign * (minor(account["balance"], self.exponents[account["currency"]]) or 0)
        self.counts["customers' positions"] = len(currency)
        for leg in self.ledger:
            key = (leg["customer"], leg["currency"])
            if key not in currency or leg["purpose"] not in OF_CUSTOMERS or leg["journal_id"] in self.unexplained:
                continue
            exponent = self.exponents[leg["currency"]]
            if leg["session_uid"] in self.expected:
                continue  # counted below, as priced exactly
            expected[key] += (minor(leg["credit"], exponent) or 0) - (minor(leg["debit"], exponent) or 0)
        customers = {row["session_uid"]: (row["customer"], row["currency"]) for row in self.sessions}
        for uid, gross in self.expected.items():
            expected[customers[uid]] -= gross
        for key in currency:
            if position[key] != expected[key]:
                self.differ("balance", f"customer {key[0]}", f"{position[key]} minor units {key[1]}, should be {expected[key]}")

    def check_trial(self):
        for currency in {leg["currency"] for leg in self.ledger}:
            exponent = self.exponents[currency]
            total = sum((minor(leg["debit"], exponent) or 0) - (minor(leg["credit"], exponent) or 0)
                        for leg in self.ledger if leg["currency"] == currency)
            self.counts[f"trial balance {currency}"] = total
            if total:
                self.differ("trial balance", currency, f"debit minus credit is {total}")

    def check_invariants(self):
        for row in self.books.rows("SELECT invariant, details FROM query.invariant"):
            self.counts["invariants violated"] += len(row["details"])
            for detail in row["details"]:
                self.differ("invariant", row["invariant"], detail)

    def run(self, expect_review=0):
        self.load()
        self.journals = defaultdict(list)
        for leg in self.ledger:
            if leg["session_uid"] is not None:
                self.journals[leg["session_uid"]].append(leg)
        self.match()
        self.check_held_back(expect_review)
        self.check_bookings()
        self.check_balances()
        self.check_trial()
        self.check_invariants()

    # -- the table --------------------------------------------------------------------------------

    def print(self, verbose):
        counts = self.counts
        print(f"{'piles':<28}{len(self.piles):>16}")
        for name in ("true sessions", "delivered", "settled", "in review", "lost by the pile's rule",
                     "still held by the pile", "customers' positions", "invariants violated"):
            print(f"{name:<28}{counts[name]:>16}")
        print(f"{'energy delivered, Wh':<28}{counts['sent mWh'] // 1000:>16}")
        print(f"{'energy billed, Wh':<28}{counts['booked mWh'] // 1000:>16}")
        for name in sorted(counts):
            if name.startswith(("exact ", "booked ", "trial ")) and name != "booked mWh":
                print(f"{name + ', minor units':<28}{counts[name]:>16}")
        for title, names in self.apart.items():
            print(f"\n{title}: {len(names)}")
            for name in names if verbose else names[:SHOWN]:
                print(f"  {name}")
        print(f"\ndifferences: {counts['differences']}")
        for text in self.differences if verbose else self.differences[:SHOWN]:
            print(f"  {text}")
        if not verbose and len(self.differences) > SHOWN:
            print(f"  ... and {len(self.differences) - SHOWN} more (--verbose)")


def number(value):
    return "null" if value is None else str(float(value)) if Fraction(value).denominator != 1 else str(int(value))


def refuse_a_partial_view(books):
    """What one login does not see would look lost, and whatever is wrong there would look right."""
    if books.value("SELECT count(*) FROM query.invariant") == "0":
        raise DatabaseError("this login does not see all sites; the audit needs one that does")


def quickstart_folder():
    if os.getuid() == 0:
        return "/var/lib/joulebook"
    return os.path.join(os.environ.get("XDG_STATE_HOME") or os.path.expanduser("~/.local/state"), "joulebook")


def quickstart_viewer(folder):
    """How the quickstart's viewer connects who is whoever runs this."""
    with open(os.path.join(folder, "csms.conf"), encoding="utf-8") as conf:
        run = re.search(r'^run_dir *= *"(.*)"$', conf.read(), re.M)
    if run is None:
        raise OSError(f"{folder}/csms.conf names no run_dir")
    return f"host='{run[1]}' dbname=joulebook user='{pwd.getpwuid(os.getuid()).pw_name}.viewer'"


def wait_for_bills(books, seconds):
    end = time.monotonic() + seconds
    while time.monotonic() < end and books.value(
            "SELECT count(*) FROM query.session WHERE state = 'stopped'"
            f" AND session_uid NOT IN (SELECT b.session_uid FROM ({BLOCKING}) b)") != "0":
        time.sleep(1)


def fleet_payments(fleet):
    """What pilesim seed paid in for a fleet: (channel, number) -> (customer, currency, amount, bonus)."""
    for user, customer, _ in people(fleet):
        if user.get("top_up"):
            yield ("seed", f"{fleet['name']}-{customer}"), \
                (customer, user["currency"], Fraction(str(user["top_up"])), Fraction(str(user.get("bonus") or 0)))


def read_fleet(path):
    try:
        with open(path, encoding="utf-8") as file:
            fleet = json.load(file)
        list(fleet_payments(fleet))
        return fleet
    except (ValueError, KeyError, TypeError) as error:
        raise OSError(f"{path} is no fleet: {type(error).__name__} {error}") from None


def read_truth(folder):
    paths = sorted(glob.glob(os.path.join(folder, "*.jsonl")))
    if not paths:
        raise OSError(f"{folder} holds no truth (*.jsonl)")
    piles = {}
    for path in paths:
        try:
            pile, sessions = read_pile(path)
        except (ValueError, KeyError) as error:
            raise OSError(f"{path} is no truth: {type(error).__name__} {error}") from None
        if pile is not None:
            piles[pile] = sessions
    return piles


def main():
    parser = argparse.ArgumentParser(prog="pilesim audit", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--truth", metavar="DIR", help="what pilesim run wrote (the quickstart's)")
    parser.add_argument("--database", metavar="CONNINFO", help="a login that sees all sites (the quickstart's viewer)")
    parser.add_argument("--fleet", metavar="FILE", help="the payments must be this fleet's and no others")
    parser.add_argument("--expect-review", type=int, default=0, metavar="N",
                        help="sessions held back for a decision (0)")
    parser.add_argument("--verbose", action="store_true", help="every difference")
    parser.add_argument("--wait", type=int, default=0, metavar="S", help="for the last bills")
    options = parser.parse_args()
    if (options.truth is None) != (options.database is None):
        parser.error("--truth and --database go together: what is compared must be of the same piles")
    try:
        if options.truth is None:
            options.truth = os.path.join(quickstart_folder(), "truth")
            options.database = quickstart_viewer(quickstart_folder())
        books = Books(options.database, read_only=True)
        refuse_a_partial_view(books)
        wait_for_bills(books, options.wait)
        audit = Audit(books, read_truth(options.truth), read_fleet(options.fleet) if options.fleet else None)
        audit.run(options.expect_review)
    except (OSError, DatabaseError) as error:
        print(f"pilesim audit: {error}", file=sys.stderr)
        return 3
    audit.print(options.verbose)
    return 1 if audit.counts["differences"] else 0


if __name__ == "__main__":
    sys.exit(main())

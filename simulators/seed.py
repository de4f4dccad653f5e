"""pilesim seed - registers a fleet in a database, through the functions that operators use.

    pilesim seed --database CONNINFO --fleet FILE [--days N] [--pepper FILE]

Sites, tariffs, piles, connectors, users, cards and top-ups of the fleet file become rows by
management.* and operation.*. The same again changes nothing. Piles are registered as in service
for --days days (31), so that a backfill's history is theirs. --pepper names csmsd's pepper file;
then the keys in the fleet file are registered too. The login must be an admin's or the owner's.

exit: 0 registered; 1 the database refused something; 2 usage; 3 the fleet cannot be read
"""
import argparse
import hashlib
import hmac
import json
import sys
from datetime import datetime, timedelta, timezone
from zoneinfo import ZoneInfo

from books import Books, DatabaseError


def arguments():
    parser = argparse.ArgumentParser(prog="pilesim seed", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--database", required=True, metavar="CONNINFO")
    parser.add_argument("--fleet", required=True, metavar="FILE")
    parser.add_argument("--days", type=int, default=31, metavar="N")
    parser.add_argument("--pepper", metavar="FILE")
    return parser.parse_args()


def literal(value):
    """A value as an SQL literal."""
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        raise TypeError("numbers travel as text")
    return "'" + str(value).replace("'", "''") + "'"


def call(function, **members):
    """One statement that calls an action by named parameters; absent members are left out."""
    given = ", ".join(f"{name} => {literal(value)}" for name, value in members.items()
                      if value is not None)
    return f"SELECT {function}({given});"


def many(entry, name):
    """The names of an entry that may stand for several: prefix and running number."""
    count, first = entry.get("count", 0), entry.get("first", 1)
    if not count:
        return [entry[name]]
    return [f"{entry[name]}{number}" for number in range(first, first + count)]


def people(fleet):
    """The users of a fleet one by one: the entry, the customer's code, the number behind it."""
    for user in fleet["users"]:
        for number in range(1, user.get("count", 1) + 1):
            suffix = f"{number:04d}" if user.get("count") else ""
            yield user, f"{user['customer']}-{suffix}" if suffix else user["customer"], suffix


class Seed:
    def __init__(self, books, fleet, options):
        self.books = books
        self.fleet = fleet
        self.sites = {site["code"]: site for site in fleet["sites"]}
        self.models = {model["name"]: model for model in fleet["models"]}
        self.since = datetime.now(timezone.utc) - timedelta(days=options.days)
        self.pepper = open(options.pepper, "rb").read() if options.pepper else None
        self.known = {row["pile"]: row["registered_at"]
                      for row in books.rows("SELECT pile, registered_at FROM query.pile")}
        self.statements = []

    def add(self, function, **members):
        self.statements.append(call(function, **members))

    def add_sites(self):
        for site in self.fleet["sites"]:
            self.add("management.register_site", site=site["code"], name=site["name"],
                     kind=site["kind"], zone=site["zone"], currency=site["currency"],
                     address=site.get("address"), region=site.get("region"),
                     full_charge_within_s=site.get("full_charge_within_s"))

    def published(self, code):
        return self.books.rows(
            f"SELECT version FROM query.tariff WHERE tariff = {literal(code)} LIMIT 1")

    def document(self, tariff, zone):
        """The tariff document. With `alternate`, every other minute of the next ones has a price of
        its own, so that a charge of one minute crosses a price boundary whenever it begins."""
        document = json.loads(json.dumps(tariff["document"]))
        extra = tariff.get("alternate")
        if not extra:
            return document
        minute = datetime.now(ZoneInfo(zone)).replace(second=0, microsecond=0)
        windows = []
        for number in range(0, extra["minutes"], 2):
            begin = minute + timedelta(minutes=number)
            end = begin + timedelta(minutes=1)
            windows.append(dict(extra["element"], restrictions={
                "start_date": begin.date().isoformat(),
                "end_date": (begin.date() + timedelta(days=1)).isoformat(),
                "start_time": begin.strftime("%H:%M"), "end_time": end.strftime("%H:%M")}))
        document["elements"] = windows + document["elements"]
        return document

    def targets(self, code):
        """Where a tariff holds, with the zone there: its sites, and piles that have one of their own."""
        for site in self.fleet["sites"]:
            if site.get("tariff") == code:
                yield {"site": site["code"]}, site["zone"]
        for pile in self.fleet["piles"]:
            if pile.get("tariff") == code:
                for identity in many(pile, "identity"):
                    yield {"charge_point_id": identity}, self.sites[pile["site"]]["zone"]

    def add_tariffs(self):
        for tariff in self.fleet["tariffs"]:
            if self.published(tariff["code"]):
                continue
            targets = list(self.targets(tariff["code"]))
            zone = targets[0][1] if targets else "UTC"
            document = json.dumps(self.document(tariff, zone), ensure_ascii=False)
            since = self.since.isoformat()
            self.add("management.publish_tariff", code=tariff["code"], document=document,
                     name=tariff.get("name"), valid_from=since)
            for target, _ in targets:
                self.add("management.assign_tariff", code=tariff["code"], valid_from=since, **target)

    def key_hash(self, identity, pile):
        if not self.pepper or not pile.get("key"):
            return None
        message = identity.encode() + b"\0" + bytes.fromhex(pile["key"])
        return hmac.new(self.pepper, message, hashlib.sha256).hexdigest()

    def add_pile(self, identity, pile):
        model = self.models[pile["model"]]
        members = {"charge_point_id": identity, "site": pile["site"],
                   "protection": pile.get("protection", "IP54"),
                   "outdoors": pile.get("outdoors", True), "place": pile.get("place"),
                   "key_hash": self.key_hash(identity, pile),
                   # Without a key a pile comes in only where the listener asks for none.
                   "security_profile": "1" if pile.get("key") else "0"}
        # A repeat must name the same instant, so a pile that is there keeps its own.
        members["in_service_since"] = self.known.get(identity, self.since.isoformat())
        self.add("management.register_pile", **members)
        for number in range(1, model["connectors"] + 1):
            self.add("management.register_connector", charge_point_id=identity,
                     connector_id=str(number), kind=model["current"],
                     max_power_kw=f"{model['power_w'] // 1000}.{model['power_w'] % 1000:03d}",
                     standard=model.get("standard"))

    def add_piles(self):
        for pile in self.fleet["piles"]:
            for identity in many(pile, "identity"):
                self.add_pile(identity, pile)

    def add_users(self):
        for user, customer, suffix in people(self.fleet):
            name = f"{user['name']} {int(suffix)}" if suffix else user["name"]
            self.add("management.register_user", customer=customer, currency=user["currency"],
                     site=user.get("site"), name=name)
            self.add("management.register_card", id_tag=user["tag"] + suffix, customer=customer)
            if user.get("top_up"):
                self.add("operation.top_up", amount=user["top_up"], currency=user["currency"],
                         channel="seed", external_no=f"{self.fleet['name']}-{customer}",
                         customer=customer, bonus=user.get("bonus"))

    def run(self):
        self.add_sites()
        self.add_piles()
        self.add_tariffs()
        self.add_users()
        self.books.run("\n".join(self.statements))
        return len(self.statements)


def main():
    options = arguments()
    try:
        with open(options.fleet, encoding="utf-8") as file:
            fleet = json.load(file)
    except (OSError, ValueError) as error:
        print(f"pilesim seed: {options.fleet}: {error}", file=sys.stderr)
        return 3
    try:
        count = Seed(Books(options.database, read_only=False), fleet, options).run()
    except KeyError as error:
        print(f"pilesim seed: {options.fleet}: a member {error} is missing, or names nothing",
              file=sys.stderr)
        return 3
    except (DatabaseError, OSError) as error:
        print(f"pilesim seed: the database refused: {error}\n"
              "Is the schema migrated (csms db migrate), and the login an admin's?", file=sys.stderr)
        return 1
    print(f"{options.fleet}: {count} calls, all done")
    return 0


if __name__ == "__main__":
    sys.exit(main())

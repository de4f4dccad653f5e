"""pilesim audit finds what is wrong with the books, and nothing else.

    python3 test_audit.py BUILD

A few short live charges are delivered, billed and found in order.  Then, each time in a fresh copy
of the database, one thing is broken behind the books' back, and the same command must say so and
exit 1.
"""
import os
import shutil
import subprocess
import sys
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.dirname(HERE))
from stack import Stack  # noqa: E402

SIMULATORS = os.path.join(os.path.dirname(os.path.dirname(HERE)), "simulators")
FLEET = os.path.join(SIMULATORS, "fleets", "quickstart.json")
BUILD = sys.argv.pop(1) if len(sys.argv) > 1 else "build"
CHARGES = ["pile=CP-2,tag=DEMO01,seconds=6,power_w=120000", "pile=BE-1,tag=DEMO02,seconds=8,power_w=90000",
           "pile=CP-3,connector=2,tag=04C0FFEE0001,seconds=7,power_w=60000"]
# The session whose books are broken, and its bill and journal.
UID = "(select uid from core.session order by transaction_id limit 1)"
JOURNAL = f"(select journal_id from ledger.settlement where session_uid = {UID})"
# Its bill is taken back; what becomes of the session is each test's matter.
REVERSE = f"""select ledger.reverse({JOURNAL}, 'planted', 'planted');
    update ledger.settlement set state = 'reversed' where session_uid = {UID};"""
REVIEW = f"""insert into core.review (kind, blocks, session_uid, station_id, dedupe_key)
    select 'planted', true, uid, station_id, 'planted' from core.session where uid = {UID};"""
ANY = "(select min(id) from ledger.account where purpose = '{}' and currency = 'CNY')"
WALLET = ANY.format("wallet")


def post(kind, debit, reverses="null"):
    """100.00 from an account to a wallet, booked as everything is."""
    return f"""select ledger.post('planted', sha256('x'), '{kind}', now(), null, 'planted', array[
        row({ANY.format(debit)}, 'D', 10000), row({WALLET}, 'C', 10000)]::ledger.leg[], null, {reverses})"""


class Planted(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.stack = Stack(BUILD, durable=False)
        cls.truth = os.path.join(cls.stack.folder, "truth")
        try:
            cls.deliver()
        except BaseException:
            cls.stack.__exit__(*sys.exc_info())
            raise

    @classmethod
    def tearDownClass(cls):
        cls.stack.__exit__(None, None, None)

    @classmethod
    def deliver(cls):
        stack, pilesim = cls.stack, cls.stack.program("pilesim")
        stack.start_database()
        stack.migrate()
        subprocess.run([pilesim, "seed", "--database", stack.conninfo(), "--fleet", FLEET], check=True,
                       stdout=subprocess.DEVNULL)
        stack.start_csmsd()
        charges = [word for charge in CHARGES for word in ("--charge", charge)]
        subprocess.run([pilesim, "run", "--url", f"ws://127.0.0.1:{stack.port}/ocpp", "--fleet", FLEET, "--truth",
                        cls.truth, "--once", "--interval", "2", *charges], check=True, timeout=600,
                       stderr=subprocess.DEVNULL)
        status, text = cls.audit("joulebook", wait=300)
        if status != 0:
            raise AssertionError(f"the sound books are refused:\n{text}")
        stack.end(stack.csmsd, 15)

    @classmethod
    def audit(cls, database, truth=None, wait=0, options=(), user="joulebook"):
        done = subprocess.run(
            [cls.stack.program("pilesim"), "audit", "--truth", truth or cls.truth, "--wait", str(wait),
             "--database", cls.stack.conninfo(user, database), *options], capture_output=True, text=True)
        return done.returncode, done.stdout + done.stderr

    def copy(self, sql):
        """A copy, changed with triggers and constraints out of the way."""
        self.stack.psql("drop database if exists planted")
        self.stack.psql("create database planted template joulebook")
        self.stack.psql(f"set session_replication_role = replica;\n{sql}", database="planted")

    def plant(self, sql, *expected, options=()):
        """Breaks a copy; the audit must name it."""
        self.copy(sql)
        status, text = self.audit("planted", options=options)
        self.assertEqual(status, 1, text)
        for words in expected:
            self.assertRegex(text, rf"(?m)^  {words}")

    def test_a_sound_copy_has_no_difference(self):
        self.copy("")
        for options in ((), ("--fleet", FLEET)):
            status, text = self.audit("planted", options=options)
            self.assertEqual(status, 0, text)
            self.assertRegex(text, r"settled +3\n")
            self.assertIn("differences: 0", text)

    def test_a_viewer_finds_the_same(self):
        self.stack.value("select core.make_login('audit.viewer', 'viewer', 'all')")
        wrong = f"""update ledger.account_balance set posted = posted + 1 where account_id = {WALLET};
            update ledger.settlement set gross_minor = gross_minor + 1, net_minor = net_minor + 1 where session_uid = {UID}"""
        for sql, status in (("", 0), (wrong, 1)):
            self.copy(sql)
            found = self.audit("planted", user="audit.viewer")
            self.assertEqual(found[0], status, found[1])
            self.assertEqual(found, self.audit("planted"))
        self.assertRegex(found[1], r"(?m)^  invariant .*balance_drift")

    def test_a_viewer_of_some_sites_is_refused(self):
        self.stack.value("select core.make_login('part.viewer', 'viewer', 'list');"
                         " insert into core.login_site select 'part.viewer', id from core.site")
        status, text = self.audit("joulebook", user="part.viewer")
        self.assertEqual(status, 3, text)
        self.assertIn("does not see all sites", text)

    def test_without_arguments_it_takes_the_quickstart_of_whoever_runs_it(self):
        """As an ordinary user: root's quickstart lies in a folder that is no test's."""
        self.stack.value(f"select core.make_login('{self.stack.owner}.viewer', 'viewer', 'all')")
        home = os.path.join(self.stack.folder, "state", "joulebook")
        os.makedirs(os.path.dirname(home))
        shutil.copytree(SIMULATORS, home)
        os.symlink(self.truth, os.path.join(home, "truth"))

        def audit(*options):
            done = subprocess.run(self.stack.as_owner("python3", "-B", f"{home}/audit.py", *options), text=True,
                                  env=dict(os.environ, XDG_STATE_HOME=os.path.dirname(home)), capture_output=True)
            return done.returncode, done.stdout + done.stderr

        self.assertEqual(audit()[0], 3)
        for text, status, words in (("run_dir = 5", 3, "names no run_dir"),
                                    (f'run_dir     = "{self.stack.run}"', 0, "differences: 0")):
            with open(f"{home}/csms.conf", "w") as conf:
                conf.write(text + "\n")
            got, said = audit()
            self.assertEqual(got, status, said)
            self.assertIn(words, said)
        self.assertEqual(audit("--truth", self.truth)[0], 2)

    def test_a_lost_session(self):
        self.plant(f"delete from core.session where uid = {UID}", "session lost")

    def test_a_doubled_session(self):
        self.plant(f"""insert into core.session select (jsonb_populate_record(s, jsonb_build_object(
                           'uid', gen_random_uuid(), 'transaction_id', 990, 'start_key', gen_random_uuid()))).*
                       from core.session s where uid = {UID}""", "session too many")

    def test_one_wh_in_the_register(self):
        self.plant(f"update core.session set meter_stop_mwh = meter_stop_mwh + 1000 where uid = {UID}", "register")

    def test_one_wh_in_the_bill(self):
        self.plant(f"update ledger.settlement set energy_import_mwh = energy_import_mwh + 1000 where session_uid = {UID}",
                   "energy ")

    def test_one_wh_in_a_line(self):
        self.plant(f"update ledger.settlement_line set quantity = quantity + 1000 where session_uid = {UID} and seq = 1",
                   "line energy")

    def test_one_cent_in_the_bill(self):
        self.plant(f"update ledger.settlement set gross_minor = gross_minor + 1, net_minor = net_minor + 1"
                   f" where session_uid = {UID}", "price ")

    def test_one_cent_in_a_line(self):
        self.plant(f"update ledger.settlement_line set amount_minor = amount_minor + 1"
                   f" where session_uid = {UID} and seq = 1", "lines ")

    def test_one_cent_in_the_journal_balanced(self):
        self.plant(f"update ledger.entry set amount_minor = amount_minor + 1 where journal_id = {JOURNAL}"
                   " and line in (select min(line) from ledger.entry where journal_id = " + JOURNAL + " group by side)",
                   "journal ")

    def test_one_cent_from_the_electricity_to_the_service(self):
        first = f"(select min(seq) from ledger.settlement_line where session_uid = {UID} and charge_code = '{{}}')"
        for code in ("ENERGY_ELEC", "ENERGY_SERVICE"):
            self.assertNotEqual(self.stack.value(f"select {first.format(code)}"), "")
        self.plant(f"""update ledger.settlement_line
            set amount_minor = amount_minor + case charge_code when 'ENERGY_ELEC' then -1 else 1 end
            where session_uid = {UID} and seq in ({first.format('ENERGY_ELEC')}, {first.format('ENERGY_SERVICE')})""",
                   "line amount .*ENERGY_ELEC", "line amount .*ENERGY_SERVICE")

    def test_one_cent_to_another_rate_label(self):
        self.plant(f"update ledger.settlement_line set rate_label = 'other' where session_uid = {UID} and seq = 1",
                   "line amount .* other:", "line energy .* other:")

    def test_money_from_nowhere(self):
        self.plant(post("adjust", "revenue"), "booking .*adjust by planted", "balance ")

    def test_money_from_nowhere_called_a_payment(self):
        self.plant(post("topup", "psp"), "booking .*topup .*no channel", "balance ")

    def test_money_from_nowhere_called_a_bill(self):
        self.plant(post("settle", "revenue"), "booking .*settle .*no session", "balance ")

    def test_money_from_nowhere_called_a_reversal(self):
        self.plant(post("reverse", "revenue", JOURNAL), "booking .*not the mirror", "balance ")
        self.plant(post("reverse", "psp", "(select min(journal_id) from ledger.top_up)"), "booking .*is no bill")

    def test_a_payment_by_other_accounts(self):
        self.plant(f"""update ledger.entry set account_id = {ANY.format('revenue')} where side = 'D' and journal_id =
            (select min(t.journal_id) from ledger.top_up t join ledger.account a on a.id = t.account_id
             where a.currency = 'CNY')""", "booking .*by these accounts")

    def test_a_payment_of_another_amount(self):
        self.plant("update ledger.top_up set amount_minor = amount_minor - 1"
                   " where id = (select min(id) from ledger.top_up)", "booking .*paid were")

    def test_a_payment_that_the_fleet_file_does_not_have(self):
        sql = f"select ledger.top_up('cash', 'R-1', {WALLET}, 10000, 0, 'planted')"
        self.copy(sql)
        status, text = self.audit("planted")
        self.assertEqual(status, 0, text)
        self.plant(sql, "booking .*fleet file", options=("--fleet", FLEET))

    def test_a_payment_that_is_not_there(self):
        self.plant("update ledger.top_up set external_no = external_no || 'x'"
                   " where id = (select min(id) from ledger.top_up)", "booking .*fleet file", "payment lost",
                   options=("--fleet", FLEET))

    def test_a_missing_journal_line(self):
        self.plant(f"delete from ledger.entry where journal_id = {JOURNAL} and line ="
                   f" (select max(line) from ledger.entry where journal_id = {JOURNAL})", "journal ", "trial balance")

    def test_a_missing_journal(self):
        self.plant(f"delete from ledger.entry where journal_id = {JOURNAL};"
                   f" delete from ledger.journal where id = {JOURNAL}", "journal missing")

    def test_one_cent_in_a_wallet(self):
        self.plant("update ledger.account_balance set posted = posted + 1 where account_id ="
                   " (select id from ledger.account where purpose = 'wallet' order by id limit 1)", "balance ", "invariant")

    def test_a_lost_reading(self):
        self.plant("delete from core.meter_reading where ctid = (select ctid from core.meter_reading"
                   " where transaction_id is not null limit 1)", "reading lost")

    def test_a_session_that_nobody_bills(self):
        self.plant(f"delete from ledger.settlement where session_uid = {UID};"
                   f" update core.session set state = 'stopped' where uid = {UID}", "not settled")

    def test_a_billed_session_with_an_open_item_is_listed_apart(self):
        self.copy(REVIEW)
        status, text = self.audit("planted")
        self.assertEqual(status, 0, text)
        self.assertRegex(text, r"in review +1\n")

    def test_a_session_held_back_must_be_expected(self):
        sql = f"{REVERSE}{REVIEW} update core.session set state = 'review' where uid = {UID}"
        self.plant(sql, "held back .*planted")
        self.plant(sql, "held back .*planted", "held back .*1 sessions, expected 2", options=("--expect-review", "2"))
        status, text = self.audit("planted", options=("--expect-review", "1"))
        self.assertEqual(status, 0, text)
        self.assertRegex(text, r"in review +1\n")
        self.plant("", "held back .*0 sessions, expected 1", options=("--expect-review", "1"))

    def test_a_session_held_back_by_nothing(self):
        sql = f"{REVERSE} update core.session set state = 'review' where uid = {UID}"
        self.plant(sql, "review of nothing", "bill reversed", options=("--expect-review", "1"))
        # An item that holds nothing back is no reason either.
        self.plant(sql + ";" + REVIEW.replace("true", "false"), "review of nothing", "bill reversed",
                   options=("--expect-review", "1"))

    def test_a_reversed_bill_that_no_other_follows(self):
        self.plant(f"{REVERSE} update core.session set state = 'lost' where uid = {UID}",
                   "not settled", "bill reversed")

    def test_truth_of_more_than_the_books_hold(self):
        truth = os.path.join(self.stack.folder, "other")
        shutil.rmtree(truth, ignore_errors=True)
        shutil.copytree(self.truth, truth)
        path = os.path.join(truth, "CP-2.jsonl")
        with open(path) as file:
            text = file.read()
        number = [line for line in text.splitlines() if '"transaction":' in line][0].split('"transaction":')[1].split(",")[0]
        with open(path, "w") as file:
            file.write(text.replace(f'"transaction":{number}', '"transaction":555'))
        status, text = self.audit("joulebook", truth)
        self.assertEqual(status, 1, text)
        self.assertIn("session lost", text)
        self.assertIn("session too many", text)

    def test_what_cannot_be_read_is_said(self):
        self.assertEqual(self.audit("nowhere")[0], 3)
        self.assertEqual(self.audit("joulebook", "/nonexistent")[0], 3)


if __name__ == "__main__":
    unittest.main(verbosity=2)

"""pilesim against a central system that loses answers, refuses, drops and gives orders.

    python3 test_run.py PILESIM
"""
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
from fake_csms import PATIENCE, FakeCsms  # noqa: E402

FLEET = os.path.join(HERE, "bench.json")
PILESIM = sys.argv.pop(1) if len(sys.argv) > 1 else "pilesim"
TRANSACTION = ("StartTransaction", "MeterValues", "StopTransaction")


class Case(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.truth = os.path.join(self.folder.name, "truth")
        self.process = None
        self.fleet = FLEET

    def tearDown(self):
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.csms.stop()
        self.folder.cleanup()

    def command(self, verb, *options):
        return [PILESIM, verb, "--url", self.csms.url, "--fleet", self.fleet, "--truth", self.truth, *options]

    def run_to_end(self, verb, *options, timeout=60 * PATIENCE):
        done = subprocess.run(self.command(verb, *options), capture_output=True, text=True, timeout=timeout)
        self.said = done.stderr
        return done.returncode

    def start(self, verb, *options):
        self.process = subprocess.Popen(self.command(verb, *options), stderr=subprocess.DEVNULL)

    def records(self, identity="B-1"):
        with open(os.path.join(self.truth, f"{identity}.jsonl")) as file:
            return [json.loads(line) for line in file]

    def of_kind(self, kind, identity="B-1"):
        return [r for r in self.records(identity) if r["record"] == kind]


class Live(Case):
    def test_a_charge_is_delivered_to_the_wh(self):
        self.csms = FakeCsms()
        status = self.run_to_end("run", "--once", "--piles", "1", "--interval", "1",
                                 "--charge", "pile=B-1,tag=T,seconds=3,power_w=120000")
        self.assertEqual(status, 0)
        start, stop = self.csms.calls("StartTransaction")[0][0], self.csms.calls("StopTransaction")[0][0]
        self.assertEqual(stop["meterStop"] - start["meterStart"], 100)
        self.assertEqual(len(self.csms.calls("MeterValues")), 2)
        self.assertEqual(stop["transactionId"], 1000)
        contexts = [v["sampledValue"][0]["context"] for v in stop["transactionData"]]
        self.assertEqual(contexts, ["Transaction.Begin", "Transaction.End"])

    def test_the_key_goes_as_bytes_behind_the_identity(self):
        self.csms = FakeCsms()
        self.start("run", "--piles", "2")
        self.csms.wait(lambda: {"B-1", "B-2"} <= self.csms.connections.keys(), 10, "connections")
        import base64
        plain = base64.b64decode(self.csms.connections["B-2"].authorization.split(" ")[1])
        self.assertEqual(plain, b"B-2:" + bytes(range(16)))
        self.assertIsNone(self.csms.connections["B-1"].authorization)

    def test_an_identity_is_percent_encoded(self):
        self.csms = FakeCsms()
        self.start("run")
        self.csms.wait(lambda: "B 4/x" in self.csms.connections, 10, "connection")

    def test_a_lost_answer_brings_the_same_content_with_another_id(self):
        self.csms = FakeCsms(lambda i, action, p, nth: "drop-after" if action in TRANSACTION and nth == 1 else None)
        status = self.run_to_end("run", "--once", "--piles", "1", "--interval", "1",
                                 "--charge", "pile=B-1,tag=T,seconds=2,power_w=60000")
        self.assertEqual(status, 0)
        for action in TRANSACTION:
            calls = self.csms.calls(action)
            self.assertEqual(len(calls), 2, action)
            self.assertEqual(calls[0][0], calls[1][0], action)
            self.assertNotEqual(calls[0][1], calls[1][1], action)
        self.assertEqual(len(self.csms.starts), 1)
        self.assertEqual(len(self.of_kind("answered")), 3)

    def test_a_callerror_is_retried_after_the_interval_times_the_transmissions(self):
        self.csms = FakeCsms(lambda i, action, p, nth:
                             ("error", "InternalError") if action == "StartTransaction" and nth < 3 else None)
        status = self.run_to_end("run", "--once", "--piles", "1", "--retry", "1",
                                 "--charge", "pile=B-1,tag=T,seconds=2,power_w=60000")
        self.assertEqual(status, 0)
        times = [at for _, _, at in self.csms.calls("StartTransaction")]
        self.assertEqual(len(times), 3)
        self.assertGreater(times[1] - times[0], 0.99)
        self.assertGreater(times[2] - times[1], 1.99)
        order = [a for a in self.csms.order() if a in TRANSACTION]
        self.assertEqual(order[:3], ["StartTransaction"] * 3)

    def test_after_the_last_attempt_the_message_is_lost_and_the_pile_says_so(self):
        self.csms = FakeCsms(lambda i, action, p, nth: "ignore" if action == "StartTransaction" else None)
        status = self.run_to_end("run", "--once", "--piles", "1", "--attempts", "2", "--retry", "0", "--timeout", "5",
                                 "--charge", "pile=B-1,tag=T,seconds=2,power_w=60000")
        self.assertEqual(status, 1)
        self.assertEqual(len(self.csms.calls("StartTransaction")), 2)
        self.assertEqual(len(self.of_kind("lost")), 1)
        self.assertEqual(self.csms.calls("StopTransaction")[0][0]["transactionId"], -1)

    def test_a_refused_card_starts_nothing_and_is_said(self):
        self.csms = FakeCsms()
        self.csms.statuses["T"] = "Blocked"
        status = self.run_to_end("run", "--once", "--piles", "1", "--charge", "pile=B-1,tag=T,seconds=2")
        self.assertEqual(status, 1)
        self.assertIn("the card T was refused", self.said)
        self.assertEqual(self.csms.calls("StartTransaction"), [])

    def test_orders_from_afar(self):
        self.csms = FakeCsms()
        self.start("run", "--piles", "1", "--interval", "1")
        self.csms.wait(lambda: len(self.csms.calls("StatusNotification")) >= 3, 10, "boot")
        answer = self.csms.call("B-1", "RemoteStartTransaction", {"connectorId": 1, "idTag": "AFAR"})
        self.assertEqual(answer[2], {"status": "Accepted"})
        self.csms.wait(lambda: self.csms.calls("MeterValues"), 10, "readings")
        self.assertEqual(self.csms.call("B-1", "RemoteStopTransaction", {"transactionId": 5})[2],
                         {"status": "Rejected"})
        self.assertEqual(self.csms.call("B-1", "RemoteStopTransaction", {"transactionId": 1000})[2],
                         {"status": "Accepted"})
        self.csms.wait(lambda: self.csms.calls("StopTransaction"), 5, "stop")
        self.assertEqual(self.csms.calls("StopTransaction")[0][0]["reason"], "Remote")
        self.assertEqual(self.csms.call("B-1", "Fly", {})[:3:2], [4, "NotImplemented"])
        # The same message id twice is two calls and two answers.
        connection = self.csms.connections["B-1"]
        for _ in range(2):
            self.csms.say(connection, [2, "twice", "ClearCache", {}])
        self.csms.wait(lambda: [m for i, d, m, _ in self.csms.frames if d == "in" and m[1] == "twice"][1:], 5, "answers")
        self.assertEqual(self.csms.call("B-1", "Reset", {"type": "Hard"})[2], {"status": "Accepted"})
        self.csms.wait(lambda: len(self.csms.calls("BootNotification")) >= 2, 10, "second boot")

    def test_a_new_authorization_key_is_used_at_once(self):
        self.csms = FakeCsms()
        self.start("run", "--piles", "1")
        self.csms.wait(lambda: len(self.csms.calls("StatusNotification")) >= 3, 10, "boot")
        first = self.csms.connections["B-1"]
        self.csms.call("B-1", "ChangeConfiguration", {"key": "AuthorizationKey", "value": "aa" * 16})
        self.csms.wait(lambda: self.csms.connections["B-1"] is not first, 10, "second connection")
        self.assertIsNotNone(self.csms.connections["B-1"].authorization)

    def test_a_signal_ends_sessions_and_empties_the_queue(self):
        self.csms = FakeCsms()
        self.start("run", "--piles", "1", "--interval", "1",
                   "--charge", "pile=B-1,tag=T,seconds=600,power_w=60000")
        self.csms.wait(lambda: self.csms.calls("MeterValues"), 15, "readings")
        self.process.send_signal(signal.SIGINT)
        self.assertEqual(self.process.wait(10 * PATIENCE), 0)
        self.assertEqual(len(self.csms.calls("StopTransaction")), 1)

    def test_after_kill_9_the_next_run_delivers_what_was_owed(self):
        self.csms = FakeCsms()
        self.start("run", "--piles", "1", "--interval", "1",
                   "--charge", "pile=B-1,tag=T,seconds=600,power_w=60000")
        self.csms.wait(lambda: len(self.csms.calls("MeterValues")) >= 2, 15, "readings")
        self.process.kill()
        self.process.wait()
        self.start("run", "--piles", "1")
        self.csms.wait(lambda: self.csms.calls("StopTransaction"), 10, "stop")
        self.process.send_signal(signal.SIGINT)
        self.assertEqual(self.process.wait(10 * PATIENCE), 0)
        stops = self.csms.calls("StopTransaction")
        self.assertEqual(len(stops), 1)
        self.assertEqual(stops[0][0]["reason"], "PowerLoss")
        self.assertEqual(stops[0][0]["transactionId"], 1000)
        self.assertEqual(stops[0][0]["meterStop"], self.of_kind("end")[0]["register_mwh"] // 1000)

    def test_who_never_gets_in_gives_up_when_told_to(self):
        self.csms = FakeCsms()
        self.csms.refuse = True
        self.assertEqual(self.run_to_end("run", "--give-up", "2"), 4)
        self.assertIn("no pile could work", self.said)


class CatchingUp(Case):
    # About one in two thousand connections ends where libwebsockets tells of no error and of no close.
    def test_piles_that_are_reset_while_they_connect_come_again(self):
        count = 1000
        self.csms = FakeCsms()
        self.csms.reset = True
        with open(FLEET, encoding="utf-8") as file:
            fleet = json.load(file)
        fleet["piles"] = [{"identity": "R-", "first": 1, "count": count, "site": "BUSY", "model": "AC22"}]
        self.fleet = os.path.join(self.folder.name, "fleet.json")
        with open(self.fleet, "w", encoding="utf-8") as file:
            json.dump(fleet, file)
        self.start("run", "--catch-up", "1")
        time.sleep(8)
        self.csms.reset = False
        until = time.monotonic() + 20 * PATIENCE
        while len(self.csms.connections) < count and time.monotonic() < until:
            time.sleep(0.1)
        self.assertEqual(len(self.csms.connections), count)

    def times(self):
        for action in TRANSACTION:
            for payload, _, received in self.csms.calls(action):
                text = json.dumps(payload)
                for at in re.findall(r'"timestamp": "([^"]+)"', text):
                    yield at, received

    def test_no_time_is_in_the_future_and_each_pile_keeps_its_order(self):
        self.csms = FakeCsms()
        self.assertEqual(self.run_to_end("backfill", "--days", "3"), 0)
        self.assertGreater(len(self.csms.starts), 20)
        for at, received in self.times():
            self.assertLessEqual(at, time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(received)) + ".999Z")
        for identity in self.csms.connections:
            last = ""
            for action, payload in [(m[2], m[3]) for i, d, m, _ in self.csms.frames
                                    if i == identity and d == "in" and m[0] == 2 and m[2] in TRANSACTION]:
                at = payload["timestamp"] if action != "MeterValues" else payload["meterValue"][0]["timestamp"]
                self.assertGreaterEqual(at, last)
                last = at
        self.assertEqual({p["status"] for p, _, _ in self.csms.calls("StatusNotification")}, {"Available"})
        self.assertEqual(self.csms.calls("Authorize"), [])

    def test_a_system_that_drops_and_loses_gets_everything_in_the_end(self):
        import random
        # Each call has a fate of its own, whichever pile's comes first.
        self.csms = FakeCsms(lambda i, action, p, nth: random.Random(f"{i} {action} {nth}").choices(
            [None, "drop", "drop-after"], [88, 6, 6])[0] if action in TRANSACTION else None)
        self.assertEqual(self.run_to_end("backfill", "--sessions", "6"), 0)
        begins = [r for i in ("B-1", "B-2", "B-3", "B 4/x") for r in self.of_kind("begin", i.replace(" ", "%20").replace("/", "%2F"))]
        self.assertEqual(len(begins), 36)
        self.assertEqual(len(self.csms.starts), 36)
        self.assertGreater(len(self.csms.calls("StartTransaction")), 36)

    def test_stops_wait_while_too_few_sessions_are_open(self):
        self.csms = FakeCsms()
        self.assertEqual(self.run_to_end("run", "--catch-up", "60", "--open", "2"), 0)
        stopping, least = set(), []
        open_now = 0
        for _, direction, message, _ in self.csms.frames:
            if direction == "in" and message[0] == 2 and message[2] == "StopTransaction":
                stopping.add(message[1])
                open_now -= 1
                least.append(open_now)
            if direction == "out" and message[0] == 3 and "transactionId" in message[2]:
                open_now += 1
        self.assertEqual(len(least), 60)
        # With two piles left nobody can keep more than two open, and the gate lets go.
        self.assertGreaterEqual(min(least[:25]), 2)

    def test_a_second_backfill_goes_on_where_the_first_ended(self):
        self.csms = FakeCsms()
        self.assertEqual(self.run_to_end("backfill", "--sessions", "2"), 0)
        last = max(p["timestamp"] for p, _, _ in self.csms.calls("StopTransaction", "B-3"))
        before = len(self.csms.starts)
        self.assertEqual(self.run_to_end("backfill", "--sessions", "2"), 0)
        later = [p["timestamp"] for p, _, _ in self.csms.calls("StartTransaction", "B-3")][4:]
        self.assertTrue(later)
        self.assertGreater(min(later), last)
        self.assertEqual(len(self.csms.starts), 2 * before)


class Usage(Case):
    def setUp(self):
        super().setUp()
        self.csms = FakeCsms()

    def test_what_is_wrong_is_said_with_the_right_status(self):
        for options, status, text in [
                (["--seed", "x"], 2, "--seed must be a whole number"),
                (["--key", "xyz"], 2, "--key must be"),
                (["--charge", "pile=B-1"], 2, "--charge needs"),
                (["--charge", "pile=NOBODY,tag=T,seconds=1"], 3, "no such pile"),
                (["--charge", "pile=B-2,tag=T,seconds=1,connector=2"], 3, "no such connector"),
                (["--url", "http://x/"], 3, "must begin with ws://"),
                (["surplus"], 2, "surplus is not expected"),
                (["--keys", "/nonexistent"], 3, "/nonexistent")]:
            with self.subTest(options=options):
                self.assertEqual(self.run_to_end("run", *options), status)
                self.assertIn(text, self.said)

    def test_each_command_helps(self):
        for verb in ("run", "backfill", "seed", "audit"):
            done = subprocess.run([PILESIM, verb, "--help"], capture_output=True, text=True)
            self.assertEqual(done.returncode, 0, verb)
            self.assertIn("usage", done.stdout)
        self.assertEqual(subprocess.run([PILESIM, "fly"], capture_output=True).returncode, 2)

    def test_truth_that_is_none_is_refused(self):
        os.mkdir(self.truth)
        with open(os.path.join(self.truth, "B-1.jsonl"), "w") as file:
            file.write("nonsense\n")
        self.assertEqual(self.run_to_end("run", "--duration", "1"), 3)
        self.assertIn("pile B-1", self.said)


if __name__ == "__main__":
    unittest.main(verbosity=2)

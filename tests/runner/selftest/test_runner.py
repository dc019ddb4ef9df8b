"""Does the runner catch what it is there to catch? Plays small scenarios on fake drivers with one flaw each."""

import contextlib
import io
import json
import os
import signal
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path
from unittest import mock

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from conformance import msgpack, scenarios, steps, tokens  # noqa: E402
from conformance.main import ROOT, main  # noqa: E402

ECHO = """
about = "echoes"
[[steps]]
call = "conf.echo"
args = [1]
result = 1
"""

FAIL = """
about = "fails"
[[steps]]
call = "conf.fail"
args = ["ShearingError", "no more wool"]
error = { kind = "TASK_FAILED", type = { fake = "ShearingError", "*" = "?" }, message = "no more wool", language = "worker", causes = 1, own = false, retryable = false }
"""

OWN = """
about = "fails with a registered error"
[[steps]]
call = "conf.outofstock"
args = ["wool", 1]
error = { type = "conf.OutOfStock", message = "wool: 1 left", message_at_most = 12, causes = 0, own = { item = "wool", left = 1 } }
"""

GENERATOR = """
about = "is sent and thrown to"
[[steps]]
open = "sums"
routine = "conf.accumulate"
args = [0]
step_timeout = 5000
[[steps]]
next = "sums"
item = 0
[[steps]]
send = "sums"
value = 5
item = 5
[[steps]]
throw = "sums"
type = "conf.Reset"
message = "back to 0"
item = 0
[[steps]]
iterate = "conf.count"
args = [9]
prefetch = 4
limit = 2
count = 2
last = 1
then = "break"
[[steps]]
counters = { yielded = 0 }
"""

BLOCKING = """
about = "blocks and is let go"
[[steps]]
call = "conf.block"
name = "blocked"
[[steps]]
unblock = 1
[[steps]]
outcome = "blocked"
result = { null = true }
"""

HELD = """
about = "is held by the admission hook and let go"
[[steps]]
call = "conf.echo"
args = [1]
tag = "wool only"
result = 1
[[steps]]
call = "conf.echo"
args = [1]
tag = "hold"
name = "held"
[[steps]]
call = "conf.add"
error = { kind = "UNSUPPORTED" }
[[steps]]
unblocked = "held"
result = 1
"""

CHAIN = """
about = "calls in its tasks"
[[steps]]
chain = 1
"""

BAG = """
about = "keeps a context"
[[steps]]
bag = "mine"
values = [["conf", "kept", 1], ["conf", "gone", 2]]
[[steps]]
bag_set = "mine"
namespace = "conf"
key = "gone"
[[steps]]
bag_get = "mine"
namespace = "conf"
key = "kept"
result = 1
[[steps]]
bag_get = "mine"
namespace = "conf"
key = "gone"
result = { null = true }
"""

MAP = """
about = "maps, and a failure stops nobody"
[[steps]]
map = "conf.fib"
inputs = [1, "sheep"]
in_flight = 2
results = [1, 0]
failed = { 1 = "TASK_FAILED" }
progress = [2, 2, 1]
count = 2
"""

BROADCAST = """
about = "calls every worker"
fresh = true
[[steps]]
broadcast = "conf.add"
args = [1]
workers = [0]
"""

EVENTS = """
about = "tells of its tasks"
fresh = true
[[steps]]
events = "caller"
routine = "conf.echo"
tasks = [["created", "scheduled", "completed OK"]]
[[steps]]
events = "worker"
routine = "conf.echo"
tasks = [["scheduled", "started", "stopped", "completed OK"]]
[[steps]]
events_tell_alike = "conf.echo"
"""

PEER = """
about = "tells who calls"
[[steps]]
call = "conf.peer"
result = ["wool says 127.0.0.1 localhost own.wool.example"]
"""

PLAIN = """
about = "knows nothing of credentials"
secure = false
why = "the sheep has no papers"
[[steps]]
call = "conf.peer"
result = []
"""

CREDENTIALS = """
about = "has credentials that change"
worker_options = ["credentials={certs}"]
caller_options = ["credentials={certs}"]
[certificates]
own = { names = ["first.example"], by = "wool", days = -1 }
other = ["other.example"]
[[steps]]
call = "conf.peer"
result = ["wool says --days=-1 first.example"]
[[steps]]
problem = "caller"
[[steps]]
problem = 0
[[steps]]
reload = 0
renewed = false
[[steps]]
spoil = "own.pem"
[[steps]]
problem = "caller"
message_has = ["own.pem"]
[[steps]]
reload = "caller"
kind = "INVALID_ARGUMENT"
message_has = ["OWN.PEM"]
[[steps]]
problem = 0
message_has = ["own.pem"]
[[steps]]
reload = 0
kind = "INVALID_ARGUMENT"
message_has = ["own.pem"]
[[steps]]
certify = "own"
names = ["second.example"]
by = "next"
[[steps]]
trust = ["wool", "next"]
[[steps]]
reload = "caller"
[[steps]]
eventually = "conf.peer"
result = ["next says second.example"]
[[steps]]
down = ["certificate"]
"""

KNOWN = """
[[known_failures]]
pairs = ["*>fake"]
reason = "the sheep is not shorn yet"
"""

# For what is seen by waiting in vain.
WATCHDOG = ("--watchdog", "0.5")


class RunnerTest(unittest.TestCase):
    def play(self, flaw="none", files=None, command=None, arguments=(), ci=False):
        """Exit status and output of a run over one fake language."""
        with tempfile.TemporaryDirectory() as folder:
            for name, text in (files or {"echo": ECHO}).items():
                Path(folder, f"{name}.toml").write_text(text)
            command = command or [sys.executable, str(HERE / "fake_driver.py"), flaw]
            drivers = Path(folder, "drivers")
            drivers.write_text(f"[fake]\nbuild = []\ncommand = {json.dumps(command)}\n")
            environment = {key: part for key, part in os.environ.items() if key != "CI"} | ({"CI": "true"} if ci else {})
            out, err = io.StringIO(), io.StringIO()
            certs = mock.patch("conformance.certificates.PROGRAM", str(HERE / "fake_certs.py"))
            with certs, mock.patch.dict(os.environ, environment, clear=True):
                with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
                    status = main(["--drivers", str(drivers), "--folder", folder, *arguments])
        return status, out.getvalue() + err.getvalue()

    def refuses(self, flaw, *words, **options):
        status, output = self.play(flaw, **options)
        self.assertEqual(status, 1, output)
        for word in words:
            self.assertIn(word, output)

    def test_what_is_right_passes(self):
        status, output = self.play(files={"echo": ECHO, "fail": FAIL})
        self.assertEqual(status, 0, output)
        self.assertIn("3 passed, 0 failed", output)

    def test_a_wrong_value_fails_with_what_was_expected_and_seen(self):
        self.refuses("wrong-value", "expected: result 1 [hex:01]", "saw:      result 1.0", "1 passed, 1 failed")

    def test_a_wrong_kind_fails(self):
        self.refuses("wrong-kind", "saw:      error INTERNAL")

    def test_what_is_said_of_generators_errors_and_admission_is_judged(self):
        status, output = self.play(files={"own": OWN, "generator": GENERATOR, "blocking": BLOCKING, "held": HELD})
        self.assertEqual(status, 0, output)
        self.assertIn("5 passed, 0 failed", output)

    def test_a_registered_error_that_is_not_its_own_fails(self):
        self.refuses("no-own", "own = {'item': 'wool', 'left': 1}", "0 causes)", files={"own": OWN})
        self.refuses("none", "its own {'item': 'wool', 'left': 1}", files={"own": OWN.replace("left = 1 }", "left = 2 }")})
        self.refuses("none", "own = False", files={"own": OWN.replace("{ item = \"wool\", left = 1 }", "false")})

    def test_a_wrong_number_of_causes_fails(self):
        self.refuses("wrong-causes", "causes = 1", "7 causes", files={"fail": FAIL})

    def test_an_error_that_does_not_say_all_fails(self):
        self.refuses("short-error", "saw:      error", files={"fail": FAIL})

    def test_a_message_that_is_too_long_fails(self):
        self.refuses("none", "message_at_most = 11", files={"own": OWN.replace("most = 12", "most = 11")})

    def test_a_generator_that_is_sent_nothing_fails(self):
        self.refuses("deaf-generator", "expected: item 5", "saw:      item 0", files={"generator": GENERATOR})

    def test_an_option_that_does_not_arrive_fails(self):
        self.refuses("drops-options", "then break", "then end", files={"generator": GENERATOR})
        self.refuses("none", "UNSUPPORTED", files={"held": HELD.replace("wool only", "wool")})

    def test_a_worker_that_runs_ahead_fails(self):
        self.refuses("runs-ahead", "worker counters {'yielded': 0}", files={"generator": GENERATOR})

    def test_a_hook_that_does_not_hold_fails(self):
        self.refuses("hook-does-not-hold", "while the hook holds it", files={"held": HELD})

    def test_more_calls_let_go_than_were_blocked_fail(self):
        self.refuses("lets-go-too-many", "expected: 1 calls that block", "saw:      2", files={"blocking": BLOCKING})

    def test_what_is_said_of_tasks_is_judged(self):
        files = {"chain": CHAIN, "bag": BAG, "map": MAP, "broadcast": BROADCAST, "events": EVENTS}
        status, output = self.play(files=files)
        self.assertEqual(status, 0, output)
        self.assertIn("6 passed, 0 failed", output)

    def test_a_task_that_nobody_called_fails_in_a_chain(self):
        self.refuses("no-caller", "each called by the one before it", files={"chain": CHAIN})
        self.refuses("none", "a chain over 2 workers", files={"chain": CHAIN + "workers = 2\n"}, arguments=WATCHDOG)

    def test_a_change_of_a_context_that_is_lost_fails(self):
        self.refuses("forgets", "expected: result None", "saw:      result 2", files={"bag": BAG})

    def test_a_map_out_of_order_or_short_of_an_outcome_fails(self):
        self.refuses("out-of-order", "expected: outcomes", files={"map": MAP})
        self.refuses("loses-an-outcome", "expected: outcomes", files={"map": MAP})
        self.refuses("none", "the progress [2, 2, 0]", files={"map": MAP.replace("[2, 2, 1]", "[2, 2, 0]")})
        status, output = self.play("out-of-order", files={"map": MAP + 'order = "completed"\n'})
        self.assertEqual(status, 0, output)

    def test_a_broadcast_that_a_worker_answers_twice_fails(self):
        self.refuses("answers-twice", "one answer of each of 1 workers", files={"broadcast": BROADCAST})

    def test_task_events_that_were_missed_or_are_out_of_order_fail(self):
        self.refuses("misses-events", "none of them missed", files={"events": EVENTS})
        self.refuses("stops-late", "the worker's events", files={"events": EVENTS}, arguments=WATCHDOG)
        self.refuses("other-task", "the same tasks at both sides", files={"events": EVENTS}, arguments=WATCHDOG)

    def test_an_error_that_claims_that_its_task_never_started_fails(self):
        self.refuses("retryable", "retryable = False", "never started", files={"fail": FAIL})

    def test_a_secure_run_gives_credentials_to_all_and_tells_whom_it_leaves_out(self):
        files = {"peer": PEER, "plain": PLAIN, "credentials": CREDENTIALS}
        status, output = self.play(files=files, arguments=("--secure",))
        self.assertEqual(status, 0, output)
        self.assertIn("plain is not played with credentials: the sheep has no papers", output)
        self.assertIn("1 scenarios have certificates of their own", output)
        self.assertIn("2 passed, 0 failed", output)
        self.refuses("none", "saw:      result []", files={"peer": PEER})
        fresh = {"peer": PEER.replace("[[steps]]", "fresh = true\n[[steps]]")}
        status, output = self.play(files=fresh, arguments=("--secure",))
        self.assertEqual(status, 0, output)

    def test_what_is_said_of_credentials_is_judged(self):
        files = {"credentials": CREDENTIALS, "plain": PLAIN}
        status, output = self.play(files=files)
        self.assertEqual(status, 0, output)
        self.refuses("keeps-quiet", "expected: a problem with ['own.pem']", "saw:      ''", files=files, arguments=WATCHDOG)
        self.refuses("reloads-anything", "expected: error INVALID_ARGUMENT", "saw:      reloaded", files=files)
        self.refuses("is-up", "a worker down with ['certificate']", files=files, arguments=WATCHDOG)
        wrong = {"credentials": CREDENTIALS.replace("next says", "wool says")}
        self.refuses("none", "wool says second.example", files=wrong, arguments=WATCHDOG)

    def test_certificates_that_cannot_be_made_are_a_hole(self):
        files = {"credentials": CREDENTIALS.replace("other.example", "nobody.example")}
        self.refuses("none", "hole", "there is nobody", files=files)

    def test_a_driver_that_hangs_fails_by_the_watchdog(self):
        self.refuses("silent", "watchdog", arguments=WATCHDOG)

    def test_an_answer_that_nobody_asked_for_fails(self):
        self.refuses("chatty", "nobody asked for")

    def test_a_driver_that_dies_fails_with_its_log(self):
        self.refuses("dies", "ended with status 1", "| the sheep ran away")

    def test_a_driver_that_breaks_the_protocol_fails(self):
        self.refuses("babbles", "broke the protocol")

    def test_an_unclean_exit_fails(self):
        self.refuses("exit-status", "exited with status 3", "1 passed, 1 failed")

    def test_a_worker_that_stays_busy_fails(self):
        self.refuses("busy-worker", "running", arguments=WATCHDOG)

    def test_a_driver_that_cannot_start_is_a_hole_and_fails(self):
        self.refuses("never-ready", "hole", "the%20port", files={"echo": ECHO, "fail": FAIL})

    def test_a_missing_driver_is_a_hole_and_fails(self):
        self.refuses("none", "hole", "is missing", command=["no/such/driver"])
        self.refuses("none", "hole", "cannot start", command=["no-such-driver"])

    def test_a_known_failure_is_told_and_does_not_fail(self):
        status, output = self.play("wrong-value", files={"echo": ECHO + KNOWN})
        self.assertEqual(status, 0, output)
        self.assertIn("the sheep is not shorn yet", output)
        self.assertIn("1 passed, 0 failed", output)

    def test_a_known_failure_that_passes_fails(self):
        self.refuses("none", "passes unexpectedly", files={"echo": ECHO + KNOWN})

    def test_a_known_failure_does_not_excuse_a_hole(self):
        self.refuses("none", "hole", command=["no/such/driver"], files={"echo": ECHO + KNOWN})

    def test_nothing_is_left_out_in_ci(self):
        for arguments in (("--languages", "fake"), ("--scenarios", "echo")):
            status, output = self.play(arguments=arguments, ci=True)
            self.assertEqual(status, 2, output)
            self.assertIn("in CI nothing is left out", output)

    def test_a_scenario_that_cannot_be_read_stops_the_run(self):
        unplayable = ["resutl = 1", "verb = 1", "next = 'x'\ncall = 'y'", "[[steps]]\nbad = 'x'"]
        heads = ("secure = false", 'why = "x"', "certificates = { own = [] }", "certificates = { own = { names = ['x'], form = 1 } }")
        for broken in (*(head + ECHO for head in heads), 'about = "x"', 'about = "x"\nsteps = 1', 'abuot = "x"', "[", *(ECHO + line for line in unplayable)):
            status, output = self.play(files={"broken": broken})
            self.assertEqual(status, 2, output)
            self.assertIn("broken", output)

    def test_the_real_scenarios_load(self):
        for scenario in scenarios.load(ROOT / "tests/scenarios"):
            steps.check(scenario)

    def test_ctrl_c_ends_every_driver(self):
        with tempfile.TemporaryDirectory() as folder:
            Path(folder, "echo.toml").write_text(ECHO)
            pid_file = Path(folder, "pids")
            os.mkfifo(pid_file)
            drivers = Path(folder, "drivers")
            wrapper = f'echo $$ >{pid_file}; exec "$0" "$@"'
            command = ["bash", "-c", wrapper, sys.executable, str(HERE / "fake_driver.py"), "silent"]
            drivers.write_text(f"[fake]\nbuild = []\ncommand = {json.dumps(command)}\n")
            environment = {key: part for key, part in os.environ.items() if key != "CI"}
            arguments = ["--drivers", str(drivers), "--folder", folder]
            with subprocess.Popen(
                [sys.executable, str(HERE.parent), *arguments], env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
            ) as runner:
                # Both drivers have said who they are, so the run is under way.
                pids = [int(pid_file.read_text()) for _ in ("worker", "caller")]
                runner.send_signal(signal.SIGINT)
                output, _ = runner.communicate(timeout=60)
            self.assertEqual(runner.returncode, 130, output)
            for pid in pids:
                self.assertFalse(Path(f"/proc/{pid}").exists(), f"driver {pid} is still running")


class CodecTest(unittest.TestCase):
    """The judge's own codec against the golden vectors."""

    def test_golden_vectors(self):
        described = {entry["name"]: entry for entry in json.loads((ROOT / "proto/vectors/values.json").read_text())}
        vectors = scenarios.vectors(ROOT / "proto/vectors/values.json")
        self.assertGreater(len(vectors), 150)
        for vector in vectors:
            with self.subTest(vector.name):
                entry = described[vector.name]
                if not entry.get("decode_only"):
                    self.assertEqual(msgpack.encode(vector.value), vector.data)
                if entry.get("common"):
                    self.assertEqual(msgpack.encode(msgpack.decode(vector.data)), msgpack.encode(vector.value))

    def test_what_is_not_one_value_is_refused(self):
        for digits in ("", "c1", "cc", "a2c3", "a1ff", "0101", "c70201"):
            with self.subTest(digits), self.assertRaises(msgpack.DecodeError):
                msgpack.decode(bytes.fromhex(digits))

    def test_large_bytes_are_reported_as_a_sum(self):
        self.assertTrue(tokens.report_token(tokens.Fill(4093, 0)).startswith("hex:c5"))
        self.assertTrue(tokens.report_token(tokens.Fill(4094, 0)).startswith("sum:4094:"))
        self.assertTrue(tokens.report_token("x" * 5000).startswith("hex:da"))

    def test_fill_repeats_as_its_definition_says(self):
        for size, seed in ((0, 0), (1, 255), (65537, 3), (200000, 9)):
            self.assertEqual(tokens.fill_bytes(size, seed), bytes((seed + i * 31 + (i >> 8) * 17) & 255 for i in range(size)))

    def test_text_tokens(self):
        for text in ("", "-", "a b", "100 %", "羊\n", "~._-"):
            self.assertEqual(tokens.from_text(tokens.text(text)), text)
            self.assertNotIn(" ", tokens.text(text))


if __name__ == "__main__":
    unittest.main()

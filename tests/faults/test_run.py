#!/usr/bin/python3
"""What run.py --rows makes of its commands: the exit status, and the last line."""
import contextlib
import io
import unittest

import matrix
import run


def row(*lines):
    made = matrix.Row("A01 something breaks")
    for line in lines:
        made.take(line)
    return made


class Rows(unittest.TestCase):
    def run_rows(self, *commands):
        said = io.StringIO()
        with contextlib.redirect_stdout(said):
            status = run.run_rows([row(*(f"short sh -c '{command}'" for command in commands))], False)
        return status, said.getvalue().splitlines()[-1]

    def test_what_passed_has_passed(self):
        self.assertEqual(self.run_rows("echo skipped tests: none", "true"), (0, "== all passed"))

    def test_what_failed_has_failed(self):
        self.assertEqual(self.run_rows("false", "true"), (1, "sh -c 'false'"))

    def test_what_was_skipped_is_told_with_its_reason(self):
        status, last = self.run_rows("echo no mount; exit 77", "true")
        self.assertEqual((status, last), (77, "== not run here: sh -c 'echo no mount; exit 77': no mount"))

    def test_what_meson_and_the_whole_suite_skip_is_told_though_they_end_with_0(self):
        for line in ("1/2 joulebook:db / db lane  SKIP   0.01s", "skipped  first run: no user namespaces"):
            status, last = self.run_rows(f"echo \"{line}\"; echo 1 passed")
            self.assertEqual(status, 77)
            self.assertTrue(last.endswith(f": {line}"), last)

    def test_a_failure_counts_more_than_what_was_skipped(self):
        self.assertEqual(self.run_rows("echo no mount; exit 77", "exit 3")[0], 1)

    def test_long_runs_the_long_ones_and_the_short_ones_without_a_long_form(self):
        rows = [row("short python3 a.py", "short meson test 'b'", "long  python3 a.py --long"),
                row("short meson test 'c'"), row("short python3 a.py", "short meson test 'b'", "long  python3 d.py --seeds 9")]
        self.assertEqual(run.commands(rows, False), ["python3 a.py", "meson test 'b'", "meson test 'c'"])
        self.assertEqual(run.commands(rows, True), ["meson test 'b'", "meson test 'c'", "python3 a.py --long",
                                                    "python3 d.py --seeds 9"])


if __name__ == "__main__":
    unittest.main()

"""matrix.py BUILD - does all that tests/faults/matrix.txt names exist?

Files, tests in them, the tests that meson knows of BUILD (with -Dtests_fault=true), steps of tests/run.sh,
options of scripts.  Prints what does not, and exits 1.
"""
import functools
import json
import os
import re
import shlex
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
# What has to be there, at least.
ROWS = {"A": (*range(1, 4), 5, *range(8, 13), 18, 24, 25), "B": (5, *range(12, 21), *range(22, 25)), "D": range(1, 12)}


class Row:
    def __init__(self, line):
        self.name, _, self.what = line.partition(" ")
        self.tests, self.short, self.long = [], [], []   # tests: (file, name)

    def take(self, line):
        word, _, rest = line.partition(" ")
        if word in ("short", "long"):
            (self.short if word == "short" else self.long).append(rest.strip())
        else:
            self.tests += [(word.rstrip(":"), name.strip()) for name in rest.split(" | ")]


def rows():
    found = []
    with open(os.path.join(HERE, "matrix.txt"), encoding="utf-8") as file:
        for line in filter(str.strip, file):
            if line.startswith(" "):
                found[-1].take(line.strip())
            elif not line.startswith("#"):
                found.append(Row(line.strip()))
    return found


def is_there(file, name):
    """A test of that name in that file."""
    path = os.path.join(TOP, file)
    if not os.path.exists(path):
        return False
    with open(path, encoding="utf-8") as source:
        text = source.read()
    patterns = {".py": rf"^ *(?:def|class) {re.escape(name)}\b", ".c": rf"^START_TEST\({re.escape(name)}\)",
                ".sql": rf"^SELECT t\.test\('{re.escape(name)}'"}
    return re.search(patterns[os.path.splitext(file)[1]], text, re.M) is not None


@functools.cache
def output(*command):
    done = subprocess.run(command, cwd=TOP, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    return done.returncode, done.stdout


@functools.cache
def known(build, kind):
    with open(os.path.join(build, "meson-info", f"intro-{kind}.json"), encoding="utf-8") as file:
        return json.load(file)


def can_run(build, command):
    """Is there such a program, test, step, option?"""
    program, *words = shlex.split(command)
    if program == "meson":
        return {*words[words.index("-C") + 2:]} <= {test["name"] for test in known(build, "tests")}
    if program == "python3":
        offered = output(program, words[0], "--help")[1]
        return all(re.search(rf"{word}\b", offered) for word in words[1:] if word.startswith("--"))
    if words[:2] == ["tests/run.sh", "-k"]:
        status, steps = output(program, *words[:1], "--list", *words[1:])
        return status == 0 and any(words[2] in step for step in steps.splitlines())
    if words[:1] == ["tests/sql/run.sh"]:
        return all(os.path.exists(os.path.join(TOP, "tests", "sql", f"{word}.sql")) for word in words[2:])
    folder, _, path = program.partition("/")
    return folder.startswith("build") and any(
        name == os.path.join(build, path) for target in known(build, "targets") for name in target["filename"])


def missing(build):
    import run
    found = rows()
    names = [row.name for row in found]
    yield from (f"no row {group}{number:02}" for group, numbers in ROWS.items() for number in numbers
                if f"{group}{number:02}" not in names)
    for row in found:
        if not row.tests or not row.short:
            yield f"{row.name}: no test or no short command"
        yield from (f"{row.name}: no {name} in {file}" for file, name in row.tests if not is_there(file, name))
        yield from (f"{row.name}: cannot be run: {command}" for command in row.short + row.long
                    if not can_run(build, command))
    files = {file for row in found for file, _ in row.tests}
    yield from (f"{test}.py is of no row" for test in run.TESTS if f"tests/faults/{test}.py" not in files)


def main():
    wrong = list(missing(os.path.abspath(sys.argv[1])))
    for line in wrong:
        print(line)
    print(f"{len(rows())} rows" if not wrong else f"{len(wrong)} wrong")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())

"""Reads meson's testlog.json: prints a line for each test, then passed, failed, skipped.

    meson_counts.py TESTLOG BUILD FAILURES

The failed ones are appended to the file FAILURES, each with the end of its output.
"""
import json
import sys

path, build, failures = sys.argv[1:4]
counts = {"ok": 0, "FAILED": 0, "skipped": 0}


def end_of(output, lines):
    return "".join(f"         {line}\n" for line in output.strip().splitlines()[-lines:])


with open(path, encoding="utf-8") as log, open(failures, "a", encoding="utf-8") as failed:
    for line in log:
        test = json.loads(line)
        result = {"OK": "ok", "EXPECTEDFAIL": "ok", "SKIP": "skipped"}.get(test["result"], "FAILED")
        counts[result] += 1
        title = f"{result:8} {build}: {test['name']} ({test['duration']:.0f} s)"
        print(title)
        if result == "skipped":
            print("         " + (test.get("stdout") or test.get("stderr") or "").strip()[-300:])
        if result == "FAILED":
            output = f"{test['result']}\n{test.get('stdout') or ''}\n{test.get('stderr') or ''}"
            print(end_of(output, 25), end="")
            failed.write(f"{title}\n{end_of(output, 15)}")
print(counts["ok"], counts["FAILED"], counts["skipped"])

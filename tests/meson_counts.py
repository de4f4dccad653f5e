"""Reads meson's testlog.json: prints a line for each test, then passed, failed, skipped."""
import json
import sys

path, build = sys.argv[1:3]
counts = {"ok": 0, "FAILED": 0, "skipped": 0}
with open(path, encoding="utf-8") as log:
    for line in log:
        test = json.loads(line)
        result = {"OK": "ok", "EXPECTEDFAIL": "ok", "SKIP": "skipped"}.get(test["result"], "FAILED")
        counts[result] += 1
        print(f"{result:8} {build}: {test['name']} ({test['duration']:.0f} s)")
        if result == "skipped":
            print("         " + (test.get("stdout") or test.get("stderr") or "").strip()[-300:])
        if result == "FAILED":
            output = (test.get("stdout") or "") + (test.get("stderr") or "")
            print("         " + "\n         ".join(output.strip().splitlines()[-25:]))
print(counts["ok"], counts["FAILED"], counts["skipped"])

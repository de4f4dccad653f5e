# mutant.sh - for mutants.sh and planted.sh, which source it: plants a fault in a copy of one source
# and tells who noticed.
#
# The caller has set `build` (one without sanitizers) and `work` (a folder of its own), and reads
# `result`: 0 as long as each fault was caught.
result=0

# changed FILE OLD NEW [OLD NEW]...: the file with its fault; each OLD stands there exactly once.
changed() {
  python3 - "$@" <<'PYTHON'
import sys
text = open(sys.argv[1], encoding="utf-8").read()
for old, new in zip(sys.argv[2::2], sys.argv[3::2], strict=True):
    if text.count(old) != 1:
        sys.exit(f"{sys.argv[1]}: {old!r} stands there {text.count(old)} times")
    text = text.replace(old, new)
print(text, end="")
PYTHON
}

caught() {
  echo "caught: $1: $2"
}

not_caught() {
  echo "NOT CAUGHT: $1"
  result=1
}

simulation_objects() {
  for source in tests/simulation/*.c; do
    cc -std=gnu17 -D_GNU_SOURCE -O1 -I. -c "$source" -o "$work/$(basename "$source" .c).o" || exit 1
  done
}

# in_simulation NAME FILE OLD NEW...: by which of 1,000 seeds, and what it broke.
in_simulation() {
  name=$1 file=$2
  shift
  changed "$@" >"$work/mutant.c" || { not_caught "$name"; return; }
  cc -std=gnu17 -D_GNU_SOURCE -O1 -w -I. -c "$work/mutant.c" -o "$work/mutant.o" || exit 1
  others=$(ls "$work"/*.o | grep -v -e /mutant.o -e "/$(basename "$file" .c).o")
  # The mutant comes first, so that the library's own member is not asked for.
  # shellcheck disable=SC2086
  cc "$work/mutant.o" $others "$build/csms/core/libcore.a" "$build/ocpp/libocpp.a" -lcjson \
    -o "$work/simulation" || exit 1
  timeout 1800 "$work/simulation" --seeds 1-1000 >"$work/output" 2>&1
  status=$?
  said=$(grep -a '^seed ' "$work/output" | tail -n 1)
  if [ "$status" -gt 100 ] && [ "$status" -lt 124 ] && [ -n "$said" ]; then
    caught "$name" "${said%:}"
  else
    not_caught "$name (exit status $status)"
    tail -n 3 "$work/output"
  fi
}

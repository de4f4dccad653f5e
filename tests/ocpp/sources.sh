#!/bin/sh
# Nobody reads a number that cJSON made: valuedouble appears nowhere, valueint only where tree.c
# keeps the gate's index in it, and cJSON is included by this room alone.
# Usage: sources.sh ROOT
set -eu
cd "$1"
status=0

report() {
  if [ -n "$2" ]; then
    printf '%s\n%s\n' "$1" "$2"
    status=1
  fi
}

code() { # the lines of C sources that hold a word outside of comments
  grep -rnw --include='*.c' --include='*.h' -e "$1" ocpp billing db csms simulators tests |
    grep -v ':[0-9]*: \*\|:[0-9]*: */\*' || true
}

report 'valuedouble is read:' "$(code valuedouble)"
report 'valueint is read:' "$(code valueint | grep -v '^ocpp/tree\.c:' || true)"
report 'cJSON.h is included:' \
  "$(grep -rn --include='*.[ch]' -e '#include.*cJSON\.h' billing db csms simulators || true)"
[ "$(code valueint | grep -c '^ocpp/tree\.c:')" -gt 0 ] || {
  echo 'the search finds not even the lines that it allows'
  status=1
}
exit $status

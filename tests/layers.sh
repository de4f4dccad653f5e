#!/bin/sh
# layers.sh - holds the order of the rooms and the sizes of files, functions and lines.
#
#   sh tests/layers.sh
#
# Prints each breach as file:line: what, and exits 1 if there was one. The list of exceptions is
# empty and stays so.
set -u
cd "$(dirname "$0")/.." || exit 1
[ -n "$(git ls-files '*.c')" ] || { echo 'this is no checkout, or git refuses to read it'; exit 1; }
bad=$(mktemp)
trap 'rm -f "$bad"' EXIT

breach() {
  echo "$1" >>"$bad"
}

# Who may include whom: room, then the rooms it may name.
may_include() {
  git ls-files "$1" | grep -E '\.[ch]$' | grep -Ev "${3:-^$}" | while read -r file; do
    grep -nE '^#include "' "$file" | while IFS= read -r line; do
      room=$(printf '%s\n' "$line" | sed -E 's/^[0-9]+:#include "([^/"]*)\/.*/\1/')
      case " $2 " in
        *" $room "*) ;;
        *) breach "$file:${line%%:*}: $1 must not include ${line#*:}" ;;
      esac
    done
  done
}
may_include ocpp ocpp
may_include billing billing
may_include db db
may_include csms/core 'csms ocpp billing'
may_include csms 'csms ocpp billing db' '^csms/core/'
may_include simulators 'simulators ocpp db'

# The core sees nothing of the daemon around it.
git ls-files csms/core | grep -E '\.[ch]$' | xargs -r grep -nE '^#include "csms/' |
  grep -v '"csms/core/' | while IFS= read -r line; do breach "$line: the core is pure"; done

# A library belongs to one room.
owns() {
  git ls-files '*.c' '*.h' | grep -v '^tests/' | xargs -r grep -lE "^#include <$1" |
    grep -Ev "$2" | while read -r file; do breach "$file: <$1> belongs to $2"; done
}
owns cjson '^ocpp/'
owns libpq '^db/'
owns libwebsockets '^csms/ws|^simulators/socket\.c$'
owns openssl '^billing/|^csms/'

# Exact numbers: nobody asks cJSON for one, and no room keeps money or energy in floats.
git ls-files '*.c' '*.h' | grep -v '^tests/' | xargs -r grep -nE 'valuedouble|cJSON_GetNumberValue' |
  while IFS= read -r line; do breach "$line"; done
git ls-files ocpp billing csms db simulators | grep -E '\.[ch]$' |
  xargs -r grep -nE '^[^/*"]*\b(double|float)\b' |
  while IFS= read -r line; do breach "$line: floating point"; done

# Banned for what they do to strings, queries and processes.
git ls-files '*.c' '*.h' | grep -v '^tests/' |
  xargs -r grep -nE '\b(strcpy|strcat|sprintf|vsprintf|gets|atoi|atol|PQescape[A-Za-z]*|PQfn|system|popen)\(' |
  while IFS= read -r line; do breach "$line: banned"; done

# Sizes.
git ls-files '*.c' '*.h' '*.sql' '*.js' '*.py' '*.sh' | while read -r file; do
  lines=$(wc -l <"$file")
  most=800
  case $file in *.h) most=150 ;; esac
  [ "$lines" -le $most ] || breach "$file: $lines lines, at most $most"
done
git ls-files '*.[ch]' | LC_ALL=C.UTF-8 xargs -r grep -nE '^.{101}' | cut -d: -f1,2 |
  while IFS= read -r line; do breach "$line: wider than 100 columns"; done
git ls-files '*.c' | xargs -r ctags -x --c-kinds=f --_xformat='%{end} %n %F:%n %N' |
  awk '$1 - $2 + 1 > 70 { print $3 ": " $4 " has " $1 - $2 + 1 " lines, at most 70" }' |
  while IFS= read -r line; do breach "$line"; done

# The project speaks of itself alone, and a reader can look up what it names.
git grep -nPI '\bD[0-9]{1,2}\b' -- '*.c' '*.h' '*.def' '*.sql' '*.py' '*.sh' '*.md' 'meson*' |
  while IFS= read -r line; do breach "$line: a number without a list"; done
git grep -nIE '(^|[^A-Za-z.])/[w]ork/|https?://(registry|deb|security)\.|"resolved": *"http' |
  while IFS= read -r line; do breach "$line"; done

sort -u "$bad"
[ ! -s "$bad" ]

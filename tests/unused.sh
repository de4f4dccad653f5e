#!/bin/sh
# unused.sh - refuses a public function that no program needs.
#
#   sh tests/unused.sh BUILD
#
# Looks at the objects that csmsd, csms and pilesim are made of: a function with external linkage
# that no other object refers to is dead, is for tests alone, or wants to be static.
set -eu
cd "$1"

# NAME reason: public on purpose.
allowed='
main                    is called by the system
bill_rate_feed          the middle of the fold, whose begin and end the programs call
core_path_identity      is compared with a table of paths, which no request could bring
csms_currency_exponent  is compared with ISO 4217
csms_zone_parse         reads zones from memory, so that broken ones can be tried
db_conn_query           runs the statements of tests and benchmarks
db_args_text_n          takes a text without its end
db_set_realloc          lets memory run out
ocpp_arena_init         begins an arena, which programs begin with zeros
ws_port                 tells tests which port the system chose
'

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
find ocpp billing db csms simulators -name '*.o' >"$scratch/objects"
[ -s "$scratch/objects" ] || { echo "no objects in $1" && exit 1; }
xargs nm --undefined-only <"$scratch/objects" | awk '{ print $2 }' | sort -u >"$scratch/needed"
# What begins with __wrap_ the linker refers to.
xargs nm -A --defined-only <"$scratch/objects" |
  awk '$2 == "T" && $3 !~ /^__wrap_/ { sub(/:[0-9a-f]+$/, "", $1); print $3, $1 }' | sort >"$scratch/defined"
printf '%s' "$allowed" | awk 'NF { print $1 }' | sort -u >"$scratch/allowed"
unused=$(awk 'FILENAME != ARGV[3] { known[$1] = 1; next } !($1 in known)' \
  "$scratch/needed" "$scratch/allowed" "$scratch/defined")
[ -z "$unused" ] || { printf 'no program needs:\n%s\n' "$unused" && exit 1; }
# What the list allows is still needed to be allowed.
stale=$(awk 'FILENAME == ARGV[1] { known[$1] = 1; next } $1 in known' \
  "$scratch/needed" "$scratch/allowed")
[ -z "$stale" ] || { printf 'allowed, though programs need it:\n%s\n' "$stale" && exit 1; }

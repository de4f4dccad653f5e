#!/bin/sh
# The SQL tests: schema, functions and policies, without the daemon.
#
#   sh tests/sql/run.sh [BUILD] [NAME...]
#
# BUILD is a build folder: its csms makes the schema. Without one psql applies the same files in the
# same order. NAMEs choose files by their beginning (inbound, ledger_post).
#
# A test file gets a database of its own, copied from a template. *.sql run in psql with fixture.psql
# before them: each `SELECT t.test('sentence', $$body$$)` is a test, and so is a whole file that has
# none. *.py get the connection string as argument; each line `ok - sentence` or `not ok - sentence`
# that they print is a test, and an exit status above zero is one that failed.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
build=
if [ -n "${1:-}" ] && [ -x "$1/csms/csms" ]; then
  build=$(cd "$1" && pwd)
  shift
fi

work=$(mktemp -d "${TMPDIR:-/tmp}/joulebook-sql.XXXXXX")
chmod 711 "$work"
cluster=$work/pg
finish() {
  sh "$root/tests/cluster.sh" stop "$cluster" >/dev/null 2>&1 || true
  rm -rf "$work"
}
trap finish EXIT
trap 'exit 130' INT TERM

server=$(sh "$root/tests/cluster.sh" start "$cluster")
server=${server%dbname=*}
quiet() {
  psql -X -q -v ON_ERROR_STOP=1 "$@"
}

quiet -d "${server}dbname=postgres" -c 'CREATE DATABASE jb_template' >/dev/null
if [ -n "$build" ]; then
  "$build/csms/csms" --database "${server}dbname=jb_template" db migrate >/dev/null
else
  for file in "$root"/migrations/[0-9]*.sql "$root"/migrations/functions/*.sql "$root"/migrations/views/*.sql; do
    [ -f "$file" ] || continue
    quiet -1 -d "${server}dbname=jb_template" -f "$file" >"$work/out" 2>&1 || {
      echo "not ok - ${file#"$root"/} applies"
      sed 's/^/    /' "$work/out"
      echo "0 passed, 1 failed"
      exit 1
    }
  done
fi

chosen() {
  [ $# -gt 1 ] || return 0
  name=$1
  shift
  for want in "$@"; do
    case $name in "$want"*) return 0 ;; esac
  done
  return 1
}

passed=0 failed=0
for file in "$here"/*.sql "$here"/*.py; do
  name=$(basename "$file")
  [ -f "$file" ] && chosen "$name" "$@" || continue
  quiet -d "${server}dbname=postgres" -c 'DROP DATABASE IF EXISTS test WITH (FORCE)' \
    -c 'CREATE DATABASE test TEMPLATE jb_template' >/dev/null 2>&1
  status=0
  case $name in
  *.sql) quiet -A -t -d "${server}dbname=test" -f "$here/fixture.psql" -f "$file" >"$work/out" 2>"$work/err" || status=$? ;;
  *.py) python3 -B "$file" "${server}dbname=test" >"$work/out" 2>"$work/err" || status=$? ;;
  esac
  lines=$(grep -c '^\(not \)\{0,1\}ok - ' "$work/out") || true
  bad=$(grep -c '^not ok - ' "$work/out") || true
  grep '^\(not \)\{0,1\}ok - ' "$work/out" | sed "s/ - / - ${name%.*}: /" || true
  # What ended early failed, whatever it had printed before; and a file is a test of its own.
  if [ "$status" -ne 0 ]; then
    echo "not ok - ${name%.*}: runs to its end"
    grep -v NOTICE "$work/err" | head -20 | sed 's/^/    /'
    lines=$((lines + 1)) bad=$((bad + 1))
  elif [ "$lines" -eq 0 ]; then
    echo "ok - ${name%.*}"
    lines=1
  fi
  passed=$((passed + lines - bad)) failed=$((failed + bad))
done
[ $((passed + failed)) -gt 0 ] || { echo "no test of that name" >&2; failed=1; }
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]

#!/bin/sh
# A throw-away PostgreSQL cluster for tests.
#
#   tests/cluster.sh start DIR [--durable]   makes and starts one in DIR, prints its conninfo
#   tests/cluster.sh stop DIR                stops it and removes DIR
#   tests/cluster.sh halt DIR                kills it at once (what it was doing is lost, DIR stays)
#   tests/cluster.sh resume DIR              starts a halted one again
#   tests/cluster.sh run DIR COMMAND...      start, JOULEBOOK_TEST_PG=conninfo COMMAND, stop
#
# Only a unix socket in DIR, peers trusted. Without --durable fsync is off: fast, and refused by a
# lane that was not told. PostgreSQL refuses root, so as root it runs as `postgres` or `nobody`.
set -eu

fail() {
  echo "cluster.sh: $*" >&2
  exit 1
}

bin=${JOULEBOOK_PG_BIN:-}
if [ -z "$bin" ]; then
  for bin in /usr/lib/postgresql/15/bin $(command -v initdb 2>/dev/null | xargs -r dirname); do
    [ -x "$bin/initdb" ] && break
  done
fi
[ -x "$bin/initdb" ] || fail "PostgreSQL 15 is not installed: apt-get install postgresql-15"

verb=${1:-} dir=${2:-}
[ -n "$dir" ] || fail "usage: cluster.sh start|stop|halt|resume|run DIR"
case $dir in
/*) ;;
*) dir=$(pwd)/$dir ;;
esac

user=
if [ "$(id -u)" = 0 ]; then
  user=nobody
  id postgres >/dev/null 2>&1 && user=postgres
fi

# Runs a command as the cluster's user, from a folder that it can enter.
as_user() {
  if [ -n "$user" ]; then
    (cd / && setpriv --reuid="$user" --regid="$(id -gn "$user")" --init-groups "$@")
  else
    "$@"
  fi
}

conninfo() {
  echo "host=$dir port=5432 user=tester dbname=postgres"
}

pg_ctl() {
  as_user "$bin/pg_ctl" -D "$dir/data" -s "$@"
}

settings() {
  cat <<END
listen_addresses = ''
unix_socket_directories = '$dir'
max_connections = 200
shared_buffers = 128MB
max_wal_size = 2GB
timezone = 'UTC'
log_timezone = 'UTC'
lc_messages = 'C'
log_min_messages = warning
END
  if [ "$durable" = no ]; then
    printf 'fsync = off\nfull_page_writes = off\n'
  fi
}

launch() {
  pg_ctl -l "$dir/log" -w -t 300 start || {
    tail -5 "$dir/log" >&2
    fail "the server does not start"
  }
}

start() {
  durable=no
  [ "${3:-}" = --durable ] && durable=yes
  socket=$dir/.s.PGSQL.5432
  [ ${#socket} -le 107 ] || fail "the socket's path is longer than 107 bytes: $socket"
  [ ! -e "$dir/data" ] || fail "there is a cluster in $dir"
  mkdir -p "$dir"
  [ -z "$user" ] || chown "$user" "$dir"
  chmod 755 "$dir"
  as_user "$bin/initdb" -N --data-checksums -U tester -E UTF8 --locale=C.UTF-8 \
    --auth=trust -D "$dir/data" >/dev/null || fail "initdb failed"
  settings | as_user tee -a "$dir/data/postgresql.conf" >/dev/null
  launch
  conninfo
}

stop() {
  [ -e "$dir/data/postmaster.pid" ] && pg_ctl -m immediate -w stop >/dev/null 2>&1
  rm -rf "$dir/data" "$dir/log" "$dir"/.s.PGSQL.*
  rmdir "$dir" 2>/dev/null || :
}

run() {
  [ $# -ge 3 ] || fail "run DIR COMMAND..."
  shift 2
  durable=no
  JOULEBOOK_TEST_PG=$(start start "$dir")
  export JOULEBOOK_TEST_PG
  trap stop EXIT
  trap 'exit 130' INT TERM HUP
  "$@"
}

case $verb in
start) start "$@" ;;
stop) stop ;;
halt) pg_ctl -m immediate -w stop ;;
resume) launch ;;
run) run "$@" ;;
*) fail "usage: cluster.sh start|stop|halt|resume|run DIR" ;;
esac

#!/bin/sh
# quickstart.sh - from a fresh checkout to a settled charge.
#
#   sh csms/quickstart.sh            build, start everything, prove it with a live charge
#   sh csms/quickstart.sh --stop     stop what it started; data stays
#   sh csms/quickstart.sh --purge    stop, and remove everything it made (but Debian packages)
#
# Runs as root (then all of it runs as the system user `joulebook`, made for the purpose) or as an
# ordinary user. PostgreSQL is a private cluster on a unix socket: Debian's own is left alone.
# Start it again at any time: what is already there stays, and the card is printed again.
set -u
umask 022
cd "$(dirname "$0")/.." || exit 73
top=$(pwd -P)
. csms/ops/packages.sh

PGBIN=/usr/lib/postgresql/15/bin
PORT=${JOULEBOOK_PORT:-9016}
PORT_MAX=65535
PORT_TRIES=20
SOCKET_PATH_MAX=107 # bytes of a unix socket's path, its file name included
BACKFILL_DAYS=7
SEED=7

say() { printf '  %s\n' "$*"; }
fail() { # exit status, what, why, what to do
  status=$1
  shift
  for line in "$@"; do printf '%s\n' "$line" >&2; done
  exit "$status"
}

usage() {
  sed -n '2,12s/^# \{0,1\}//p' "$top/csms/quickstart.sh"
}

# --- where things are --------------------------------------------------------------------------

if [ "$(id -u)" = 0 ]; then
  user=joulebook
  state=/var/lib/joulebook
  run=/run/joulebook
else
  user=$(id -un)
  state=${XDG_STATE_HOME:-$HOME/.local/state}/joulebook
  run=${XDG_RUNTIME_DIR:-/tmp}/joulebook-$(id -u)
  # A unix socket's path has a hard limit, and the longest home folder is longer.
  socket=$run/.s.PGSQL.5432
  [ ${#socket} -le $SOCKET_PATH_MAX ] || run=/tmp/joulebook-$(id -u)
fi
app=$state/app
pg=$state/pg/15
log=$state/log
conf=$state/csms.conf
truth=$state/truth
# What was once set up stays where it is, whatever this shell's environment has.
there=$(sed -n 's/^run_dir *= *"\(.*\)"$/\1/p' "$conf" 2>/dev/null)
[ "${there##*/}" != "${run##*/}" ] || run=$there

# Both folders stand in configuration files, connection strings and commands. A blank may be in
# them, but nothing that means more there.
refuse_strange_paths() {
  newline='
'
  for path in "$state" "$run"; do
    case $path in
      [!/]* | *[\'\"\\\$\`,]* | *"$newline"*)
        fail 64 "The folder $path cannot be used: it must begin with / and hold no quote, \\, \$, comma or line's end." \
          "Choose another with XDG_STATE_HOME or XDG_RUNTIME_DIR."
        ;;
    esac
  done
}

# A folder as a word of the shell and as a value of a connection string; refuse_strange_paths leaves
# nothing in it that would have to be escaped.
quoted() {
  printf "'%s'" "$1"
}

refuse_a_strange_port() {
  case $PORT in
    *[!0-9]* | 0* | ??????*) ;;
    *) [ "$PORT" -gt $PORT_MAX ] || return 0 ;;
  esac
  fail 64 "JOULEBOOK_PORT is $PORT: a port is a number from 1 to $PORT_MAX."
}

# What makes a command run as the user that owns everything; as an ordinary user that is ourselves.
become='env LC_ALL=C.UTF-8'
[ "$(id -u)" != 0 ] ||
  become="setpriv --reuid=$user --regid=$user --init-groups --inh-caps=-all env HOME=$state LC_ALL=C.UTF-8"

as_user() {
  (cd / && exec $become "$@")
}

# Is the process that we started under this name alive? A pid may have become somebody else's: the
# program decides, which stays the same when its file has been replaced meanwhile. Its pid lies with
# the state, for whoever logs out may lose the folder of the sockets.
alive() { # name
  [ -f "$state/$1.pid" ] || return 1
  read -r pid <"$state/$1.pid" || return 1
  program=$(readlink "/proc/$pid/exe" 2>/dev/null) || return 1
  [ "${program% (deleted)}" = "$(readlink -f "$app")/$1" ]
}

# Starts a process of ours in its own session and remembers its pid.
start_process() { # name, command...
  name=$1
  shift
  # It inherits nothing, or whoever reads our output through a pipe would wait for ever.
  (
    exec >/dev/null 2>&1 </dev/null
    cd / && exec $become setsid sh -c 'echo $$ >"$1"; out=$2; shift 2; exec "$@" >>"$out" 2>&1' \
      sh "$state/$name.pid" "$log/$name.log" "$@"
  ) &
  tries=300
  until alive "$name"; do
    tries=$((tries - 1))
    [ $tries -gt 0 ] || fail 69 "$name did not start. Its log: $log/$name.log" "$(tail -n 5 "$log/$name.log" 2>/dev/null)"
    sleep 0.1
  done
}

stop_process() { # name
  if alive "$1"; then
    read -r pid <"$state/$1.pid"
    kill -TERM "$pid"
    tries=600
    while [ -d "/proc/$pid" ] && [ $tries -gt 0 ]; do
      tries=$((tries - 1))
      sleep 0.1
    done
    [ ! -d "/proc/$pid" ] || { kill -KILL "$pid" && sleep 1; }
    say "stopped $1"
  fi
  rm -f "$state/$1.pid"
}

# The state folder is ours if it has our mark, the list of what we made, or if there is nothing in it.
# The same folder is csmsd's own default: what another installation keeps there is not ours to touch.
refuse_a_strangers_state() {
  [ ! -e "$state" ] || [ -f "$state/made" ] || [ -z "$(ls -A "$state" 2>&1)" ] ||
    fail 73 "$state was not made by the quickstart. Nothing was changed." \
      "Move it away, or run this as a user who has no such folder."
}

# Makes a folder, and remembers each parent that was not there, so that purge leaves none behind.
made=
make_dir() { # folder, mode
  path=$1
  new=
  while [ ! -d "$path" ]; do
    new="$path
$new"
    path=$(dirname "$path")
  done
  mkdir -p "$1" ||
    fail 73 "Cannot make the folder $1." "Choose another with XDG_STATE_HOME or XDG_RUNTIME_DIR, or make it yourself if $conf names it."
  # In a shared folder somebody else may have made it before us, and would own our sockets.
  [ "$(id -u)" = 0 ] || [ -O "$1" ] ||
    fail 77 "$1 belongs to $(stat -c %U "$1"), not to $user." "Remove it, or choose another with XDG_RUNTIME_DIR."
  chmod "$2" "$1" || fail 77 "The rights of $1 cannot be set."
  made="$made$new"
}

# --- the steps ---------------------------------------------------------------------------------

step_packages() {
  packages_need "$PACKAGES_RUN" || exit $?
}

step_build() {
  # A compiler's cache would lie in the user's home, and stay there. Even disabled, ccache makes a
  # folder where XDG_RUNTIME_DIR is; which we have read.
  export CCACHE_DISABLE=1
  unset XDG_RUNTIME_DIR
  mkdir -p build
  if [ ! -f build/build.ninja ]; then
    say 'configuring'
    meson setup build --buildtype=release >build/quickstart-build.log 2>&1 ||
      fail 70 'The build could not be configured:' "$(tail -n 8 build/quickstart-build.log)"
  fi
  ninja -C build csms/csmsd csms/csms simulators/pilesim >>build/quickstart-build.log 2>&1 ||
    fail 70 'The build failed:' "$(tail -n 20 build/quickstart-build.log)" "All of it: build/quickstart-build.log"
}

step_folders() {
  if [ "$(id -u)" = 0 ] && ! id -u $user >/dev/null 2>&1; then
    useradd --system --home-dir "$state" --no-create-home --shell /usr/sbin/nologin $user ||
      fail 73 "The system user $user could not be made."
    say "made the system user $user"
    made="user:$user
"
  fi
  make_dir "$state" 755
  make_dir "$state/pg" 700
  make_dir "$app" 755
  make_dir "$log" 755
  make_dir "$truth" 755
  make_dir "$run" 755
  if [ "$(id -u)" = 0 ]; then
    chown $user: "$state" "$state/pg" "$log" "$truth" "$run"
  fi
  printf '%s' "$made" >>"$state/made"
  # The checkout may lie where the user cannot read; the programs run from here.
  for file in build/csms/csmsd build/csms/csms build/simulators/pilesim simulators/*.py; do
    cmp -s "$file" "$app/${file##*/}" 2>/dev/null && continue
    cp "$file" "$app/${file##*/}.new" && chmod 755 "$app/${file##*/}.new" && mv "$app/${file##*/}.new" "$app/${file##*/}"
    updated=1
  done
  cp -R simulators/fleets "$app/"
}

cluster_running() {
  [ -f "$pg/PG_VERSION" ] || return 1
  as_user "$PGBIN/pg_ctl" -D "$pg" status >/dev/null 2>&1
}

step_cluster() {
  if [ ! -f "$pg/PG_VERSION" ]; then
    say 'making a private PostgreSQL cluster'
    as_user "$PGBIN/initdb" -D "$pg" -U "$user" -E UTF8 --locale=C.UTF-8 --data-checksums -A peer \
      >"$state/initdb.log" 2>&1 || fail 70 'initdb failed:' "$(tail -n 5 "$state/initdb.log")"
    cluster_settings
  fi
  if ! cluster_running; then
    as_user "$PGBIN/pg_ctl" -D "$pg" -w -t 300 -l "$log/postgresql.log" start >/dev/null ||
      fail 69 'PostgreSQL did not start:' "$(tail -n 5 "$log/postgresql.log")"
  fi
}

cluster_settings() {
  as_user sh -c 'cat >>"$1/postgresql.conf"' sh "$pg" <<EOF
listen_addresses = ''
unix_socket_directories = '$run'
timezone = 'UTC'
max_connections = 60
shared_buffers = 256MB
max_wal_size = 2GB
wal_compression = on
logging_collector = off
EOF
  as_user sh -c 'cat >"$1/pg_hba.conf"' sh "$pg" <<EOF
# Only the unix socket, only the users that pg_ident.conf maps.
local all all peer map=joulebook
EOF
  {
    echo '# map      system user  database login'
    for login in $user joulebook_app joulebook_channel_viewer joulebook_channel_operator \
      joulebook_channel_cashier joulebook_channel_admin; do
      echo "joulebook $user $login"
    done
    for login in $(people); do echo "joulebook ${login%.*} $login"; done
  } | as_user sh -c 'cat >"$1/pg_ident.conf"' sh "$pg"
}

# The logins of whoever ran this, and of root.
people() {
  for person in $( (id -un; echo root) | sort -u); do
    for role in viewer operator cashier admin; do echo "$person.$role"; done
  done
}

port_free() {
  python3 - "$1" <<'EOF'
import socket, sys
s = socket.socket()
try:
    s.bind(("127.0.0.1", int(sys.argv[1])))
except OSError:
    sys.exit(1)
EOF
}

step_configuration() {
  if [ -f "$conf" ]; then
    wanted=$PORT
    PORT=$(port_of_conf)
    [ -n "$PORT" ] || fail 78 "No port of a listener named main is found in $conf." \
      "The simulated piles connect to it. What csmsd reads there: $(quoted "$app/csmsd") --check-config --config $(quoted "$conf")"
    [ -z "${JOULEBOOK_PORT:-}" ] || [ "$PORT" = "$wanted" ] ||
      say "port $PORT stays, as $conf says; change it there"
    return
  fi
  first=$PORT
  until port_free "$PORT"; do
    { [ "$PORT" -lt $((first + PORT_TRIES)) ] && [ "$PORT" -lt $PORT_MAX ]; } ||
      fail 69 "Ports $first to $PORT are all taken." "Name a free one: JOULEBOOK_PORT=19016 sh csms/quickstart.sh"
    PORT=$((PORT + 1))
  done
  [ "$PORT" = "$first" ] || say "port $first is taken; using $PORT"
  as_user sh -c 'umask 077; head -c 32 /dev/urandom >"$1"' sh "$state/pepper"
  as_user sh -c 'cat >"$1"' sh "$conf" <<EOF
# Written by csms/quickstart.sh; csmsd --print-config shows every setting.
database    = "embedded"
state_dir   = "$state"
run_dir     = "$run"
pepper_file = "$state/pepper"
listener main {
  bind  = "127.0.0.1"
  port  = $PORT
  serve = {"ocpp", "admin", "console", "metrics"}
  credentials = none   # the simulated piles have no keys; a public listener refuses this
}
EOF
}

# One statement as the cluster's superuser, which only this script is.
superuser() {
  as_user psql -X -q -A -t -v ON_ERROR_STOP=1 -h "$run" -U "$user" -d joulebook -c "$1"
}

# One statement as the viewer that whoever runs this is.
viewer() {
  psql -X -q -A -t -v ON_ERROR_STOP=1 -h "$run" -U "$(id -un).viewer" -d joulebook -c "$1"
}

step_database() {
  # A database of that name may be there from an earlier run.
  [ -f "$state/logins" ] || as_user "$PGBIN/createdb" -h "$run" -U "$user" joulebook 2>"$log/createdb.log" ||
    grep -q 'already exists' "$log/createdb.log" ||
    fail 70 'The database joulebook could not be made:' "$(cat "$log/createdb.log")"
  as_user "$app/csms" --database "host=$(quoted "$run") dbname=joulebook user=$user" db migrate \
    >>"$log/migrate.log" 2>&1 ||
    fail 70 'The database could not be brought up to date:' "$(tail -n 5 "$log/migrate.log")"
  [ -f "$state/logins" ] && return
  for login in $(people); do
    superuser "select core.make_login('$login', '${login##*.}', 'all')" >/dev/null ||
      fail 70 "The login $login could not be made."
  done
  as_user touch "$state/logins"
}

ready() {
  python3 - "$PORT" <<'EOF'
import sys, urllib.request
try:
    urllib.request.urlopen("http://127.0.0.1:%s/readyz" % sys.argv[1], timeout=20)
except OSError:
    sys.exit(1)
EOF
}

step_daemon() {
  if alive csmsd && [ -z "${updated:-}" ]; then return; fi
  stop_process csmsd >/dev/null
  start_process csmsd "$app/csmsd" --config "$conf"
  tries=600
  until ready; do
    tries=$((tries - 1))
    { [ $tries -gt 0 ] && alive csmsd; } ||
      fail 69 'csmsd is not ready:' "$(tail -n 5 "$log/csmsd.log")"
    sleep 0.1
  done
}

# Before csmsd starts, which would refuse piles that its directory does not have yet.
step_seed() {
  fleet=$app/fleets/quickstart.json
  if [ ! -f "$state/seeded" ]; then
    as_user "$app/pilesim" seed --database "host=$(quoted "$run") dbname=joulebook user=$user" --fleet "$fleet" \
      >>"$log/seed.log" 2>&1 ||
      fail 70 'The demonstration fleet could not be registered:' "$(tail -n 5 "$log/seed.log")"
  fi
}

step_fleet() {
  if [ ! -f "$state/seeded" ]; then
    say "writing $BACKFILL_DAYS days of history"
    as_user "$app/pilesim" backfill --url "ws://127.0.0.1:$PORT/ocpp" --fleet "$fleet" \
      --days $BACKFILL_DAYS --seed $SEED --truth "$truth" --give-up 120 >>"$log/backfill.log" 2>&1 ||
      fail 70 'The history could not be written:' "$(tail -n 5 "$log/backfill.log")"
    as_user touch "$state/seeded"
  fi
  alive pilesim && return
  [ -f "$state/live_since" ] ||
    date -u '+%Y-%m-%d %H:%M:%S+00' | as_user tee "$state/live_since" >/dev/null
  start_process pilesim "$app/pilesim" run --url "ws://127.0.0.1:$PORT/ocpp" --fleet "$fleet" \
    --seed $SEED --truth "$truth"
  tries=300
  until [ "$(viewer 'select count(*) > 0 from query.pile where is_online')" = t ]; do
    tries=$((tries - 1))
    { [ $tries -gt 0 ] && alive csmsd && alive pilesim; } ||
      fail 70 "No simulated pile is connected to port $PORT:" "$(tail -n 3 "$log/pilesim.log")" \
        "Whom csmsd refused, and why: $(quoted "$app/csms") --config $(quoted "$conf") sql 'select * from query.door'"
    sleep 0.1
  done
}

# --- the proof, and the card --------------------------------------------------------------------

# The fleet's first charges, one at each of two sites: settled, as the viewer sees them.
PROOF_PILES="'CP-1', 'BE-1'"
PROOFS=2

step_proof() {
  [ ! -s "$state/card" ] || return 0
  say 'waiting for the first live charges to be settled (about 75 s)'
  tries=1200
  until [ "$(viewer "select count(*) from query.session where is_settled and pile in ($PROOF_PILES)
              and started_at >= '$(cat "$state/live_since")'")" = $PROOFS ]; do
    tries=$((tries - 1))
    { [ $tries -gt 0 ] && alive csmsd && alive pilesim; } ||
      fail 70 'The live charges were not settled in time.' \
        "See $log/csmsd.log, $log/pilesim.log and: $(quoted "$app/csms") --config $(quoted "$conf") sql 'select * from query.review'"
    sleep 0.5
  done
  print_charges | as_user tee "$state/card" >/dev/null
}

# The proof as SQL prints it: what was charged, and the lines it is made of.
print_charges() {
  viewer "
    with proof as (
      select distinct on (pile) * from query.session
      where is_settled and pile in ($PROOF_PILES) and started_at >= '$(cat "$state/live_since")'
      order by pile desc, started_at)
    select format('  First live charge  %s/%s  %s kWh in %s s  %s %s = electricity %s + service %s', pile, connector,
                  round(energy_kwh, 3), duration_s, amount, currency, electricity_amount, service_amount)
           || coalesce((select string_agg(format(E'\\n      %s to %s  %-7s %-14s %s kWh x %s%s = %s', to_char(l.from_local, 'HH24:MI:SS'),
                  to_char(l.to_local, 'HH24:MI:SS'), l.rate_label, l.charge_code, round(l.quantity_kwh, 6),
                  trim_scale(l.price), case t.tax_mode when 'net' then format(' + %s %% VAT', trim_scale(l.vat_pct)) end,
                  l.amount), '' order by l.line)
                from query.session_line l join query.tariff t on t.tariff = l.tariff and t.version = l.tariff_version
                where l.session_uid = proof.session_uid and l.is_current), '')
    from proof order by pile desc"
}

print_card() {
  echo
  echo "  Joulebook is up"
  cat "$state/card"
  echo
  echo "  Piles     ws://127.0.0.1:$PORT/ocpp/IDENTITY   subprotocol ocpp1.6"
  echo "            ($(viewer 'select count(*) from query.pile where is_online') simulated piles are connected)"
  echo "  Status    http://127.0.0.1:$PORT/   metrics: http://127.0.0.1:$PORT/metrics"
  echo "  Type      csms() { $(quoted "$app/csms") --config $(quoted "$conf") \"\$@\"; }"
  echo "            and then, as the README has it:   csms sql 'select * from query.session_line order by from_at desc limit 10'"
  echo "  Logs      $log/"
  echo "  On loopback only. To let real piles in, add a listener to $conf (it wants their keys)."
  echo "  Stop      sh csms/quickstart.sh --stop      Remove everything   sh csms/quickstart.sh --purge"
}

# --- stop and purge ----------------------------------------------------------------------------

# Ends what we started, then looks whether it did.
stop_all() {
  stop_process pilesim
  stop_process csmsd
  if cluster_running; then
    as_user "$PGBIN/pg_ctl" -D "$pg" -w -t 300 -m fast stop >/dev/null && say 'stopped PostgreSQL'
  fi
  still=$(running)
  [ -z "$still" ] || fail 69 "Still running: $still. Nothing was removed." "End them with kill, then run this again."
}

# Processes of programs in our folder, by name and pid, and PostgreSQL: whether we know their pids or not.
running() {
  list=
  [ -d "$app" ] || return 0
  programs=$(readlink -f "$app")
  for exe in /proc/[0-9]*/exe; do
    program=$(readlink "$exe" 2>/dev/null) || continue
    case $program in
      "$programs"/*)
        program=${program##*/} pid=${exe#/proc/}
        list="$list, ${program% (deleted)} (pid ${pid%/exe})"
        ;;
    esac
  done
  ! cluster_running || list="$list, PostgreSQL (pid $(as_user head -n 1 "$pg/postmaster.pid"))"
  printf '%s' "${list#, }"
}

# The port of the listener that the simulated piles use, however the file is laid out.
port_of_conf() {
  { "$app/csmsd" --print-config --config "$conf" || cat "$conf"; } 2>/dev/null |
    sed -n '/^listener main {/,/^}/s/^ *port *= *\([0-9]*\).*/\1/p' | head -n 1
}

# Once all of ours has ended, nobody should answer where csmsd did.
refuse_a_served_port() { # port, or nothing
  [ -n "$1" ] && port_served "$1" || return 0
  fail 69 "Port $1 is still served, by a process that this script did not start."
}

port_served() {
  python3 - "$1" <<'EOF'
import socket, sys
s = socket.socket()
s.settimeout(5)
sys.exit(s.connect_ex(("127.0.0.1", int(sys.argv[1]))))
EOF
}

# Whoever ends early says what still runs.
farewell() {
  status=$?
  trap - EXIT
  still=$(running)
  [ $status = 0 ] || [ -z "$still" ] ||
    printf '%s\n' "Still running: $still." "To stop that: sh csms/quickstart.sh --stop" >&2
  exit $status
}

purge() {
  refuse_a_strangers_state
  stop_all
  port=$(port_of_conf)
  grep -qx "user:$user" "$state/made" 2>/dev/null && made_user=yes || made_user=
  folders=$( (cat "$state/made" 2>/dev/null; echo "$run") | sort -ru)
  rm -rf "$state" "$run"
  # The parents that were made on the way to these, unless something else has moved in.
  while IFS= read -r folder; do rmdir "$folder" 2>/dev/null; done <<EOF
$folders
EOF
  if [ -n "$made_user" ] && id -u $user >/dev/null 2>&1; then
    userdel $user 2>/dev/null
    say "removed the system user $user"
  fi
  rm -rf build
  say 'removed the data, the build and the processes. Left: these Debian packages'
  say "$(echo $PACKAGES_RUN)"
  refuse_a_served_port "$port"
}

refuse_strange_paths
case ${1:-} in
  '') ;;
  --stop)
    stop_all
    refuse_a_served_port "$(port_of_conf)"
    exit 0
    ;;
  --purge)
    purge
    exit 0
    ;;
  -h | --help)
    usage
    exit 0
    ;;
  *)
    usage >&2
    exit 64
    ;;
esac

updated=
refuse_a_strange_port
refuse_a_strangers_state
trap farewell EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
step_packages
step_build
step_folders
step_configuration
step_cluster
step_database
step_seed
step_daemon
step_fleet
step_proof
print_card

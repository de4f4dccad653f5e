#!/bin/sh
# firstrun.sh - the first run of csms/quickstart.sh on a fresh Debian 12, as each kind of user has it.
#
#   sh tests/firstrun.sh             every row
#   sh tests/firstrun.sh -k WORD     only the rows whose name contains WORD
#   sh tests/firstrun.sh --list      the rows
#
# Each row has a tree of its own, without systemd, that debootstrap made from this machine's own
# Debian archive: an overlay in namespaces of its own (mounts, processes, IPC, network). All of it is
# in memory, and ends with this script even when that is killed. What is compared: processes, sockets
# and files before the quickstart and after --purge.
#
# One line a row: ok, FAILED or skipped with the reason; the last line is
# `N passed, N failed, N skipped`. Exit status 1: a row failed; 77: every row was skipped.
#   FIRSTRUN_TREE=DIR      keeps the fresh tree there, and takes it from there the next time
#   FIRSTRUN_SECONDS=900   how long a row may take
set -u
here=$(cd "$(dirname "$0")" && pwd -P) || exit 1
top=$(dirname "$here")
SECONDS_A_ROW=${FIRSTRUN_SECONDS:-900}
SECOND_RUN_MS=5000
STARTS_OF_PATIENCE=20 # a slow machine's start of a program counts that often, as in tests/stack.py
MEMORY_KB=4000000
HOME_LENGTH=120

rows='bare root offline sudo user ports long-home node18'
about() {
  case $1 in
    bare) echo 'an ordinary user without packages and without sudo' ;;
    root) echo 'root, the checkout under a folder of mode 0700' ;;
    offline) echo 'root, no network any more when it runs again' ;;
    sudo) echo 'an ordinary user without packages who may sudo' ;;
    user) echo 'an ordinary user with the packages, no Node' ;;
    ports) echo 'ports 5432 and 9016 are taken' ;;
    long-home) echo "\$HOME of $HOME_LENGTH characters, blanks in the path, no LANG" ;;
    node18) echo "Debian's Node 18 is there" ;;
  esac
}
needs_archive() {
  case $1 in bare) return 1 ;; esac
}
needs_packages() {
  case $1 in bare | offline | sudo) return 1 ;; esac
}

# --- in a row: what it is made of --------------------------------------------------------------

blame() {
  printf '%s\n' "$@"
  exit 1
}
skip() { # the reason, in one line
  echo "$1"
  exit 77
}

layers() { # base or packages: the folders that the tree is made of
  [ "$1" = base ] && echo "$place/base" || echo "$place/packages/upper:$place/base"
}

mount_tree() { # base or packages
  mkdir -p "$row/upper" "$row/work" "$root"
  mount -t overlay overlay -o "lowerdir=$(layers "$1"),upperdir=$row/upper,workdir=$row/work" "$root" &&
    mount -t proc proc "$root/proc" && mount -t tmpfs -o mode=755 tmpfs "$root/dev" || blame 'no tree could be mounted'
  for device in null zero full random urandom; do
    : >"$root/dev/$device" && mount --bind "/dev/$device" "$root/dev/$device" || blame "no /dev/$device"
  done
  mkdir -m 1777 "$root/dev/shm" "$root/dev/pts"
  mount -t devpts -o newinstance,ptmxmode=0666 devpts "$root/dev/pts" && ln -s pts/ptmx "$root/dev/ptmx"
  ln -s /proc/self/fd "$root/dev/fd"
  # What one row has downloaded the next one need not.
  mount --bind "$place/archives" "$root/var/cache/apt/archives"
}

# The user, the home and the checkout of this row.
settle() { # user, home, folder of the checkout
  who=$1 home=$2 checkout=$3
  mkdir -p "$root$checkout" && tar -C "$root$checkout" -xf "$place/checkout.tar" || blame 'no checkout'
  [ "$who" = root ] || chroot "$root" chown -R "$who:" "$home"
}

# A command in the tree, in the folder of the checkout and with the user's environment.
in_tree() { # user, command...
  as=$1
  shift
  set -- env -i "HOME=$home" "USER=$as" "LOGNAME=$as" ${lang:+"LANG=$lang"} ${runtime:+"XDG_RUNTIME_DIR=$runtime"} \
    ${http_proxy:+"http_proxy=$http_proxy"} ${https_proxy:+"https_proxy=$https_proxy"} \
    PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    sh -c 'cd "$1" && shift && exec "$@"' sh "$checkout" "$@"
  [ "$as" = root ] || set -- setpriv "--reuid=$as" "--regid=$as" --init-groups "$@"
  $net chroot "$root" "$@"
}

quickstart() { # exit status to come, arguments...
  expected=$1
  shift
  echo "\$ sh csms/quickstart.sh $*"
  in_tree "$who" sh csms/quickstart.sh "$@" >"$row/said" 2>&1 </dev/null
  status=$?
  cat "$row/said"
  [ $status = "$expected" ] || blame "quickstart.sh $*: exit status $status, not $expected"
}

said() { # a line's pattern, what it means when there is none
  grep -qE "$1" "$row/said" || blame "$2"
}

# --- in a row: what is compared ----------------------------------------------------------------

# Whoever has the tree as its root; a worker of Debian's cluster comes and goes.
processes() {
  for process in /proc/[0-9]*; do
    [ "$(readlink "$process/root")" = "$root" ] || continue
    tr '\0' ' ' <"$process/cmdline" && echo
  done 2>/dev/null | grep -v 'autovacuum worker' | LC_ALL=C sort
}

# The sockets of these that others can reach, and segments of shared memory.
sockets() {
  find /proc/[0-9]*/fd -lname 'socket:*' -printf '%l\n' 2>/dev/null | tr -dc '0-9\n' >"$row/inodes"
  $net awk -v inodes="$row/inodes" '
    BEGIN { while ((getline inode <inodes) > 0) held[inode] }
    FILENAME ~ /unix/ ? $7 in held && $8 : $4 == "0A" && $10 in held { print FILENAME, FILENAME ~ /unix/ ? $8 : $2 }' \
    /proc/net/tcp /proc/net/tcp6 /proc/net/unix | LC_ALL=C sort
  awk 'NR > 1 { print "shared memory", $1 }' /proc/sysvipc/shm
}

# Every file of a tree: kind, mode, owner, size (but of what changes under /var), link, name; and the
# content of the settings. A shadow file has dates, a name that ends with - is the one before.
files() { # tree
  (
    cd "$1" || exit
    find . -xdev \( -path ./proc -o -path ./sys -o -path ./dev -o -path './var/cache/apt/archives/*' \) -prune \
      -o -type f ! -path './var/*' ! -path './etc/*-' -printf '%y %m %U:%G %s %p\n' -o -printf '%y %m %U:%G %l %p\n'
    [ ! -d dev/shm ] || find dev/shm -mindepth 1 -printf '%y %m %U:%G %p\n'
    find etc -type f ! -name '*shadow' ! -name '*-' -exec cksum {} +
  ) | LC_ALL=C sort
}

snapshot() { # name
  processes >"$row/$1.processes"
  sockets >"$row/$1.sockets"
  files "$root" >"$row/$1.files"
}

same() { # snapshot, snapshot, what...
  first=$1 second=$2
  shift 2
  for what in "$@"; do
    diff "$row/$first.$what" "$row/$second.$what" >"$row/difference" ||
      blame "$(head -n 25 "$row/difference")" "$second: $what are not those of $first"
  done
}

# --- in a row: the steps -----------------------------------------------------------------------

# The card, and what the database says through the command that the card names.
settled() {
  said '^  Joulebook is up$' 'no card was printed'
  [ "$(grep -cE '^  First live charge .* kWh in .* = electricity .* \+ service ' "$row/said")" = 2 ] ||
    blame 'the card does not show two charges'
  csms=$(grep -oE 'csms\(\) \{.*\}' "$row/said") || blame 'the card does not name csms'
  count=$(in_tree "$who" sh -c "$csms
    csms sql --tuples \"select count(*) from query.session where is_settled and amount > 0 and started_at >= '$1'\"")
  [ "${count:-0}" -ge 2 ] || blame "settled charges since $1: ${count:-no answer}"
}

first_run() {
  since=$(date -u '+%Y-%m-%d %H:%M:%S+00')
  quickstart 0
  settled "$since"
}

now_ms() {
  date +%s%3N
}

watch_slowness() { # program
  slowest=0
  while :; do
    at=$(now_ms)
    chroot "$root" "$1" --version >/dev/null 2>&1
    took=$(($(now_ms) - at))
    [ $took -le $slowest ] || { slowest=$took && echo $took >"$row/slowest"; }
    sleep 0.1
  done
}

# The card is all that is to be seen, and soon.
second_run() {
  [ "$who" = root ] && app=/var/lib/joulebook/app || app=$home/.local/state/joulebook/app
  echo 0 >"$row/slowest"
  watch_slowness "$app/csms" &
  watcher=$!
  began=$(now_ms)
  quickstart 0
  took=$(($(now_ms) - began))
  kill $watcher
  wait $watcher 2>/dev/null
  [ "$(grep -m 1 . "$row/said")" = '  Joulebook is up' ] || blame 'the second run did more than print the card'
  read -r slowest <"$row/slowest"
  echo "second run $((took / 1000)).$((took % 1000 / 100)) s" >"$row/note"
  [ $took -le $SECOND_RUN_MS ] || echo ", a slow machine: a program starts in $slowest ms" >>"$row/note"
  [ $took -le $((SECOND_RUN_MS + STARTS_OF_PATIENCE * slowest)) ] ||
    blame "the second run took $took ms, and the slowest start of a program $slowest ms"
}

stop_and_purge() {
  quickstart 0 --stop
  snapshot stopped
  same before stopped processes sockets
  quickstart 0 --purge
  snapshot purged
  same before purged processes sockets
}

whole_way() {
  snapshot before
  first_run
  second_run
  stop_and_purge
}

# --- the rows ----------------------------------------------------------------------------------

# The packages of the list that are missing in the tree or too old, in order.
packages_to_come() (
  . "$checkout_packages"
  chroot "$root" dpkg-query -W -f '${db:Status-Abbrev}${Package} ${Version}\n' | sed -n 's/^ii *//p' >"$row/installed"
  for name in $PACKAGES_RUN; do
    grep -q "^$name " "$row/installed" || echo "$name"
  done
  for floor in $PACKAGES_FLOOR; do
    version=$(sed -n "s/^${floor%%=*} //p" "$row/installed")
    [ -z "$version" ] || dpkg --compare-versions "$version" ge "${floor#*=}" || echo "${floor%%=*}"
  done
)

# The line that an ordinary user is told to type, when it is the only one.
told_line() {
  quickstart 69
  [ "$(grep -c apt-get "$row/said")" = 1 ] || blame 'it does not print one apt-get line'
  line=$(sed -n 's/^ *\(apt-get .*\)$/\1/p' "$row/said")
}

row_bare() {
  mount_tree base
  settle pat /home/pat /home/pat/joulebook
  checkout_packages=$root$checkout/csms/ops/packages.sh
  snapshot before
  told_line
  snapshot refused
  same before refused processes sockets files
  names=$(packages_to_come | sort -u | tr '\n' ' ')
  [ "$line" = "apt-get update && apt-get install --yes --no-install-recommends $names" ] ||
    blame "missing are: $names"
}

# Not a row, but the layer that others stand on: what that line does when root types it.
row_packages() {
  net=
  mount_tree base
  settle pat /home/pat /home/pat/joulebook
  told_line
  echo "# $line"
  in_tree root sh -c "$line" </dev/null || blame 'the line that it prints does not do'
  in_tree root pg_ctlcluster 15 main stop
  rm -rf "${root:?}$checkout"
}

# What root's quickstart leaves is what the same packages put there in the other layer, but for the
# cluster that Debian makes unless told not to, and a file that says so; and keys, which are random.
same_as_packages() {
  mkdir "$row/reference"
  mount -t overlay overlay -o "ro,lowerdir=$(layers packages)" "$row/reference" || blame 'no tree to compare with'
  { files "$row/reference" && grep ' \./root/private' "$row/before.files"; } |
    grep -vE ' (\./)?(etc|var/lib)/postgresql/15| \./(var/log|run)/postgresql/|/02autoremove-postgresql|/ssl-cert-snakeoil' |
    LC_ALL=C sort >"$row/packages.rest"
  grep -vE '/02autoremove-postgresql|/ssl-cert-snakeoil' "$row/purged.files" >"$row/purged.rest"
  same packages purged rest
}

row_root() {
  net=
  mount_tree base
  settle root /root /root/private/joulebook
  chmod 0700 "$root/root/private"
  whole_way
  for cluster in "$root"/etc/postgresql/* "$root"/var/lib/postgresql/*; do
    [ ! -e "$cluster" ] || blame "a cluster of Debian was created: $cluster"
  done
  same_as_packages
}

row_offline() {
  net=
  mount_tree base
  settle root /root /root/private/joulebook
  chmod 0700 "$root/root/private"
  snapshot before
  first_run
  said 'installing Debian packages' 'the first run fetched nothing: this tree is not bare'
  quickstart 0 --stop
  net=$offline
  quickstart 0
  said '^  Joulebook is up$' 'no card was printed'
  second_run
  stop_and_purge
}

row_sudo() {
  net=
  mount_tree base
  settle pat /home/pat /home/pat/joulebook
  in_tree root sh -c 'apt-get update && apt-get install -q --yes --no-install-recommends sudo' </dev/null &&
    echo 'pat ALL=(ALL) NOPASSWD: ALL' >"$root/etc/sudoers.d/pat" || blame 'sudo could not be installed'
  whole_way
  for name in before purged; do
    grep -E ' \./(home|tmp|var/tmp)/' "$row/$name.files" >"$row/$name.own"
  done
  same before purged own
}

row_user() {
  mount_tree packages
  settle pat /home/pat /home/pat/joulebook
  ! in_tree pat sh -c 'command -v node || command -v npm' || blame 'the tree has Node'
  whole_way
  same before purged files
}

# Debian's own cluster has 5432, and goes on working on its files.
row_ports() {
  mount_tree packages
  settle pat /home/pat /home/pat/joulebook
  in_tree root pg_ctlcluster 15 main start || blame "Debian's cluster does not start"
  in_tree pat python3 -c 'import socket, time
s = socket.create_server(("127.0.0.1", 9016))
time.sleep(1e6)' &
  answers 5432 && answers 9016 || blame 'the ports are not taken'
  whole_way
  grep -q ':1538$' "$row/before.sockets" && grep -q ':2338$' "$row/before.sockets" ||
    blame 'the listing of sockets has not 5432 and 9016:' "$(cat "$row/before.sockets")"
  for name in before purged; do
    grep -vE '\./var/(lib/postgresql/15/main/(base|global|pg_)|log/)' "$row/$name.files" >"$row/$name.others"
  done
  same before purged others
}

answers() { # port
  $net python3 -c 'import socket, sys, time
for i in range(200):
    with socket.socket() as s:
        if not s.connect_ex(("127.0.0.1", int(sys.argv[1]))):
            sys.exit(0)
    time.sleep(0.1)
sys.exit(1)' "$1"
}

row_long_home() {
  mount_tree packages
  home='/home/a long home '
  while [ ${#home} -lt $HOME_LENGTH ]; do home=${home}x; done
  lang='' runtime="$home/run time"
  mkdir -p "$root$runtime"
  settle pat "$home" "$home/check out/joulebook"
  chroot "$root" usermod -d "$home" pat
  whole_way
  same before purged files
}

row_node18() {
  mount_tree packages
  settle pat /home/pat /home/pat/joulebook
  (net= && in_tree root apt-get install -q --yes --no-install-recommends nodejs </dev/null) ||
    blame "Debian's nodejs could not be installed"
  case $(in_tree pat node --version) in v18.*) ;; *) blame 'Node is not 18' ;; esac
  whole_way
  same before purged files
}

one_row() { # name
  row=$place/$1 root=$place/$1/root lang=C.UTF-8 runtime='' home=/root
  offline="nsenter --net=$place/loopback"
  net=$offline
  "row_$(echo "$1" | tr - _)"
}

# --- in the namespaces: the trees, then the rows -------------------------------------------------

# Debian's archive as this machine's apt has it: a line for each suite of Debian 12.
archive() {
  apt-get indextargets --format '$(CREATED_BY) $(REPO_URI) $(RELEASE) $(COMPONENT)' 2>/dev/null |
    sed -nE 's/^Packages ([^ ]+) (bookworm(-updates|-security)?) main$/deb \1 \2 main/p' | sort -u
}

debian() { # the address of the suite itself
  archive | sed -n 's/^deb \(.*\) bookworm main$/\1/p' | head -n 1
}

archive_answers() {
  timeout -s KILL 60 /usr/lib/apt/apt-helper download-file "$(debian)dists/bookworm/InRelease" "$place/InRelease" ||
    { echo "Debian's archive does not answer: $(debian)"; return 1; }
}

make_base() {
  kept=${FIRSTRUN_TREE:+$FIRSTRUN_TREE/debian-12.tar}
  mkdir -p "$place/base" "$place/archives" ${FIRSTRUN_TREE:+"$FIRSTRUN_TREE"}
  if [ -n "$kept" ] && [ -f "$kept" ]; then
    tar -C "$place/base" --numeric-owner -xf "$kept" || return
  else
    debootstrap --variant=minbase bookworm "$place/base" "$(debian)" || return
    [ -z "$kept" ] || { tar -C "$place/base" --numeric-owner -cf "$kept.new" . && mv "$kept.new" "$kept"; } || return
  fi
  archive >"$place/base/etc/apt/sources.list"
  apt-config dump | grep -iE '^Acquire::https?::Proxy' >"$place/base/etc/apt/apt.conf.d/proxy"
  cp -L /etc/resolv.conf "$place/base/etc/resolv.conf"
  printf '127.0.0.1 localhost\n' >"$place/base/etc/hosts"
  chroot "$place/base" useradd --create-home --shell /bin/sh pat
}

# A network namespace that has nothing but its loopback.
make_offline() {
  : >"$place/loopback"
  unshare --net="$place/loopback" python3 -c 'import fcntl, socket, struct
up = struct.pack("16sH22x", b"lo", 1)
fcntl.ioctl(socket.socket(), 0x8914, up)' &&
    [ "$(nsenter --net="$place/loopback" grep -c : /proc/net/dev)" = 1 ]
}

count() { # exit status, row, seconds
  name="$2: $(about "$2")"
  case $1 in
    0)
      passed=$((passed + 1))
      echo "ok       $name ($3 s$(sed 's/^[^,]/; &/' "$place/$2/note" 2>/dev/null | tr -d '\n'))"
      ;;
    77)
      skipped=$((skipped + 1))
      echo "skipped  $name: $(tail -n 1 "$place/$2.log")"
      ;;
    *)
      failed=$((failed + 1))
      echo "FAILED   $name (exit status $1, $3 s); the end of what it said:"
      tail -n 30 "$place/$2.log" | sed 's/^/         /'
      ;;
  esac
}

in_row() { # name
  mkdir "$place/$1"
  timeout -s KILL "$SECONDS_A_ROW" unshare --mount --pid --ipc --fork --kill-child --mount-proc \
    sh "$here/firstrun.sh" --row "$1" >"$place/$1.log" 2>&1 </dev/null
  status=$?
  [ $status != 137 ] || echo "It was ended after $SECONDS_A_ROW s (FIRSTRUN_SECONDS)." >>"$place/$1.log"
  return $status
}

# What the row stands on, once for all: 0, or the exit status of what it could not have.
prepare() { # row
  if [ ! -d "$place/base" ]; then
    { timeout -s KILL "$SECONDS_A_ROW" sh "$here/firstrun.sh" --base && make_offline; } >"$place/base.log" 2>&1 </dev/null ||
      { echo "no fresh Debian 12: $(tail -n 1 "$place/base.log")" >"$place/base.bad"; }
  fi
  [ ! -f "$place/base.bad" ] || { cp "$place/base.bad" "$place/$1.log" && return 77; }
  needs_archive "$1" || return 0
  archive_answers >"$place/$1.log" 2>&1 || return 77
  needs_packages "$1" || return 0
  [ -d "$place/packages" ] || { in_row packages; echo $? >"$place/packages.status"; }
  read -r status <"$place/packages.status"
  [ "$status" = 0 ] || cp "$place/packages.log" "$place/$1.log"
  return "$status"
}

inside() { # rows...
  mount -t tmpfs -o mode=755 firstrun "$place" || exit 1
  (cd "$top" && git -c safe.directory="$top" ls-files -z | tar --null -T - -cf "$place/checkout.tar") || exit 1
  passed=0 failed=0 skipped=0
  for name in "$@"; do
    began=$(date +%s)
    prepare "$name" && in_row "$name"
    count $? "$name" $(($(date +%s) - began))
    rm -rf "${place:?}/$name/upper" "${place:?}/$name/work"
  done
  echo "$passed passed, $failed failed, $skipped skipped"
  [ $failed = 0 ] || exit 1
  [ $passed != 0 ] || [ $skipped = 0 ] || exit 77
}

# --- outside -----------------------------------------------------------------------------------

# Why there can be no tree here, or nothing.
obstacle() {
  [ "$(id -u)" = 0 ] || { echo 'it needs root, for a tree and namespaces of its own' && return; }
  for command in debootstrap unshare nsenter setpriv python3 git tar apt-get timeout; do
    command -v $command >/dev/null 2>&1 || { echo "$command is not installed" && return; }
  done
  git -c safe.directory="$top" -C "$top" rev-parse --git-dir >/dev/null 2>&1 ||
    { echo 'this is no checkout, or git refuses to read it' && return; }
  archive | grep -q ' bookworm main$' || { echo "apt has no source of Debian 12's main" && return; }
  [ "$(awk '/^MemAvailable/ { print $2 }' /proc/meminfo)" -ge $MEMORY_KB ] ||
    { echo "less than $((MEMORY_KB / 1000000)) GB of memory are free" && return; }
  [ -n "$(free_place)" ] || { echo 'none of /media, /mnt and /srv is free to mount over' && return; }
  unshare --mount --pid --ipc --net --fork true 2>/dev/null || echo 'namespaces are not permitted here'
}

# A folder to mount over, in a namespace, that holds nothing we need.
free_place() {
  for place in /media /mnt /srv; do
    case "$top/" in "$place"/*) continue ;; esac
    case "$(readlink -m "${FIRSTRUN_TREE:-/}")/" in "$place"/*) continue ;; esac
    [ ! -d "$place" ] || { echo "$place" && return; }
  done
}

# Everything in there dies with us: by the signal that our end sends, and by the end of its first process.
go_inside() {
  place=$(free_place)
  export place FIRSTRUN_SECONDS="$SECONDS_A_ROW"
  setpriv --pdeathsig KILL unshare --mount --pid --ipc --fork --kill-child --mount-proc --propagation private \
    sh "$here/firstrun.sh" --inside "$@" &
  child=$!
  trap 'kill -KILL $child' EXIT
  trap 'exit 129' HUP
  trap 'exit 130' INT
  trap 'exit 143' TERM
  wait $child
  status=$?
  trap - EXIT
  exit $status
}

only=
case ${1:-} in
  --base) make_base; exit ;;
  --row) one_row "$2"; exit ;;
  --inside) shift; inside "$@"; exit ;;
  --list) for name in $rows; do echo "$name: $(about "$name")"; done; exit ;;
  -k) only=${2:?"-k needs a word"} ;;
  '') ;;
  *) sed -n '2,17s/^# \{0,1\}//p' "$0" >&2; exit 64 ;;
esac
chosen=
for name in $rows; do
  case $name in *"$only"*) chosen="$chosen $name" ;; esac
done
[ -n "$chosen" ] || { echo "no row has $only in its name"; exit 64; }
reason=$(obstacle)
[ -n "$reason" ] || go_inside $chosen
for name in $chosen; do echo "skipped  $name: $(about "$name"): $reason"; done
echo "0 passed, 0 failed, $(echo $chosen | wc -w) skipped"
exit 77

#!/bin/sh
# Admission decides and does nothing else: it may be linked with memory and strings alone.
# usage: pure.sh libadmit.a
set -eu
allowed='^((c|m|re)alloc|free|bcmp|mem[a-z]*|str(len|nlen|cspn|spn|cmp|chr)|core_.*|__.*|_GLOBAL_OFFSET_TABLE_)$'

nm "$1" | grep -q ' T core_admit_decide' || { echo "$1 is not admission" >&2; exit 1; }
found=$(nm -u "$1" | awk '$1 == "U" { print $2 }' | sed 's/@.*//' | sort -u | grep -Ev "$allowed" || true)
[ -z "$found" ] || { echo "$1 names what admission must not:" "$found" >&2; exit 1; }

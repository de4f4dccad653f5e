#!/bin/sh
# Refuses a core that reaches for the world: what it may not be linked with, it may not name.
# usage: symbols.sh libcore.a
set -eu
forbidden='^(time|gettimeofday|clock_gettime|clock|nanosleep|sleep|usleep|timerfd_.*|rand|random'
forbidden="$forbidden|rand_r|drand48|srand|srandom|getrandom|getentropy|arc4random.*|RAND_.*"
forbidden="$forbidden|socket|connect|accept|accept4|bind|listen|send|sendto|sendmsg|recv|recvfrom"
forbidden="$forbidden|recvmsg|open|open64|openat|fopen|fopen64|read|write|close|poll|epoll_.*|select"
forbidden="$forbidden|ioctl|fork|execve|system|getenv|pthread_create|PQ.*|lws_.*|ev_.*|db_.*)\$"

found=$(nm -u "$1" | awk '$1 == "U" { print $2 }' | sed 's/@.*//' | sort -u | grep -E "$forbidden" || true)
if [ -n "$found" ]; then
  echo "$1 names what a pure core must not:" >&2
  echo "$found" >&2
  exit 1
fi
nm -u "$1" | grep -q ' ocpp_frame_read' || { echo "$1 is not the core" >&2; exit 1; }

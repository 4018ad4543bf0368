#!/bin/bash
# Docker's health check of a replica. Docker restarts what ends, not what hangs: so this kills a replica that has given no
# answer for 25 s, because it is frozen or loops, and `restart: unless-stopped` starts it again. tools/lib/wait.ts has
# the same rule for `npm start`.
#
# It requests /health/live. At a replica's start that is whether it is ready: until then it does not listen. Later
# /health/ready would call a replica unwell that drains or whose database is away, and a restart helps neither.
# The shell itself sends the request: no Node is started for each check, and the image has no curl.

limit=25
# A replica that has never answered may still be starting: it has so many seconds more.
start=90
# Most that one check counts for: the whole machine may have been suspended since the last one.
most=6
record=/tmp/health-check

# For how many seconds there was no answer, and when that was counted.
read -r now _ </proc/uptime
now=${now%.*}
silent=$((-start)) counted=$now
[[ -r $record ]] && read -r silent counted <"$record"
passed=$((now - counted))
silent=$((silent + (passed < most ? passed : most)))
# Before the request: Docker ends a check that takes too long, and then this one has counted.
echo "$silent $now" >"$record"

exec 3< <(
  exec 4<>/dev/tcp/127.0.0.1/"$PORT" 2>/dev/null || exit
  printf 'GET /health/live HTTP/1.0\r\n\r\n' >&4
  read -r _ status _ <&4 && echo "$status"
)
request=$!
read -r -t 2 status <&3
kill "$request" 2>/dev/null
if [[ $status == 200 ]]; then
  echo "0 $now" >"$record"
  exit 0
fi

replica=
for process in /proc/[0-9]*; do
  mapfile -d '' -t words <"$process/cmdline" || continue
  [[ ${words[0]} == node && ${words[1]} == web/replica.mjs ]] && replica=${process#/proc/}
done 2>/dev/null
if [[ -z $replica ]]; then
  # On Swarm a container first waits for the migrations: that is not time of the replica's start.
  echo "$((-start)) $now" >"$record"
elif ((silent >= limit)); then
  rm "$record"
  echo "no answer for $silent s: killing the replica"
  kill -KILL "$replica"
fi
exit 1

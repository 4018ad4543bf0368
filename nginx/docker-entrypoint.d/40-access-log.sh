#!/bin/sh
# Beside NGINX in a container: keeps the access log within ACCESS_LOG_MB, and says when forwarded headers were ignored.
# The image's entrypoint runs this before it becomes NGINX; the loop goes on beside it, and ends with the container.
#   ACCESS_LOG_MB  most disk space of the access log with its older parts, in MB; default 512
# The loop's own words go to standard error, where NGINX's errors are.
set -e

log=$NGINX_ACCESS_LOG
ignored=$NGINX_RUN/ignored-forwarded.log # see access-log.conf
older_parts=7
look_every=${ACCESS_LOG_LOOK_SECONDS:-5} # a test looks more often
notice_every=600 # seconds

case ${ACCESS_LOG_MB:-512} in
    *[!0-9]* | 0*) echo "balance-board: ACCESS_LOG_MB is a number of MB, and not: $ACCESS_LOG_MB" >&2; exit 1 ;;
esac
largest_part=$((${ACCESS_LOG_MB:-512} * 1024 * 1024 / (older_parts + 1)))

reopen() {
    kill -USR1 "$(cat "$NGINX_RUN/nginx.pid" 2>/dev/null)" 2>/dev/null # it may be starting
}

# access.log.1 is the newest of the older parts.
shift_parts() {
    part=$older_parts
    while [ "$part" -gt 1 ]; do
        [ ! -f "$log.$((part - 1))" ] || mv -f "$log.$((part - 1))" "$log.$part"
        part=$((part - 1))
    done
    mv -f "$log" "$log.1"
}

bound_log() {
    if [ -p "$log" ] || [ -c "$log" ]; then
        return # standard output: Docker bounds it
    elif [ ! -f "$log" ]; then
        reopen # it was renamed, and NGINX did not hear of it
    elif [ "$(stat -c %s "$log" 2>/dev/null || echo 0)" -ge "$largest_part" ]; then
        shift_parts
        reopen
    fi
}

notice_ignored() {
    [ -s "$ignored" ] || return 0
    address=$(tail -n 1 "$ignored")
    : >"$ignored"
    if [ "$(date +%s)" -lt "$next_notice" ]; then return 0; fi
    next_notice=$(($(date +%s) + notice_every))
    echo "balance-board: X-Forwarded-For or X-Forwarded-Proto from $address was ignored, because TRUSTED_PROXIES does not" \
        "name that address. If it is your proxy, add it. This notice comes at most once in $((notice_every / 60)) minutes." >&2
}

look() {
    set +e
    next_notice=0
    while sleep "$look_every"; do
        bound_log
        notice_ignored
    done
}

look >/dev/null &

#!/bin/bash
# In a container, what nginx/worker-crashes.ts does without Docker, and that file says why: looks for a worker that has
# crashed, and lets NGINX reload with new shared memory. The image's entrypoint runs this before it becomes NGINX; what is
# watched goes on beside it, and ends with the container.

log=$NGINX_RUN/processes.log
zones=$NGINX_RUN/shared-memory.conf
old_workers_end_within=10 # seconds: worker_shutdown_timeout, and as long again
stopped_at_most=5         # seconds, of a worker
largest=1000000           # bytes of the log, which is in memory
# From the start of the line: further on it may have text that a client sent.
at='^[0-9/]+ [0-9:]+'
crash="$at \\[[a-z]+\\] [0-9]+#[0-9]+: ((worker|cache manager|cache loader) process [0-9]+ exited (on signal [0-9]+|with (fatal )?code [1-9][0-9]*))"
fast_exit="$at \\[notice\\] ([0-9]+)#[0-9]+: (signal [0-9]+ \\(SIG(TERM|INT)\\) received).*, exiting"
refusal="$at \\[emerg\\] "

say() {
    echo "balance-board: $*" >&2
}

# The processes that NGINX has started and that have not ended; given a state, those that are in it.
workers() {
    local stat pid name state parent rest
    for stat in /proc/[0-9]*/stat; do
        { read -r pid name state parent rest <"$stat"; } 2>/dev/null || continue
        [[ $parent != "$master" || $state == Z || $state != "${1:-$state}" ]] || echo "$pid"
    done
}

# What a line of the log says of a crash. A worker that gets SIGTERM itself releases nothing either.
crash_in() {
    if [[ $1 =~ $fast_exit ]]; then
        [[ ${BASH_REMATCH[1]} == "$master" ]] || echo "worker process ${BASH_REMATCH[1]}: ${BASH_REMATCH[2]}"
    elif [[ $1 =~ $crash ]]; then
        echo "${BASH_REMATCH[1]}"
    fi
}

# Each zone 4 kB larger, or smaller again: NGINX keeps a zone over a reload only while its size stays the same.
resize_zones() {
    sed -E 's/0k/+k/g; s/4k/0k/g; s/\+k/4k/g' "$zones" >"$zones.new" && mv "$zones.new" "$zones"
}

leaving=()   # by process id: when it must have ended
refused= # whether NGINX has refused the sizes that the file has
found= reloads=0 not_before=0 well_from=0

reload() {
    local pid pause=$((reloads < 4 ? 1 << reloads : 10))
    for pid in $(workers); do
        leaving[$pid]=${leaving[$pid]:-$((SECONDS + old_workers_end_within))}
    done
    say "$found: reloading with new shared memory"
    found='' reloads=$((reloads + 1)) not_before=$((SECONDS + pause)) well_from=$((SECONDS + pause + 10))
    [[ -n $refused ]] || resize_zones
    refused=
    kill -HUP "$master"
}

end_if_stuck() {
    local pid
    for pid in "${!leaving[@]}"; do
        if ! workers | grep -qx "$pid"; then
            unset "leaving[$pid]"
        elif ((SECONDS > leaving[$pid])); then
            say 'old workers do not end after a reload: NGINX is killed'
            kill -KILL "$master"
        fi
    done
}

stopped=() # by process id of a worker that is stopped: since when

# Kills a worker that a signal has stopped while the master runs.
end_stopped() {
    local pid since=()
    if ! grep -qE '^[0-9]+ \(.*\) T ' "/proc/$master/stat" 2>/dev/null; then
        for pid in $(workers T); do
            # One that a reload has told to end has that deadline instead.
            [[ -n ${leaving[$pid]:-} ]] || since[$pid]=${stopped[$pid]:-$SECONDS}
        done
    fi
    stopped=()
    for pid in "${!since[@]}"; do
        stopped[$pid]=${since[$pid]}
        ((SECONDS - since[$pid] >= stopped_at_most)) || continue
        say "worker process $pid has been stopped for $stopped_at_most s: it is killed"
        kill -KILL "$pid"
    done
}

watch_workers() {
    local master line seen size=0
    until read -r master <"$NGINX_RUN/nginx.pid"; do sleep 1; done 2>/dev/null
    while sleep 1 && kill -0 "$master" 2>/dev/null; do
        while IFS= read -r line; do
            size=$((size + ${#line} + 1))
            seen=$(crash_in "$line")
            found=${seen:-$found}
            if [[ $line =~ $refusal && ${#leaving[@]} -gt 0 ]]; then
                leaving=() refused=yes found='NGINX refused to reload'
            fi
        done
        ((SECONDS < well_from)) || reloads=0
        [[ -z $found ]] || ((SECONDS < not_before)) || reload
        end_if_stuck
        end_stopped
        ((size < largest)) || { : >"$log"; exec <"$log"; size=0; }
    done
}

: >"$log"
watch_workers <"$log" &

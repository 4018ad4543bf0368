#!/bin/bash
# In a container, what nginx/metrics-log.ts does without Docker, and that file says why: lets NGINX send a message for each
# request to the exporter of its log while that answers. The image's entrypoint runs this before it becomes NGINX; the loop
# goes on beside it, and ends with NGINX.
#   NGINX_METRICS_EXPORTER  name:port of the exporter

file=$NGINX_RUN/metrics-log.conf
name=${NGINX_METRICS_EXPORTER%:*}
port=${NGINX_METRICS_EXPORTER##*:}
# Each look is a question to the name server, which passes it on while there is no such container.
look_every=${METRICS_LOG_LOOK_SECONDS:-5} # a test looks more often
pause_after_end=10                        # seconds

say() {
    echo "balance-board: $*" >&2
}

# Status 0: it answers; 7: nothing listens; else it is silent, and no message fails.
answers() {
    timeout 2 bash -c '
        exec 3<>"/dev/tcp/$0/$1" || exit 7
        printf "GET /health HTTP/1.0\r\n\r\n" >&3
        read -r _ status _ <&3 && [[ $status == 200 ]]' "$1" "$port" 2>/dev/null
}

# The ip:port that NGINX should send to; nothing: to none. $1 has what it sends to now. Status 1: the name has no address.
wanted() {
    local ip rest
    read -r ip rest < <(getent ahostsv4 "$name")
    [[ -n $ip ]] || return 1
    answers "$ip"
    case $? in
        0) echo "$ip:$port" ;;
        7) ;;
        *) echo "$1" ;;
    esac
}

follow() {
    local master now='' next not_before=0 unknown=0
    until read -r master <"$NGINX_RUN/nginx.pid"; do sleep 1; done 2>/dev/null
    while kill -0 "$master" 2>/dev/null; do
        if next=$(wanted "$now"); then
            unknown=0
        elif ((++unknown < 2)); then
            next=$now # a question to the name server can fail: once is no end
        fi
        if [[ $next != "$now" ]] && [[ -z $next || $SECONDS -ge $not_before ]]; then
            if [[ -n $next ]]; then
                say "NGINX sends its log to the exporter at $next"
            else
                say "the exporter of NGINX's log has ended"
                not_before=$((SECONDS + pause_after_end))
            fi
            printf '%s\n' "${next:+access_log syslog:server=$next,nohostname metrics if=\$message_weight;}" >"$file.new"
            mv "$file.new" "$file" && kill -HUP "$master"
            now=$next
        fi
        sleep "$look_every"
    done
}

[[ -z ${NGINX_METRICS_EXPORTER:-} ]] || follow >/dev/null &

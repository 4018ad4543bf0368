#!/bin/bash
# In a container, gives the lab's consistent hash the addresses of the replicas: conf/lab-hash.conf.template says why. It looks up
# their name and writes a `server` line for each address. While the name has no address, the last ones stay.
# A reload of NGINX ends live streams, which reconnect, and can close a connection that a client is using. So after the first
# addresses NGINX reloads only while somebody uses the lab.
# The image's entrypoint runs this before it becomes NGINX; the loop goes on beside it, and ends with NGINX.
#   NGINX_REPLICAS         `server NAME:PORT resolve PARAMETERS;`. If it is anything else, there is nothing to look up
#   NGINX_RESOLVER_FAMILY  `ipv4=off` if NGINX looks up IPv6 only

template=${NGINX_ENVSUBST_TEMPLATE_DIR:-/etc/nginx/templates}/lab-hash.conf.template
file=$NGINX_RUN/lab-hash.conf
visits=$NGINX_RUN/lab-visits.log # NGINX writes a line for each visit of the lab
look_every=${LAB_HASH_LOOK_SECONDS:-3} # a test looks more often
in_use_for=600 # seconds after a visit
pause_after_reload=${LAB_HASH_PAUSE_SECONDS:-10}
gone_after=${LAB_HASH_GONE_SECONDS:-60} # seconds without an address

# One line for each address, in the same order each time. A replica with IPv4 and IPv6 is one server: at the address that NGINX uses.
addresses() {
    local ip socket rest ipv4=() ipv6=() used=()
    while read -r ip socket rest; do
        [[ $socket == STREAM ]] || continue
        if [[ $ip =~ ^[0-9.]+$ ]]; then
            ipv4+=("$ip:$port")
        elif [[ $ip =~ ^[0-9a-f:.]+$ ]]; then
            ipv6+=("[$ip]:$port")
        fi
    done < <(timeout 2 getent ahosts "$name")
    used=("${ipv4[@]}")
    [[ ${#ipv4[@]} -gt 0 && ${NGINX_RESOLVER_FAMILY:-} != *ipv4=off* ]] || used=("${ipv6[@]}")
    [[ ${#used[@]} -eq 0 ]] || printf '%s\n' "${used[@]}" | LC_ALL=C sort -u
}

# $1: the addresses; without any, the hash is plain, of the name.
write_hash() {
    {
        if [[ -n $1 ]]; then
            export NGINX_LAB_HASH=' consistent' NGINX_REPLICAS
            NGINX_REPLICAS=$(sed "s/.*/    server & $parameters;/; 1s/^ *//" <<<"$1")
        fi
        envsubst '$NGINX_LAB_HASH $NGINX_REPLICAS' <"$template"
        printf '%s\n' "log_format lab_visit '\$status';" "access_log \"$visits\" lab_visit if=\$lab_visited;"
    } >"$file.new" && mv "$file.new" "$file"
}

# Whether a list has an address that NGINX does not have.
has_new() {
    [[ -n $(LC_ALL=C comm -13 <(printf '%s\n' "$now") <(printf '%s\n' "$1")) ]]
}

# A new address counts once two looks in a row show it. That one is gone counts after a minute: a server that crashed is back at
# its address by then, and until then NGINX passes its visits on.
follow() {
    local master next seen='' since=0 visited_at='' not_before=0
    until read -r master <"$NGINX_RUN/nginx.pid"; do sleep 1; done 2>/dev/null
    while sleep "$look_every" && kill -0 "$master" 2>/dev/null; do
        if [[ -s $visits ]]; then
            : >"$visits"
            visited_at=$SECONDS
        fi
        next=$(addresses)
        [[ $next == "$seen" ]] || since=$SECONDS
        if [[ -n $next && $next != "$now" && $next == "$seen" && $SECONDS -ge $not_before ]] &&
            [[ -z $now || -n $visited_at && $((SECONDS - visited_at)) -lt $in_use_for ]] &&
            { has_new "$next" || ((SECONDS - since >= gone_after)); }; then
            echo "balance-board: the lab's hash now has the servers" $next >&2
            (write_hash "$next") && kill -HUP "$master"
            now=$next not_before=$((SECONDS + pause_after_reload))
        fi
        seen=$next
    done
}

server_line='^ *server +([^ ;:]+):([0-9]+)( [^;]*)?; *$'
if [[ $NGINX_REPLICAS =~ $server_line && " ${BASH_REMATCH[3]} " == *' resolve '* ]]; then
    name=${BASH_REMATCH[1]} port=${BASH_REMATCH[2]}
    parameters=$(sed -E 's/(^| )resolve( |$)/ /; s/ +/ /g; s/^ | $//g' <<<"${BASH_REMATCH[3]}")
    now=$(addresses)
    (write_hash "$now")
    follow >/dev/null &
fi

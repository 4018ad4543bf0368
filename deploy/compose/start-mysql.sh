#!/bin/sh
# Starts MySQL with the given options, in the service `mysql`. At every start, before it answers, MySQL runs accounts.sql, so its
# accounts are always those of deploy/compose/make-secrets.ts or deploy/swarm/accounts.sql, also on old data.
set -e
data=${MYSQL_DATA:-/var/lib/mysql}
unfinished=$data/.unfinished

# The volume's contents. Like MySQL itself, a first start allows lost+found and hidden files there.
contents() {
    find "$data" -mindepth 1 -maxdepth 1 ! -name '.*' ! -name lost+found "$@"
}

if [ -e "$unfinished" ]; then
    # The first start was interrupted. The volume was empty before, and the server never answered: no data is lost.
    contents -exec rm -rf {} +
fi
if [ ! -d "$data/mysql" ]; then
    if [ -n "$(contents)" ]; then
        echo "balance-board: $data has files, but no MySQL database. Nothing was changed: put a complete data directory" \
            "there, or remove the volume if you do not need its files." >&2
        exit 1
    fi
    touch "$unfinished"
    mysqld --initialize-insecure "$@"
    rm "$unfinished"
    # The mark must not come back after a power cut: the next start would empty the volume.
    sync "$data"
fi
exec mysqld --init-file="${MYSQL_ACCOUNTS:-/run/secrets/accounts.sql}" "$@"

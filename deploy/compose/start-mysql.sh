#!/bin/sh
# Starts MySQL with the options given, in the service `mysql`. At every start, before it answers, it runs
# /run/secrets/accounts.sql: so its accounts are those that deploy/compose/make-secrets.ts wrote, on old data too.
set -e
data=${MYSQL_DATA:-/var/lib/mysql}
unfinished=$data/.unfinished

# What is in the volume. A first start allows lost+found and hidden files there, as MySQL itself does.
contents() {
    find "$data" -mindepth 1 -maxdepth 1 ! -name '.*' ! -name lost+found "$@"
}

if [ -e "$unfinished" ]; then
    # The first start was cut short. The volume was empty before it, and that server never answered: no data is lost.
    contents -exec rm -rf {} +
fi
if [ ! -d "$data/mysql" ]; then
    if [ -n "$(contents)" ]; then
        echo "balance-board: $data has files, and no database of MySQL. They are left as they are: put a whole data" \
            "directory there, or remove the volume if nothing in it is needed." >&2
        exit 1
    fi
    touch "$unfinished"
    mysqld --initialize-insecure "$@"
    rm "$unfinished"
fi
exec mysqld --init-file=/run/secrets/accounts.sql "$@"

#!/bin/sh
# Starts MySQL with the options given, in the service `mysql`. At every start, before it answers, it runs
# /run/secrets/accounts.sql: so its accounts are those that deploy/compose/make-secrets.ts wrote, on old data too.
set -e
data=/var/lib/mysql
unfinished=$data/.unfinished

if [ -e "$unfinished" ]; then
    # The first start was cut short. That server never answered, so no data is lost.
    find "$data" -mindepth 1 ! -path "$unfinished" -delete
fi
if [ ! -d "$data/mysql" ]; then
    touch "$unfinished"
    mysqld --initialize-insecure "$@"
    rm "$unfinished"
fi
exec mysqld --init-file=/run/secrets/accounts.sql "$@"

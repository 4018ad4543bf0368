#!/bin/sh
# What each command of package.json runs: it installs what the command needs, then becomes the command. Not in npm's
# pre-scripts, which `ignore-scripts` skips.
#   sh tools/install/command.sh [options of tools/install/install.mjs] COMMAND …
#
# A command asks only parts of the board and browsers on this machine, so Node uses no proxy for its requests, whatever the
# environment says: https://nodejs.org/api/cli.html#node_use_env_proxy1. npm, apt and Docker read HTTP_PROXY and the like
# themselves, and still can. Browsers: tools/lib/chromium.ts, e2e/web-browsers.spec.ts.
set -eu

refuse() {
  printf '%s\n' "Balance Board $1" >&2
  exit 1
}

# PATH, to which npm adds node_modules/.bin, cannot name a folder with a colon; Node imports nothing from one with a backslash.
# npm and Node follow symbolic links to the folder, which $PWD may not.
here=$(pwd -P)
case $here in
*:* | *\\*) refuse "cannot run in a folder with a colon or a backslash in its path, as $here has: move it to another." ;;
esac

# Where Node, the database and browsers put what they need for a while. https://nodejs.org/api/os.html#ostmpdir
temporary=${TMPDIR:-${TMP:-${TEMP:-/tmp}}}
if ! { [ -d "$temporary" ] && [ -w "$temporary" ] && [ -x "$temporary" ]; }; then
  refuse "needs a folder for temporary files, and cannot write in $temporary: set TMPDIR to one where it can."
fi

unset NODE_USE_ENV_PROXY
if [ -n "${NODE_OPTIONS:-}" ]; then
  NODE_OPTIONS=$(printf '%s' "$NODE_OPTIONS" | sed -E 's/(^| )--use-env-proxy(=[^ ]*)?/ /g')
  export NODE_OPTIONS
fi

parts=
while [ "${1#--}" != "$1" ]; do
  parts="$parts $1"
  shift
done
# shellcheck disable=SC2086 # options without spaces
"${npm_node_execpath:-node}" tools/install/install.mjs $parts
# The Node that npm installed needs glibc. Where it does not start, use the Node that runs npm. It is new enough: otherwise the
# installation has failed.
pinned=node_modules/.bin/node
if [ -n "${npm_node_execpath:-}" ] && [ -e $pinned ] && ! $pinned --version >/dev/null 2>&1; then
  PATH=$(dirname "$npm_node_execpath"):$PATH
  export PATH
fi
exec "$@"

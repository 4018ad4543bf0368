#!/bin/sh
# Every command in package.json starts with this script. It installs what the command needs and then executes the command.
# npm's pre-scripts would not do: `ignore-scripts` skips them.
#   sh tools/install/command.sh [options of tools/install/install.mjs] COMMAND …
#
# A command sends requests only to the board and browsers on this machine, so Node must not use a proxy:
# https://nodejs.org/api/cli.html#node_use_env_proxy1. npm, apt and Docker still read HTTP_PROXY themselves. For browsers see
# tools/lib/chromium.ts and e2e/web-browsers.spec.ts.
set -eu

refuse() {
  printf '%s\n' "Balance Board $1" >&2
  exit 1
}

# npm adds node_modules/.bin to PATH, which cannot contain a folder with a colon. Node cannot import from a folder with a backslash.
# -P, because npm and Node follow symbolic links to the folder.
here=$(pwd -P)
case $here in
*:* | *\\*) refuse "cannot run in a folder with a colon or a backslash in its path. Move $here to another path." ;;
esac

# For temporary files of Node, the database and browsers. https://nodejs.org/api/os.html#ostmpdir
temporary=${TMPDIR:-${TMP:-${TEMP:-/tmp}}}
if ! { [ -d "$temporary" ] && [ -w "$temporary" ] && [ -x "$temporary" ]; }; then
  refuse "cannot write temporary files in $temporary: set TMPDIR to a folder where it can."
fi

unset NODE_USE_ENV_PROXY
if [ -n "${NODE_OPTIONS:-}" ]; then
  NODE_OPTIONS=$(printf '%s' "$NODE_OPTIONS" | sed -E 's/(^| )--use-env-proxy(=[^ ]*)?/ /g')
  export NODE_OPTIONS
fi

options=
while [ "${1#--}" != "$1" ]; do
  options="$options $1"
  shift
done
# shellcheck disable=SC2086 # options without spaces
"${npm_node_execpath:-node}" tools/install/install.mjs $options
# The Node that npm installed needs glibc. If it does not start, use the Node that runs npm: the installation has checked that it is
# new enough.
pinned=node_modules/.bin/node
if [ -n "${npm_node_execpath:-}" ] && [ -e $pinned ] && ! $pinned --version >/dev/null 2>&1; then
  PATH=$(dirname "$npm_node_execpath"):$PATH
  export PATH
fi
exec "$@"

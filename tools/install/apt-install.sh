#!/bin/sh
# Installs packages as root, without letting NGINX's package start or enable a service of its own on port 80: the stack
# runs NGINX itself. Debian asks /usr/sbin/policy-rc.d whether a service may start; one that is there already stays.
set -eu
export DEBIAN_FRONTEND=noninteractive NEEDRESTART_SUSPEND=1

policy=/usr/sbin/policy-rc.d
mark='# balance-board, while it installs'
new_nginx=no
case " $* " in *' nginx '*) dpkg -s nginx-common >/dev/null 2>&1 || new_nginx=yes ;; esac

remove_policy() {
  if grep -qsxF "$mark" "$policy"; then rm -f "$policy"; fi
}
trap remove_policy EXIT
trap 'exit 1' HUP INT TERM

remove_policy # one that a killed install left
if [ "$new_nginx" = yes ] && ! [ -e "$policy" ]; then
  # It forbids that one service; every other may do what it would.
  (umask 022 && cat >"$policy") <<POLICY
#!/bin/sh
$mark
for word; do case "\$word" in nginx | nginx.service) exit 101 ;; esac; done
exit 0
POLICY
  chmod 755 "$policy"
fi

apt-get install -y -q --no-install-recommends -o DPkg::Lock::Timeout=120 "$@"

if [ "$new_nginx" = yes ] && command -v systemctl >/dev/null; then
  systemctl disable --quiet nginx.service || true
fi

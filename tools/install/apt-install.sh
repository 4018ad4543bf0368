#!/bin/sh
# Installs packages as root. NGINX's package must not start or enable its service on port 80: the stack runs NGINX itself.
# Debian runs /usr/sbin/policy-rc.d to decide whether a service may start. An existing policy stays.
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

remove_policy # left by a killed installation
if [ "$new_nginx" = yes ] && ! [ -e "$policy" ]; then
  # Forbids only NGINX's service.
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

#!/bin/sh
# Installs packages as root. Some start and enable a service, for example NGINX's on port 80. The project runs these programs
# itself, so a package that is new here must not do that; a service that exists stays.
# Debian runs /usr/sbin/policy-rc.d to decide whether a service may start. An existing policy stays.
set -eu
export DEBIAN_FRONTEND=noninteractive NEEDRESTART_SUSPEND=1

policy=/usr/sbin/policy-rc.d
mark='# balance-board, while it installs'
services=
for name; do
  service=$name holder=$name
  case $name in
  nginx) holder=nginx-common ;;
  mariadb-server) service=mariadb ;;
  haproxy | keepalived | prometheus | prometheus-alertmanager | prometheus-nginx-exporter) ;;
  *) continue ;;
  esac
  dpkg -s "$holder" >/dev/null 2>&1 || services="$services $service"
done

remove_policy() {
  if grep -qsxF "$mark" "$policy"; then rm -f "$policy"; fi
}
trap remove_policy EXIT
trap 'exit 1' HUP INT TERM

remove_policy # left by a killed installation
if [ -n "$services" ] && ! [ -e "$policy" ]; then
  # Forbids only these services.
  (umask 022 && cat >"$policy") <<POLICY
#!/bin/sh
$mark
for word; do case "$services " in *" \${word%.service} "*) exit 101 ;; esac; done
exit 0
POLICY
  chmod 755 "$policy"
fi

apt-get install -y -q --no-install-recommends -o DPkg::Lock::Timeout=120 "$@"

if command -v systemctl >/dev/null; then
  for name in $services; do systemctl disable --quiet "$name.service" || true; done
fi

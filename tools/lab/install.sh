#!/bin/sh
# Installs what the network lab and the benchmark need on Debian: run as root, as often as you like. Node.js 20.19 or newer has to be there.
set -eu
cd "$(dirname "$0")"

fail() { echo "tools/lab/install.sh: $*" >&2; exit 1; }

# program:package
needed='
	ip:iproute2 nft:nftables ping:iputils-ping pgrep:procps
	chromium:chromium firefox-esr:firefox-esr
	kdig:knot-dnsutils
	turnutils_uclient:coturn
	janus:janus
	systemd-analyze:systemd
'

missing=
for pair in $needed; do
	command -v "${pair%%:*}" >/dev/null || missing="$missing ${pair##*:}"
done
if [ -n "$missing" ]; then
	[ "$(id -u)" = 0 ] || fail "missing$missing; installing needs root"
	command -v apt-get >/dev/null || fail "missing$missing; only Debian's apt-get is known here"
	export DEBIAN_FRONTEND=noninteractive
	apt-get update -qq || fail "apt-get update failed"
	# shellcheck disable=SC2086 # a list
	apt-get install -y -qq --no-install-recommends $missing || fail "apt-get install$missing failed"
	for pair in $needed; do
		command -v "${pair%%:*}" >/dev/null || fail "${pair%%:*} is still missing after installing ${pair##*:}"
	done
fi

# Promtool alone: the package it is in starts a server that would take the port of our admin API.
if ! command -v promtool >/dev/null; then
	[ "$(id -u)" = 0 ] || fail "promtool is missing; installing needs root"
	folder=$(mktemp -d)
	fetch() { apt-get download -qq -o APT::Sandbox::User=root prometheus; }
	(cd "$folder" && { fetch || { apt-get update -qq && fetch; }; } &&
		dpkg-deb --fsys-tarfile prometheus_*.deb | tar -x ./usr/bin/promtool &&
		install -m 755 usr/bin/promtool /usr/local/bin/promtool) || fail "taking promtool from the package prometheus failed"
	rm -rf "$folder"
fi

command -v node >/dev/null || fail "node is missing: install Node.js 20 or newer"
command -v npm >/dev/null || fail "npm is missing: install Node.js 20 or newer with npm"
node -e 'const [major, minor] = process.versions.node.split(".").map(Number); process.exit(major > 20 || (major == 20 && minor >= 19) ? 0 : 1)' ||
	fail "Node.js $(node --version) is too old: 20.19 or newer"

# npm leaves a copy of the lock file that says what is installed.
for folder in browser interop; do
	if ! [ $folder/node_modules/.package-lock.json -nt $folder/package-lock.json ]; then
		(cd $folder && npm ci --no-audit --no-fund --loglevel=error) || fail "npm ci in $folder failed"
		touch $folder/node_modules/.package-lock.json
	fi
done

[ -c /dev/net/tun ] || fail "/dev/net/tun is missing: the WAN emulator needs TUN devices"

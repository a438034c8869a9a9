#!/bin/sh
# Runs three nodes of one cluster on this machine until it is interrupted: mesh.sh BINARY [FOLDER [FLAGS...]].
# FOLDER keeps the secret and each node's data, ./data/mesh by default; what is there is used again and nothing is removed.
# FLAGS go to every node.
set -eu

atoll=$1
folder=${2:-./data/mesh}
[ $# -le 2 ] && shift $# || shift 2

umask 077
mkdir -p "$folder"
if [ ! -s "$folder/secret" ]; then
	"$atoll" secret >"$folder/secret.new"
	mv "$folder/secret.new" "$folder/secret"
fi

nodes=
stop() {
	trap '' INT TERM
	for node in $nodes; do
		kill "$node" 2>/dev/null || :
	done
	wait
}
trap 'stop; exit 0' INT TERM

answers() { "$atoll" status --admin "127.0.0.1:$((9090 + number))" --json >/dev/null 2>&1; }

# start REGION NUMBER [FLAGS...]
start() {
	region=$1 number=$2
	shift 2
	if answers; then
		echo "make mesh: another node has port $((9090 + number)) already" >&2
		stop
		exit 1
	fi
	"$atoll" run --region "$region" --data "$folder/$region" --secret-file "$folder/secret" \
		--http ":$((8080 + number))" --media ":$((10000 + number))" --mesh "127.0.0.1:$((7946 + 10 * number))" \
		--admin "127.0.0.1:$((9090 + number))" --turn ":$((3478 + number))" "$@" &
	nodes="$nodes $!"
	tries=0
	until answers; do
		tries=$((tries + 1))
		if ! kill -0 $! 2>/dev/null || [ $tries -gt 100 ]; then
			echo "make mesh: node $region does not start" >&2
			stop
			exit 1
		fi
		sleep 0.1
	done
}

start eu 0 "$@"
start us 1 --join 127.0.0.1:7946 "$@"
start ap 2 --join 127.0.0.1:7946 "$@"

echo
echo "  eu  http://localhost:8080/demo   admin http://127.0.0.1:9090/api/v1/cluster"
echo "  us  http://localhost:8081/demo   admin http://127.0.0.1:9091/api/v1/cluster"
echo "  ap  http://localhost:8082/demo   admin http://127.0.0.1:9092/api/v1/cluster"
echo
wait
echo "make mesh: all nodes have ended" >&2
exit 1

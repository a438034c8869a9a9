#!/bin/sh
# Runs a command, go test -race, again when the race detector itself has died and nothing else has failed, twice at most: race.sh COMMAND...
# That of Go 1.26 does so now and then in tests that use testing/synctest (golang/go#78156), and says nothing about them. What passed comes
# out of the cache.
set -u
out=$(mktemp) || exit 1
trap 'rm -f "$out" "$out.code"' EXIT
for try in 1 2 3; do
	{
		"$@" 2>&1
		echo $? >"$out.code"
	} | tee "$out"
	code=$(cat "$out.code")
	if [ "$code" -eq 0 ] || ! grep -q '^ThreadSanitizer: CHECK failed' "$out" ||
		grep -qE '^ *--- FAIL|^panic: |^fatal error: |WARNING: DATA RACE|\[(build|setup) failed\]' "$out"; then
		break
	fi
	echo "race.sh: the race detector died"
done
exit "$code"

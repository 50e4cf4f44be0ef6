#!/usr/bin/env bash
# Waits for Amazon's notice that this spot machine will be taken away, then tells Ray, so that
# trials go to other machines in the two minutes that are left. Runs on every spot machine, beside
# `ray start`. Kubernetes needs no such thing: it sends SIGTERM to `ray start --block`, which tells
# the cluster the same.
set -euo pipefail

metadata=${METADATA:-http://169.254.169.254}
seconds_between_looks=${SECONDS_BETWEEN_LOOKS:-5}

# Prints the notice; fails where there is none (404), which is the rule.
notice() {
    local session
    session=$(curl -sf -m 2 -X PUT -H 'X-aws-ec2-metadata-token-ttl-seconds: 60' \
        "$metadata/latest/api/token") || return 1
    curl -sf -m 2 -H "X-aws-ec2-metadata-token: $session" \
        "$metadata/latest/meta-data/spot/instance-action"
}

# From {"action": "terminate", "time": "2026-11-28T18:02:00Z"} to the seconds until then.
seconds_left() {
    local at
    at=$(sed -n 's/.*"time" *: *"\([^"]*\)".*/\1/p' <<< "$1")
    echo $(($(date -d "$at" +%s) - $(date +%s)))
}

until found=$(notice); do
    sleep "$seconds_between_looks"
done
# Again until the cluster's head answers, or nothing can be told any more.
left=$(seconds_left "$found")
echo "taken away in $left seconds: $found"
until "$(dirname "$0")/drain.sh" "$((left > 0 ? left : 0))" "spot machine is taken away"; do
    sleep 2
    left=$(seconds_left "$found")
    ((left > 0)) || exit 1
done

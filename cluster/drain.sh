#!/usr/bin/env bash
# Tells the cluster that this machine is taken away in so many seconds, so that its trials go to
# others when their epoch is done. Run it on that machine, where `ray` is a command:
#   RAY_ADDRESS=first:6379 cluster/drain.sh 120 "maintenance"
set -euo pipefail

seconds=$1
reason=$2
export RAY_AUTH_MODE=token
exec ray drain-node --reason DRAIN_NODE_REASON_PREEMPTION --reason-message "$reason" \
    --deadline-remaining-seconds "$seconds"

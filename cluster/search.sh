#!/usr/bin/env bash
# Starts the search NAME, or goes on with it where it has begun: for schedulers, which start a job
# again when its machines were taken away.
#   cluster/search.sh NAME space=backbone data.root=/shared/faces cluster.address=auto
set -euo pipefail

cd "$(dirname "$0")/.."
name=$1
shift
runs=runs
again=("resume=$name")
as_begun=()
for word in "$@"; do
    case $word in
        search.runs=*) runs=${word#*=} again+=("$word") ;;
        cluster.*) again+=("$word") ;;
        *) as_begun+=("$word") ;;
    esac
done

# 0 says that it has begun, 3 that it has not; anything else that the storage did not answer, where
# a new search would be a second one. The folder may also be s3://...
look='import sys; from trainable.locations import location
sys.exit(0 if (location(sys.argv[1]) / "experiment.json").exists() else 3)'
begun=0
python -c "$look" "$runs/$name" || begun=$?
case $begun in
    0)
        echo "$name goes on as it was begun; not read again: ${as_begun[*]:-nothing}" >&2
        exec python -m orchestrator.search "${again[@]}"
        ;;
    3) exec python -m orchestrator.search "search.name=$name" "$@" ;;
    *) exit "$begun" ;;
esac

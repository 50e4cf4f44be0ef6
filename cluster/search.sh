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
for word in "$@"; do
    case $word in
        search.runs=*) runs=${word#*=} again+=("$word") ;;
        cluster.*) again+=("$word") ;;
    esac
done

# The folder may also be s3://...
has_begun='import sys, upath; sys.exit(not upath.UPath(sys.argv[1], "experiment.json").exists())'
if python -c "$has_begun" "$runs/$name"; then
    exec python -m orchestrator.search "${again[@]}"
fi
exec python -m orchestrator.search "search.name=$name" "$@"

#!/usr/bin/env bash
# A search on machines of SLURM. In this project's folder, on a file system that all of them see:
#   sbatch cluster/slurm.sh space=backbone data.root=/shared/faces
# after make install there. Options of sbatch before the file change what is asked for below:
#   sbatch --nodes=2 --partition=gpu cluster/slurm.sh ...
# Each machine of the job joins one Ray cluster, with a port and a token of its own. Before the time
# is up the search stops, is queued again, and goes on.
#SBATCH --job-name=face-orchestrator
#SBATCH --nodes=3
#SBATCH --ntasks-per-node=1
#SBATCH --cpus-per-task=8
#SBATCH --gpus-per-node=1
#SBATCH --time=04:00:00
#SBATCH --signal=B:TERM@300
#SBATCH --requeue
#SBATCH --no-kill
#SBATCH --open-mode=append
#SBATCH --output=face-orchestrator-%j.log
set -euo pipefail

drain_seconds=${DRAIN_SECONDS:-120} # in which trials finish their epoch
cd "$SLURM_SUBMIT_DIR"
export PATH="$PWD/.venv/bin:$PATH"
# In the environment alone, which only this user and root can read.
RAY_AUTH_TOKEN=$(python -c 'import secrets; print(secrets.token_hex(32))')
export RAY_AUTH_TOKEN RAY_AUTH_MODE=token RAY_USAGE_STATS_ENABLED=0
# At the end SLURM signals all processes of a machine at once: there is nothing to wait for then.
export RAY_GRACEFUL_SHUTDOWN_DRAIN_TIMEOUT_S=0

on=(srun --nodes=1 --ntasks=1 --overlap --kill-on-bad-exit=0)
mapfile -t machines < <(scontrol show hostnames "$SLURM_JOB_NODELIST")
head=${machines[0]}
ip=$("${on[@]}" --nodelist="$head" hostname -I | cut -d' ' -f1)
port=$((20000 + SLURM_JOB_ID % 10000 * 2))
# Jobs of others may be on the same machines: no port is taken that Ray would take by default.
options=(--block --min-worker-port=0 --max-worker-port=0 --num-cpus="${SLURM_CPUS_PER_TASK:-1}"
    --num-gpus="${SLURM_GPUS_ON_NODE:-0}")

"${on[@]}" --nodelist="$head" ray start --head --node-ip-address="$ip" --port="$port" \
    --ray-client-server-port=$((port + 1)) --temp-dir="/tmp/ray-$SLURM_JOB_ID" \
    --include-dashboard=false "${options[@]}" &
for ((tries = 60; tries > 0; tries--)); do
    ray health-check --address "$ip:$port" &> /dev/null && break
    sleep 1
done
if ((tries == 0)); then
    echo "no Ray was started on $head: see above" >&2
    exit 1
fi

for machine in "${machines[@]:1}"; do
    "${on[@]}" --nodelist="$machine" ray start --address="$ip:$port" "${options[@]}" &
done

cluster/search.sh "slurm-$SLURM_JOB_ID" "$@" "cluster.address=$ip:$port" &
search=$!

# shellcheck disable=SC2329  # called by the trap
stop() {
    echo "the time is nearly up: the search stops, and goes on when the job is run again"
    for machine in "${machines[@]:1}"; do
        RAY_ADDRESS=$ip:$port "${on[@]}" --nodelist="$machine" \
            cluster/drain.sh "$drain_seconds" "the time of the job is up" &
    done
    sleep "$drain_seconds" &
    wait -n $! "$search" || true
    kill -USR1 "$search" || true # Ray Tune's sign to stop
    wait "$search" || true
    scontrol requeue "$SLURM_JOB_ID"
    exit 0
}
trap stop TERM

code=0
wait "$search" || code=$?
exit "$code"

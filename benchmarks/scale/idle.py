"""What does a trial do that does nothing? It reports, and imports next to nothing of ours.

No trial begins before all processes are there, as else the first of them would do all the work.
"""

import json
import os
import time
from pathlib import Path
from typing import Any
from zlib import crc32

import ray
from ray import tune

from trainable.leg_keys import BEST, EPOCH, EXPERIMENT, KNOWN, NODES, STEP, TRIAL

GATE, TEMPLATE = "processes", "result.json"
"""In the experiment's folder: a file for each process that is there; a trial's result."""
LONGEST_WAIT_SECONDS = 1200.0


class IdleTrial(tune.Trainable):
    """Reports one result after the other; every trial has other scores."""

    _is_begun = False

    def setup(self, config: dict[str, Any]) -> None:
        """Take which trial it is."""
        self._step = int(config[KNOWN])
        self._random = crc32(config[TRIAL].encode()) % 1000 / 1000
        self._folder = Path(config[EXPERIMENT])
        template = json.loads((self._folder / TEMPLATE).read_text())
        self._result, self._epoch = template["result"], template["epoch"]
        self._slots = template["slots"]

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        """Start another trial in this process."""
        self.setup(new_config)
        return True

    def step(self) -> dict[str, Any]:
        """Report as a trial would that is a bit better after each step."""
        if not self._is_begun:
            self._wait_for_others()
        self._step += 1
        score = self._random + self._step / 100
        metrics = dict.fromkeys(self._epoch["metrics"], score)
        epoch = {**self._epoch, "epoch": self._step, "metrics": metrics}
        node = ray.get_runtime_context().get_node_id()
        found = {BEST: score, STEP: self._step, EPOCH: json.dumps(epoch), NODES: [node]}
        return {**self._result, **found}

    def _wait_for_others(self) -> None:
        gate = self._folder / GATE
        (gate / str(os.getpid())).touch()
        end = time.monotonic() + LONGEST_WAIT_SECONDS
        while not (gate / "open").exists() and time.monotonic() < end:
            if len(list(gate.iterdir())) >= self._slots:
                (gate / "open").touch()
            else:
                time.sleep(1.0)
        self._is_begun = True

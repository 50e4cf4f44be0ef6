"""How do tests ask a real TensorBoard what it shows?"""

import json
import subprocess
import sys
import urllib.request
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from browsing import within

from benchmarks.machines import free_port


class Server:
    """A TensorBoard process and what its HTTP API answers."""

    def __init__(self, folder):
        port = free_port()
        self.address = f"http://127.0.0.1:{port}"
        program = Path(sys.executable).with_name("tensorboard")
        words = ["--logdir", folder, "--host", "127.0.0.1", "--port", str(port)]
        self.process = subprocess.Popen(
            [program, *words, "--reload_interval", "1"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def ask(self, path, **question):
        request = urllib.request.Request(
            f"{self.address}/data/plugin/hparams/{path}",
            json.dumps({"experimentName": "", **question}).encode(),
            {"Content-Type": "application/json"},
        )
        try:
            with urllib.request.urlopen(request, timeout=5) as answer:
                return json.load(answer)
        except OSError:  # not up yet, or no experiment read yet
            return {}

    def rows(self):
        """Return the table's row of every trial that has a score."""
        statuses = [f"STATUS_{name}" for name in ("UNKNOWN", "RUNNING", "SUCCESS", "FAILURE")]
        asked = {"startIndex": 0, "sliceSize": 100, "allowedStatuses": statuses}
        groups = self.ask("session_groups", **asked).get("sessionGroups", [])
        return {group["name"]: group for group in groups if group["metricValues"]}

    def row(self, trial):
        return within(20, lambda: self.rows().get(trial))

    def metrics(self, trial):
        values = self.row(trial)["metricValues"]
        return {value["name"]["tag"]: (value["trainingStep"], value["value"]) for value in values}

    def status(self, trial):
        [session] = self.row(trial)["sessions"]
        return session["status"]


@contextmanager
def running_server(folder: Path) -> Generator[Server]:
    """Give a server that has read the columns of the table in ``folder``."""
    server = Server(folder)
    try:
        within(60, lambda: server.ask("experiment").get("hparamInfos"))
        yield server
    finally:
        server.process.kill()
        server.process.wait(10)

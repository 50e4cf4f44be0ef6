"""Amazon's notice that a spot machine is taken away reaches the cluster."""

import json
import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
import ray

from orchestrator.nodes import leaving_nodes

SCRIPT = Path(__file__).parents[2] / "cluster" / "spot_notice.sh"
SESSION = "of-this-machine"


class Metadata(BaseHTTPRequestHandler):
    """Answers as the metadata service of a machine does (IMDSv2); the third look has a notice."""

    looks = 0

    def do_PUT(self):
        is_asked = self.headers["X-aws-ec2-metadata-token-ttl-seconds"] == "60"
        self.answer(200 if is_asked else 400, SESSION)

    def do_GET(self):
        if self.headers["X-aws-ec2-metadata-token"] != SESSION:
            return self.answer(401, "")
        assert self.path == "/latest/meta-data/spot/instance-action"
        Metadata.looks += 1
        at = datetime.now(UTC) + timedelta(seconds=120)
        notice = {"action": "terminate", "time": at.strftime("%Y-%m-%dT%H:%M:%SZ")}
        return self.answer(200 if Metadata.looks > 2 else 404, json.dumps(notice))

    def answer(self, status, text):
        self.send_response(status)
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *words):
        pass


@pytest.fixture
def metadata() -> Iterator[str]:
    """The address of a metadata service."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Metadata)
    Thread(target=server.serve_forever).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture
def busy_machine(lone_machine) -> Iterator[str]:
    """A machine with something to do: an idle one that is told to end ends at once."""
    ray.init(address=lone_machine, log_to_driver=False, logging_level=logging.ERROR)
    sleeping = ray.remote(num_cpus=1)(lambda: __import__("time").sleep(300)).remote()
    yield lone_machine
    ray.cancel(sleeping, force=True)
    ray.shutdown()


def test_notice_of_a_spot_machine_tells_the_cluster_when_it_ends(busy_machine, metadata):
    assert leaving_nodes() == {}
    programs = Path(sys.executable).parent
    settings = {
        "PATH": f"{programs}:{os.environ['PATH']}",
        "RAY_ADDRESS": busy_machine,
        "METADATA": metadata,
        "SECONDS_BETWEEN_LOOKS": "0.1",
    }
    told = subprocess.run(
        [SCRIPT], env={**os.environ, **settings}, capture_output=True, text=True, timeout=120
    )
    assert told.returncode == 0, told.stderr
    assert Metadata.looks == 3
    (seconds,) = leaving_nodes().values()
    assert 0 < seconds <= 120

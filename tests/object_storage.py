"""How do tests store in S3? In a real server of its protocol, in a process of its own."""

import itertools
import os
import subprocess
import sys
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager

import boto3
import pytest
from botocore.exceptions import BotoCoreError

from benchmarks.machines import free_port
from trainable.buckets import Buckets


class S3Server:
    """A server that keeps its objects in memory, on a port that only this machine reaches."""

    def __init__(self) -> None:
        self._port = free_port()
        self.address = f"http://127.0.0.1:{self._port}"
        self._numbers = itertools.count(1)

    def start(self) -> None:
        """Answer from now on; until then connections are refused."""
        self.process = subprocess.Popen(
            [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(self._port)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def new_bucket(self) -> str:
        """Make a bucket that nobody has used, and return its address: s3://<bucket>."""
        name = f"bucket-{next(self._numbers)}"
        end = time.monotonic() + 60
        while True:
            try:
                boto3.client("s3", endpoint_url=self.address).create_bucket(Bucket=name)
            except BotoCoreError:  # the server is still starting
                assert time.monotonic() < end
                assert self.process.poll() is None
                time.sleep(0.05)
            else:
                return f"s3://{name}"


@contextmanager
def running_s3_server(pause: float = 0) -> Generator[S3Server]:
    """Give a server that every S3 library of this process and its children finds.

    For so many seconds it refuses connections, and then has one bucket: bucket-1.
    """
    server = S3Server()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL", server.address)
        patch.setenv("AWS_ACCESS_KEY_ID", "of-the-tests")
        patch.setenv("AWS_SECRET_ACCESS_KEY", os.urandom(16).hex())
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        patch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        Buckets.clear_instance_cache()
        if pause:
            starting = threading.Timer(pause, lambda: (server.start(), server.new_bucket()))
            starting.start()
        else:
            server.start()
        yield server
        if pause:
            starting.join()
    Buckets.clear_instance_cache()
    server.process.kill()
    server.process.wait()

"""How is S3 asked, so that an object that another process wrote is seen, and an outage waited for?

fsspec takes this in place of its own file system for s3://: `locations.py` says so.
"""

import errno
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from botocore.exceptions import (
    BotoCoreError,
    ConnectionError,
    NoCredentialsError,
    PartialCredentialsError,
)
from fsspec.asyn import sync_wrapper
from s3fs import S3FileSystem
from s3fs.core import S3_RETRYABLE_ERRORS

from trainable.patience import ask_again_meanwhile
from trainable.storage_errors import StorageError, cause

CONNECT_SECONDS, ANSWER_SECONDS = 5, 20
"""How long a server may take to accept a connection, and to answer."""
ATTEMPTS = 3
"""Times that botocore itself asks, within a second or two."""
OUTAGES = (errno.EBUSY, errno.EREMOTEIO, errno.EIO)
"""What s3fs makes of a server's answers 500 and 503."""
NO_CREDENTIALS = (
    "no credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE, on every "
    "machine of the cluster, or give Amazon's machines a role"
)


class Buckets(S3FileSystem):
    """S3 without s3fs's memory of listings, its outages errors of the operating system's kind."""

    retries = 1

    def __init__(self, **options: Any) -> None:
        config = {
            "connect_timeout": CONNECT_SECONDS,
            "read_timeout": ANSWER_SECONDS,
            "retries": {"mode": "standard", "total_max_attempts": ATTEMPTS},
        }
        super().__init__(use_listings_cache=False, config_kwargs=config, **options)

    async def _call_s3(self, method: str, *parts: Any, **words: Any) -> Any:
        place = f"{words.get('Bucket', '')}/{words.get('Key', words.get('Prefix', ''))}"
        call = partial(super()._call_s3, method, *parts, **words)
        return await _asked(f"cannot {method.replace('_', ' ')} s3://{place}", call)

    call_s3 = sync_wrapper(_call_s3)

    # What an object holds may break off when the answer has begun.
    async def _cat_file(self, path: str, *parts: Any, **words: Any) -> bytes:
        return await _asked(
            f"cannot read s3://{path}", partial(super()._cat_file, path, *parts, **words)
        )

    async def _get_file(self, path: str, *parts: Any, **words: Any) -> None:
        await _asked(f"cannot read s3://{path}", partial(super()._get_file, path, *parts, **words))


async def _asked(what: str, call: Callable[[], Awaitable[Any]]) -> Any:
    try:
        return await ask_again_meanwhile(what, _outage, call)
    except (FileNotFoundError, FileExistsError, StorageError):
        raise
    except (OSError, BotoCoreError, *S3_RETRYABLE_ERRORS) as error:
        raise StorageError(f"{what}: {_reason(error)}") from error


def _outage(error: BaseException) -> str:
    """Return what is wrong with a server that may be well again soon; nothing of other errors."""
    if isinstance(error, StorageError):  # it was waited for
        return ""
    is_outage = isinstance(error, (*S3_RETRYABLE_ERRORS, ConnectionError))
    is_outage |= isinstance(error, OSError) and error.errno in OUTAGES
    return _reason(error) if is_outage else ""


def _reason(error: BaseException) -> str:
    if isinstance(error, NoCredentialsError | PartialCredentialsError):
        return NO_CREDENTIALS
    return cause(error) or type(error).__name__

"""Where is what a user's words name: on a disk, or in a bucket? One type for both."""

from pathlib import Path
from typing import Any, cast

import fsspec
from upath import UPath

from trainable.settings import UserError

Location = Path | UPath
"""A file or folder: a local or shared one, or one in a bucket."""
S3 = "s3"

# By name: s3fs is imported where a bucket is used, and not before.
fsspec.register_implementation(S3, "trainable.buckets.Buckets", clobber=True)


def location(text: str) -> Location:
    """Return what a text names; UserError where results cannot be kept in such a place."""
    scheme, mark, rest = text.partition("://")
    if not mark:
        return Path(text)
    if "@" in rest.partition("/")[0]:  # the text may be a secret, so it is not repeated
        raise UserError(
            "an address holds no credentials: the environment does (AWS_ACCESS_KEY_ID, "
            "AWS_SECRET_ACCESS_KEY), or a profile (AWS_PROFILE)"
        )
    if scheme != S3 or rest.startswith("/") or not rest:
        raise UserError(f"{text}: name a local or shared folder, or s3://<bucket>/<prefix>")
    return UPath(text)


def folder_named(text: str) -> Location:
    """Return the folder that a user's word names; UserError where its bucket cannot be used."""
    found = location(text)
    if isinstance(found, UPath):
        bucket = found.path.partition("/")[0]
        try:
            cast(Any, found.fs).call_s3("head_bucket", Bucket=bucket)
        except FileNotFoundError:
            raise UserError(
                f"{text}: there is no bucket {bucket}; make it, or name another"
            ) from None
        except OSError as error:
            raise UserError(f"{text}: {error}") from None
    return found

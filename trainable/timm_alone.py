"""timm, without Weights & Biases.

timm imports it where it is installed, for a command of its own, which takes every process of a
search seconds. Whoever asks for `log.wandb` imports it as before.
"""

# pyright: reportUnusedImport=false

import sys
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

__all__ = ["timm"]


@contextmanager
def _not_installed(name: str) -> Generator[None]:
    """Let ``import`` find no module of that name, unless it has been imported."""
    modules: dict[str, Any] = sys.modules
    known = modules.get(name)
    modules[name] = known
    try:
        yield
    finally:
        if known is None:
            del modules[name]


with _not_installed("wandb"):
    import timm
    import timm.data
    import timm.optim
    import timm.scheduler
    import timm.utils

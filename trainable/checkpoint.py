"""How is a state kept that training goes on from? As one safetensors file: reading runs no code.

Its tensors are the file's; the rest is JSON in the file's header, and notes for whoever asks for
no tensors stand beside it.
"""

import json
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from trainable.files import link_or_copy, write_with
from trainable.locations import Location
from trainable.stored import local_copy, reading

STATE, CHECKSUM = "state", "checksum"
"""Keys of the header beside those of the notes."""
_MARK = "tensor:"


def save_state(
    state: Mapping[str, Any],
    file: Location,
    notes: Mapping[str, str] | None = None,
    previous: Location | None = None,
) -> None:
    """Write nested dicts, lists, tensors and plain values to ``file``, at once or not at all.

    What the file held before stays under the name ``previous``, if there is one.
    """
    tensors: dict[str, torch.Tensor] = {}
    plain = json.dumps(_take_out(state, "", tensors))
    header = {**(notes or {}), STATE: plain, CHECKSUM: _checksum(tensors)}

    def write(partial: Path) -> None:
        save_file(tensors, partial, header)
        if previous and file.exists():
            link_or_copy(file, previous)

    write_with(file, write, is_durable=True)


def load_state(file: Location) -> dict[str, Any]:
    """Return what ``save_state`` wrote, on the CPU; whole-number keys come back as numbers.

    The tensors are the file's pages, read when they are used. UnreadableFileError where the file
    is damaged.
    """
    with reading(file), local_copy(file) as here:
        header, tensors = read_notes(here), load_file(here)
        if header.get(CHECKSUM) != _checksum(tensors):
            raise ValueError("its tensors are not those that were written")
        return _put_back(json.loads(header[STATE]), tensors)


def read_notes(file: Location) -> dict[str, str]:
    """Return a state's notes, and no tensors; UnreadableFileError where the file is damaged."""
    with reading(file), local_copy(file) as here, safe_open(here, framework="pt") as opened:
        return opened.metadata() or {}


def packed(tensor: torch.Tensor) -> torch.Tensor:
    """Return the tensor as safetensors takes it: on the CPU, in one piece."""
    return tensor.detach().cpu().contiguous()


def _checksum(tensors: Mapping[str, torch.Tensor]) -> str:
    found = 0
    for name in sorted(tensors):
        found = zlib.crc32(tensors[name].reshape(-1).view(torch.uint8).numpy().data, found)
    return f"{found:08x}"


def _take_out(value: Any, path: str, tensors: dict[str, torch.Tensor]) -> Any:
    if isinstance(value, torch.Tensor):
        tensors[path] = packed(value)
        return _MARK + path
    if isinstance(value, dict):
        return {str(key): _take_out(part, f"{path}/{key}", tensors) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_take_out(part, f"{path}/{i}", tensors) for i, part in enumerate(value)]
    return value


def _put_back(value: Any, tensors: dict[str, torch.Tensor]) -> Any:
    if isinstance(value, str) and value.startswith(_MARK):
        return tensors[value.removeprefix(_MARK)]
    if isinstance(value, dict):
        return {
            int(key) if key.isdigit() else key: _put_back(part, tensors)
            for key, part in value.items()
        }
    if isinstance(value, list):
        return [_put_back(part, tensors) for part in value]
    return value

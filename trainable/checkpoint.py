"""How is a paused trial kept? As safetensors and JSON, so that reading one runs no code."""

import json
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file

TENSORS, PLAIN = "state.safetensors", "state.json"
_MARK = "tensor:"


def save_state(state: dict[str, Any], folder: Path) -> None:
    """Write nested dicts, lists, tensors and plain values below ``folder``."""
    tensors: dict[str, torch.Tensor] = {}
    plain = _take_out(state, "", tensors)
    save_file(tensors, folder / TENSORS)
    (folder / PLAIN).write_text(json.dumps(plain))


def load_state(folder: Path) -> dict[str, Any]:
    """Return what ``save_state`` wrote, on the CPU; whole-number keys come back as numbers."""
    tensors = load_file(folder / TENSORS)
    return _put_back(json.loads((folder / PLAIN).read_text()), tensors)


def packed(tensor: torch.Tensor) -> torch.Tensor:
    """Return the tensor as safetensors takes it: on the CPU, in one piece."""
    return tensor.detach().cpu().contiguous()


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

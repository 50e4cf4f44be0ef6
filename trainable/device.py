"""On which device, in which precision? The one place that knows.

The same path runs on the CPU and on CUDA: images are laid out channels-last (on the CPU too: a
step of a small network took 0.6 of the time), optimizers step in one fused kernel where they can.
"""

import contextlib
import gc
import os
import platform
import resource
import sys
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from trainable.config import MachineConfig
from trainable.settings import UserError

PRECISIONS = {
    "float32": torch.float32,
    "bfloat16": torch.bfloat16,
    "float16": torch.float16,
}

OUT_OF_MEMORY = (
    *("can't allocate memory", "could not create a primitive"),
    *("CUDA error: out of memory", "STATUS_ALLOC_FAILED"),
)
"""In the messages of errors of no memory: torch's and oneDNN's on the CPU, CUDA's, cuBLAS's and
cuDNN's."""
CUDA_CONTEXT_BYTES = 1024**3
"""What CUDA takes for each process that uses it, at most: kernels and its own bookkeeping."""


@dataclass(frozen=True)
class Device:
    """A torch device and the precision of its matrix products."""

    name: str
    precision: str

    def place_model(self, model: nn.Module) -> nn.Module:
        """Return the model on the device in channels-last layout."""
        return model.to(self.name).to(memory_format=torch.channels_last)

    def place(self, tensor: torch.Tensor) -> torch.Tensor:
        """Return the tensor on the device; copies overlap with work where memory is pinned."""
        return tensor.to(self.name, non_blocking=True)

    def autocast(self) -> contextlib.AbstractContextManager[Any]:
        """Return the context in which forward passes run."""
        if self.precision == "float32":
            return contextlib.nullcontext()
        return torch.autocast(self.name, PRECISIONS[self.precision])

    def gradient_scaler(self) -> torch.amp.GradScaler:
        """Return the scaler of losses: at work in float16 only."""
        return torch.amp.GradScaler(self.name, enabled=self.precision == "float16")

    @property
    def predicted_at_once(self) -> int:
        """Images of a prediction's batch: what the CPU's caches hold, or what keeps a GPU busy."""
        return 256 if self.name == "cuda" else 64

    @property
    def pins_memory(self) -> bool:
        """Whether batches should be made in pinned memory."""
        return self.name == "cuda"


def select_device(config: MachineConfig, *, sam_rho: float = 0.0) -> Device:
    """Return what ``machine.device`` and ``machine.precision`` mean on this machine.

    float16 needs scaled losses, and the two gradients of a sharpness-aware step
    (``optim.sam_rho``) are not scaled: raises UserError where both are asked for.
    """
    if sam_rho and config.precision == "float16":
        raise UserError(
            f"machine.precision=float16 scales losses and optim.sam_rho={sam_rho:g} cannot take "
            "scaled ones: use machine.precision=bfloat16, float32 or auto, or optim.sam_rho=0"
        )
    has_cuda = torch.cuda.is_available()
    if config.device == "cuda" and not has_cuda:
        raise UserError("machine.device=cuda, but torch finds no CUDA device here; use cpu or auto")
    name = "cuda" if has_cuda and config.device != "cpu" else "cpu"
    if name == "cuda":
        _compute_reproducibly()
    if config.threads:
        torch.set_num_threads(config.threads)
    if config.precision != "auto":
        return Device(name, config.precision)
    return Device(name, auto_precision(name, sam_rho))


def auto_precision(name: str, sam_rho: float) -> str:
    """Return what ``machine.precision=auto`` means on a device; sharpness-aware steps count."""
    if name == "cpu":
        return "float32"
    if torch.cuda.is_bf16_supported(including_emulation=False):
        return "bfloat16"
    return "float32" if sam_rho else "float16"


def loader_count(config: MachineConfig, networks: int) -> int:
    """Return the processes that augment ahead for each of a trial's ``networks``.

    Where ``machine.loaders`` says nothing: the machine's other cores, if a GPU would wait.
    """
    if config.loaders is not None:
        return config.loaders
    if config.device == "cpu" or not torch.cuda.is_available():
        return 0
    return spare_cores(os.cpu_count() or 1, networks)


def spare_cores(cores: int, networks: int) -> int:
    """Return the loader processes of each network where one of the cores drives the GPU."""
    return max(0, cores - 1) // networks


def is_out_of_memory(error: BaseException) -> bool:
    """Say whether an error is that of a GPU or a machine without memory left."""
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    # Only torch's own allocator for CUDA raises a type of its own.
    said = str(error)
    return isinstance(error, RuntimeError) and any(words in said for words in OUT_OF_MEMORY)


def release_memory() -> None:
    """Give back what the last trial of this process held, once nothing refers to it any more.

    An error refers to all that its traceback's functions did: call this when it is handled. On a
    GPU ``peak_memory`` counts from here.
    """
    gc.collect()
    if torch.cuda.is_initialized():
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()


def peak_memory() -> int:
    """Return the most bytes that this process took: of its GPU, or where it has none at all.

    On a GPU CUDA's own share, which torch does not count, is what else is used there, but no more
    than a process's usual: others may use the GPU too.
    """
    if not torch.cuda.is_initialized():
        unit = 1 if sys.platform == "darwin" else 1024
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
    free, total = torch.cuda.mem_get_info()
    others = total - free - torch.cuda.memory_reserved()
    return torch.cuda.max_memory_reserved() + min(others, CUDA_CONTEXT_BYTES)


def gpu_found(gpus: int) -> tuple[str, int]:
    """Return the type of this machine's GPUs, and the bytes of the smallest.

    Where torch finds none, ``gpus`` of Ray's are a name for so many parts of the machine.
    """
    count = torch.cuda.device_count()
    if not count:
        memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
        return processor_name("cpu"), memory // gpus
    sizes = [torch.cuda.get_device_properties(number).total_memory for number in range(count)]
    return processor_name("cuda"), min(sizes)


def processor_name(device: str) -> str:
    """Return the type of the GPU, or of the CPU: ``device`` is cuda or cpu."""
    if device == "cuda":
        return torch.cuda.get_device_name()
    return f"{platform.machine()} {torch.backends.cpu.get_cpu_capability()}"


def _compute_reproducibly() -> None:
    """Take the same kernels every time: a replay must reproduce a trial to the last digit."""
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.use_deterministic_algorithms(True, warn_only=True)
    torch.backends.cudnn.benchmark = False

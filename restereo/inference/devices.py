"""Where a network runs."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from restereo.errors import Parameter, UserError

KINDS = ("auto", "cpu", "cuda", "mps")
NO_MEMORY = (
    "out of memory",
    "allocate memory",
    "not enough memory",
    "insufficient memory",
    "alloc_failed",
    "bad_alloc",
)
"""What backends say, in a plain `RuntimeError`, of memory that is too small."""


def find_device(name: str = "auto") -> torch.device:
    """Returns the device of this name; `auto` is a CUDA GPU if there is one, then Apple's, else the processor.

    Args:
        name: `auto`, `cpu`, `cuda`, `cuda:1` … or `mps`.

    Raises:
        UserError: There is no such device here.

    Example:
        >>> find_device("cpu")
        device(type='cpu')
    """
    cuda, mps = torch.cuda.is_available(), torch.backends.mps.is_available()
    if name == "auto":
        return torch.device("cuda" if cuda else "mps" if mps else "cpu")
    kind, _, number = name.partition(":")
    if kind not in KINDS[1:] or (number and not (kind == "cuda" and number.isdecimal())):
        raise UserError(f"unknown device '{name}'; it is one of {', '.join(KINDS)} or cuda:1 and so on.")
    if kind == "cuda" and int(number or 0) >= torch.cuda.device_count():
        raise UserError(f"no device '{name}' here: torch sees {torch.cuda.device_count()} CUDA GPUs; use cpu.")
    if kind == "mps" and not mps:
        raise UserError("no device 'mps' here: it needs a Mac with an Apple GPU; use cpu.")
    return torch.device(name)


def release(device: torch.device) -> None:
    """Gives memory that torch keeps for later back to the device."""
    if device.type == "cuda":
        torch.cuda.empty_cache()
    elif device.type == "mps":
        torch.mps.empty_cache()


def is_out_of_memory(error: BaseException) -> bool:
    """Returns whether memory was too small, of whatever device: the processor has no exception of its own for it.

    Example:
        >>> is_out_of_memory(RuntimeError("DefaultCPUAllocator: can't allocate memory")), is_out_of_memory(KeyError())
        (True, False)
    """
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    return isinstance(error, RuntimeError) and any(words in str(error).lower() for words in NO_MEMORY)


@contextmanager
def memory_of(device: torch.device, name: str) -> Iterator[None]:
    """Raises `UserError` in place of what torch raises where memory is too small for the picture of this name.

    Raises:
        UserError: It is.

    Example:
        >>> with memory_of(torch.device("cuda:1"), "a.png"):
        ...     raise torch.OutOfMemoryError("CUDA out of memory")
        Traceback (most recent call last):
        restereo.errors.UserError: a.png: too large for the memory of cuda:1; use device='cpu'.
    """
    try:
        yield
    except Exception as error:
        if not is_out_of_memory(error):
            raise
        processor = device.type == "cpu"
        remedy = "close other programs, or scale it down" if processor else ("use ", Parameter("device", "cpu"))
        raise UserError(f"too large for the memory of {device}", where=name, remedy=remedy) from None

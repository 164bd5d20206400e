"""Where a network runs."""

import torch

from restereo.errors import UserError

KINDS = ("auto", "cpu", "cuda", "mps")


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

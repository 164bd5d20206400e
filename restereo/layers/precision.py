"""Convolutions in bf16 where the processor multiplies it in hardware: several times faster, weights stay float32."""

from functools import cache

import torch


@cache
def multiplies_bf16(device_type: str) -> bool:
    """Returns whether devices of this type ("cpu", "cuda", …) multiply bf16 faster than float32.

    Example:
        >>> multiplies_bf16("meta")
        False
    """
    if device_type == "cpu":
        able = torch.cpu.get_capabilities()
        return bool(able.get("amx_bf16", False) or able.get("avx512_bf16", False))
    return device_type == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False)


def fast_bf16(device: torch.device) -> torch.autocast:
    """Returns the context in which convolutions on this device run in bf16, if that is fast there.

    Example:
        >>> with fast_bf16(torch.device("cpu")):
        ...     print(torch.ones(2, 2).dtype)
        torch.float32
    """
    return torch.autocast(device.type, torch.bfloat16, enabled=multiplies_bf16(device.type))

"""Freed memory stays with a program that asks for it, and nothing fails where the C library cannot be asked."""

import platform
import subprocess
import sys

import pytest

from restereo import allocator

FAULTS = """
import resource
from concurrent.futures import ThreadPoolExecutor
import numpy as np
from restereo.allocator import reuse_memory
{call}
def filled(): return np.ones(2**24)  # 128 MiB
with ThreadPoolExecutor(1) as pool:
    pool.submit(filled).result()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(4): pool.submit(filled).result()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def faults(call: str) -> int:
    run = subprocess.run([sys.executable, "-c", FAULTS.format(call=call)], capture_output=True, text=True, check=True)
    return int(run.stdout)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another C library")
def test_a_large_block_is_cleared_by_the_system_once():
    assert faults("reuse_memory()") < 0.1 * faults("")


def test_another_c_library_is_left_as_it_is(monkeypatch):
    monkeypatch.setattr(platform, "libc_ver", lambda: ("", ""))
    assert not allocator.reuse_memory()

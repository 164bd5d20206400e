"""Runs a command and appends its seconds, its processor seconds and its peak memory to a file, as one line of JSON.

    python -I -S stopwatch.py FILE NAME COMMAND...

It imports next to nothing: a child begins with the peak memory of the process that it was forked from.
"""

import json
import os
import sys
import time
from pathlib import Path

file, name, *command = sys.argv[1:]
start = time.monotonic()
pid = os.posix_spawnp(command[0], command, os.environ)
_, status, usage = os.wait4(pid, 0)
facts = {
    "name": name,
    "seconds": time.monotonic() - start,
    "processor": usage.ru_utime + usage.ru_stime,
    "peak_mib": usage.ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10),
}
with Path(file).open("a", encoding="utf-8") as stream:
    stream.write(json.dumps(facts) + "\n")
sys.exit(os.waitstatus_to_exitcode(status))

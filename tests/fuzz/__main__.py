"""Throws damaged files at `recover`: `python -m tests.fuzz --count 2000`, and films: `--films --count 300`.

Files are tried in a process of its own, so that one that brings it down is counted and the rest still tried. With
RESTEREO_DATA, small real anaglyphs, and a real film, are damaged as well.
"""

import argparse
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path
from threading import Timer

from restereo.progress import ProgressBar
from tests.conftest import real_data
from tests.fuzz import damage, films

SILENCE = 300
"""Seconds without a word from the process after which it counts as stuck."""


def _work(first: int, end: int, of_films: bool) -> None:
    """Tries these cases in this process, a line for each."""
    import torch

    from tests.fuzz.trial import restorer, try_file

    torch.set_num_threads(1)
    data, kind = real_data(), films if of_films else damage
    files, network = kind.seeds(data / ("video" if of_films else "anaglyphs") if data else None), restorer()
    with tempfile.TemporaryDirectory() as folder:
        for number in range(first, end):
            name, content = kind.case(number, files)
            verdict, message = try_file(name, content, number, Path(folder), network)
            print(number, name, verdict, message, sep="\t", flush=True)


def main() -> None:
    """Tries `--count` files from `--first` on and exits with 1 if any did what none may do."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=2000)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--films", action="store_true", help="films instead of pictures")
    parser.add_argument("--only", nargs=2, type=int, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.only:
        _work(*given.only, of_films=given.films)
        return
    verdicts: Counter[str] = Counter()
    messages: Counter[str] = Counter()
    next_case, end = given.first, given.first + given.count
    with ProgressBar("trying", given.count, "files") as advance:
        while next_case < end:
            command = [sys.executable, "-m", "tests.fuzz", "--only", str(next_case), str(end)]
            command += ["--films"] if given.films else []
            with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
                assert process.stdout is not None
                watch = Timer(SILENCE, process.kill)
                watch.start()
                for line in process.stdout:
                    watch.cancel()
                    watch = Timer(SILENCE, process.kill)
                    watch.start()
                    number, name, verdict, message = line.rstrip("\n").split("\t")
                    next_case = int(number) + 1
                    verdicts[verdict if verdict in {"recovered", "refused"} else "FAULT"] += 1
                    messages[_rule(message, name)] += 1
                    if verdict not in {"recovered", "refused"}:
                        print(f"case {number} ({name}): {verdict}")
                    advance(1)
                watch.cancel()
            if process.returncode:
                print(f"case {next_case}: the process died with status {process.returncode}")
                verdicts["FAULT"] += 1
                next_case += 1
    print(dict(verdicts))
    for wording, count in messages.most_common(30):
        print(f"{count:5d}  {wording or '(recovered)'}")
    sys.exit(1 if verdicts["FAULT"] else 0)


def _rule(message: str, name: str) -> str:
    """The sentence without what is of this file alone."""
    rule = message.split(f"{name}: ", 1)[-1] if message else ""
    return "".join("#" if letter.isdigit() else letter for letter in rule)[:90]


if __name__ == "__main__":
    main()

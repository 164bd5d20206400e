"""One file over HTTP, until it is whole: resumed, retried, verified, moved into place in one step.

While it comes it is `NAME.part`, beside it `NAME.part.json`: what the server said of it (address, ETag, date, size),
so that the rest is asked for with `Range` and `If-Range` and never joined to a file that has changed meanwhile.
Why not a library: docs/decisions/0008-remote-sources.md.
"""

import http.client
import json
import re
import shutil
import ssl
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import IO, Any
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

from restereo.datasets import Progress, no_progress
from restereo.datasets._checksums import sha256_of
from restereo.errors import UserError

CHUNK = 2**18
# Statuses that may pass by themselves (RFC 9110; 425 RFC 8470, 429 RFC 6585). Any other one is an answer.
TRANSIENT = frozenset([408, 425, 429, 500, 502, 503, 504])
LONGEST_PAUSE = 60.0


@dataclass(frozen=True)
class Patience:
    """How long to try.

    Attributes:
        attempts: Failures in a row, without `worth` new bytes between them, after which to give up.
        pause: Seconds before the second attempt, doubled before each further one; the server may ask for more.
        timeout: Seconds without a byte after which an attempt has failed.
        worth: New bytes that make an attempt no failure: a line that is cut each hour still brings 100 GB.
        sleep: Waits.
    """

    attempts: int = 6
    pause: float = 1.0
    timeout: float = 60.0
    worth: int = 2**20
    sleep: Callable[[float], None] = time.sleep


@dataclass(frozen=True)
class _Remote:
    """What the server said of the file that a `.part` is the beginning of."""

    url: str
    etag: str = ""
    modified: str = ""
    total: int | None = None

    @property
    def validator(self) -> str:
        """What `If-Range` may hold: an ETag unless it is weak, else the date."""
        return self.modified if not self.etag or self.etag.startswith("W/") else self.etag


class _TransientError(Exception):
    """An attempt failed in a way that may pass; `pause` is what the server asked to wait, in seconds."""

    def __init__(self, reason: str, pause: float = 0.0) -> None:
        super().__init__(reason)
        self.pause = pause


def download(
    url: str,
    target: Path,
    sha256: str | None = None,
    progress: Progress = no_progress,
    patience: Patience | None = None,
) -> str:
    """Returns the sha256 of the file at `url`, which is then at `target`, whole.

    Interrupted at any moment, it leaves `target` as it was and a `.part` that the next call goes on with.

    Args:
        url: http or https.
        target: Where it goes; its folder is there.
        sha256: What it must be, None = nobody knows.
        progress: Told the bytes done and in all (None if the server does not say), and the file's name.
        patience: When to give up.

    Raises:
        UserError: The server refuses, sends a web page or other bytes than expected, or cannot be reached for
            long; the disk is full.

    Example:
        >>> download("ftp://example.org/a.zip", Path("a.zip"))
        Traceback (most recent call last):
        restereo.errors.UserError: ftp://example.org/a.zip: not an address of http or https; correct it.
    """
    if not url.startswith(("http://", "https://")):
        raise UserError(f"{url}: not an address of http or https; correct it.")
    patience = patience or Patience()
    part = target.with_name(target.name + ".part")
    failures = 0
    while True:
        before = _size(part)
        try:
            _attempt(url, part, progress, patience.timeout)
            break
        except _TransientError as error:
            failures = 1 if _size(part) - before >= patience.worth else failures + 1
            if failures >= patience.attempts:
                raise UserError(
                    f"{url}: {error}; gave up after {failures} attempts, {_size(part):,} bytes are kept in {part}: "
                    "run the same command again to go on.",
                    passing=True,
                ) from None
            patience.sleep(min(LONGEST_PAUSE, max(error.pause, patience.pause * 2 ** (failures - 1))))
    digest = sha256_of(part, progress)
    if sha256 is not None and digest != sha256:
        _discard(part)
        raise UserError(
            f"{url}: its sha256 is {digest}, but {sha256} is expected; the bytes were thrown away: run again, and if "
            "it stays so, the file behind the address has changed: find out why before you trust it."
        )
    part.replace(target)
    _beside(part).unlink(missing_ok=True)
    return digest


def _attempt(url: str, part: Path, progress: Progress, timeout: float) -> None:
    """Returns once `part` is whole."""
    known = _known(part)
    offset = _size(part) if known and known.url == url else 0
    headers = {"User-Agent": "restereo", "Accept-Encoding": "identity"}
    if known and offset:
        headers["Range"] = f"bytes={offset}-"
        if known.validator:
            headers["If-Range"] = known.validator
    try:
        with urlopen(Request(url, headers=headers), timeout=timeout) as response:
            remote, offset = _described(url, response, known, offset, part)
            _check_space(part, remote, offset)
            if not offset:  # Before the note tells of another file: a kill between the two must not join them.
                part.unlink(missing_ok=True)
            _beside(part).write_text(json.dumps(asdict(remote)), encoding="utf-8")
            _receive(response, part, offset, remote.total, progress)
    except HTTPError as error:
        error.close()
        if error.code == 416 and known and error.headers.get("Content-Range") == f"bytes */{offset}":
            return  # Nothing is left to send: it was whole already.
        if error.code == 416:
            _discard(part)
            raise _TransientError("the server does not know how to go on where the last attempt ended") from None
        raise _refused(url, error) from None
    except (URLError, http.client.HTTPException, ConnectionError, TimeoutError, ssl.SSLError) as error:
        reason = error.reason if isinstance(error, URLError) else error
        if isinstance(reason, ssl.SSLCertVerificationError):
            raise UserError(
                f"{url}: the server's certificate is not valid ({reason.verify_message}); get the file by hand."
            ) from None
        raise _TransientError(str(reason) or type(reason).__name__) from None
    except OSError as error:  # What is left is the disk.
        raise UserError(
            f"{part}: {error.strerror or error}; check the disk, or name another folder with 'archives'."
        ) from None


def _described(url: str, response: Any, known: _Remote | None, offset: int, part: Path) -> tuple[_Remote, int]:
    """Returns what the server says of the file, and where what it sends begins."""
    headers = response.headers
    if headers.get_content_type() == "text/html":
        raise UserError(f"{url}: a web page instead of the file; get it with a browser, it may ask for something.")
    etag, modified = headers.get("ETag", ""), headers.get("Last-Modified", "")
    if response.status != 206 or known is None:  # The whole file: it is new, has changed, or the server cannot resume.
        return _Remote(url, etag, modified, _number(headers.get("Content-Length"))), 0
    place = re.match(r"bytes (\d+)-\d*/(\d*)", headers.get("Content-Range", ""))
    total = _number(place[2]) if place else None
    # A partial answer may leave out what the first one said (RFC 9110, 15.3.7).
    same = etag in ("", known.etag) and modified in ("", known.modified)
    if place is None or int(place[1]) != offset or not same or total not in (None, known.total or total):
        _discard(part)
        raise _TransientError("the file on the server changed between two attempts")
    return replace(known, total=known.total if total is None else total), offset


def _receive(response: IO[bytes], part: Path, offset: int, total: int | None, progress: Progress) -> None:
    name = part.name.removesuffix(".part")
    done = offset
    with part.open("ab" if offset else "wb") as out:
        progress(done, total, name)
        while chunk := response.read(CHUNK):
            out.write(chunk)
            done += len(chunk)
            progress(done, total, name)
    if total is not None and done != total:
        raise _TransientError(f"the connection ended after {done:,} of {total:,} bytes")


def _refused(url: str, error: HTTPError) -> Exception:
    said = f"the server answers {error.code} {error.reason}"
    if error.code in TRANSIENT:
        asked = error.headers.get("Retry-After", "")
        return _TransientError(said, float(asked) if asked.isdigit() else 0.0)
    return UserError(f"{url}: {said}; look whether the file has moved, or get it by hand and put it in its place.")


def _check_space(part: Path, remote: _Remote, offset: int) -> None:
    left = (remote.total or 0) - offset
    free = shutil.disk_usage(part.parent).free
    if left > free:
        raise UserError(
            f"{remote.url}: {left / 1e9:.1f} GB are still to come, but {part.parent} has {free / 1e9:.1f} GB left; "
            "free some space or name another folder with 'archives'."
        )


def _beside(part: Path) -> Path:
    return part.with_name(part.name + ".json")


def _known(part: Path) -> _Remote | None:
    try:
        return _Remote(**json.loads(_beside(part).read_text(encoding="utf-8")))
    except (FileNotFoundError, ValueError, TypeError):
        return None  # Without it, or cut by a kill, the download starts anew.


def _discard(part: Path) -> None:
    part.unlink(missing_ok=True)
    _beside(part).unlink(missing_ok=True)


def _number(text: str | None) -> int | None:
    return int(text) if text and text.isdigit() else None


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0

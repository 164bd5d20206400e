"""One file over HTTP, until it is whole: resumed, retried, its sha256 checked, moved into place in one step.

While it comes it is `NAME.part`, and beside it `NAME.part.json` says what the server told of it (address, ETag, date,
size), so that the rest is asked for with `Range` and `If-Range` and never joined to a file that has changed meanwhile.

The sums are in `SHA256SUMS` beside the files, in the format of `sha256sum`, so that `sha256sum -c` checks them too.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit
from urllib.request import getproxies, proxy_bypass

from urllib3 import BaseHTTPResponse, PoolManager, ProxyManager, Retry, Timeout, make_headers
from urllib3.exceptions import HTTPError, MaxRetryError, SSLError

from restereo.datasets import Progress, no_progress
from restereo.datasets.archive import check_space
from restereo.errors import UserError

RECORD = "SHA256SUMS"
ATTEMPTS = 6
# Statuses that may pass (RFC 9110; 425 RFC 8470, 429 RFC 6585). Pauses of 0, 2, 4, ... s, or what the server asks for.
_RETRY = Retry(
    total=ATTEMPTS - 1,
    status_forcelist=[408, 425, 429, 500, 502, 503, 504],
    backoff_factor=1,
    backoff_max=60,
    retry_after_max=60,
)
# New bytes after which the retries are counted anew: a line that is cut each hour still brings 100 GB.
_PROGRESS = 2**20
_CHUNK = 2**18


@dataclass(frozen=True)
class _Begun:
    """What the server said of the file that a `.part` is the beginning of."""

    url: str
    etag: str = ""
    modified: str = ""
    total: int | None = None


class _ChangedError(HTTPError):
    """What the server sends is not the rest of what has come."""


def download(url: str, target: Path, sha256: str | None = None, progress: Progress = no_progress) -> str:
    """Returns the sha256 of the file at `url`, which is then at `target`, whole.

    Interrupted at any moment, it leaves `target` as it was and a `.part` that the next call goes on with.

    Args:
        url: http or https.
        target: Where it goes; its folder is there.
        sha256: What it must be, None = nobody knows.
        progress: Told the bytes done and in all (None if the server does not say), and the file's name.

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
    part = target.with_name(target.name + ".part")
    try:
        with _pool(url) as pool:
            _fetch(pool, url, part, progress)
    except MaxRetryError as error:
        if isinstance(error.reason, SSLError):
            raise UserError(f"{url}: no safe connection ({error.reason}); get the file by hand.") from None
        raise UserError(
            f"{url}: {error.reason}; gave up after {ATTEMPTS} attempts, {_size(part):,} bytes are kept in {part}: "
            "run the same command again to go on.",
            passing=True,
        ) from None
    except OSError as error:
        raise UserError(
            f"{part}: {error.strerror or error}; check the disk, or name another folder with 'archives'."
        ) from None
    digest = sha256_of(part, progress)
    if sha256 is not None and digest != sha256:
        _discard(part)
        raise UserError(
            f"{url}: its sha256 is {digest}, but {sha256} is expected; the bytes were thrown away: run again, and if "
            "it stays so, the file behind the address has changed: find out why before you trust it."
        )
    part.replace(target)
    _note(part).unlink(missing_ok=True)
    return digest


def _pool(url: str) -> PoolManager:
    """Returns connections to the server, through the proxy that the system names."""
    timeout = Timeout(60)
    parts = urlsplit(url)
    proxy = getproxies().get(parts.scheme, "")
    if not proxy or proxy_bypass(parts.netloc):
        return PoolManager(timeout=timeout)
    proxy = proxy if "://" in proxy else f"http://{proxy}"
    user = unquote(urlsplit(proxy).netloc.rpartition("@")[0])
    return ProxyManager(proxy, timeout=timeout, proxy_headers=make_headers(proxy_basic_auth=user or None))


def _fetch(pool: PoolManager, url: str, part: Path, progress: Progress) -> None:
    """Makes `part` whole. urllib3 repeats a request that failed, but not one whose answer was cut: that is done here.

    Raises:
        MaxRetryError: It failed too often.
    """
    left = _RETRY
    while True:
        kept = _size(part)
        try:
            return _request(pool, url, part, progress)
        except MaxRetryError:
            raise
        except HTTPError as error:
            if _size(part) - kept >= _PROGRESS:
                left = _RETRY
            left = left.increment("GET", url, error=error)
            left.sleep()


def _request(pool: PoolManager, url: str, part: Path, progress: Progress) -> None:
    begun = _begun(part, url)
    offset = _size(part) if begun else 0
    headers = {"User-Agent": "restereo", "Accept-Encoding": "identity"}
    if begun and offset:
        headers["Range"] = f"bytes={offset}-"
        # A weak ETag may not stand in If-Range.
        if validator := begun.modified if begun.etag.startswith("W/") else begun.etag or begun.modified:
            headers["If-Range"] = validator
    response = pool.request("GET", url, headers=headers, retries=_RETRY, preload_content=False)
    try:
        if response.status == 416 and begun:
            if response.headers.get("Content-Range") == f"bytes */{offset}":
                return  # nothing is left to send
            _discard(part)
            raise _ChangedError("the server cannot go on where the last attempt ended")
        begun, offset = _described(url, response, begun, offset, part)
        check_space(part, (begun.total or 0) - offset, url)
        if not offset:  # before the note tells of another file: a kill between the two must not join them
            part.unlink(missing_ok=True)
        _note(part).write_text(json.dumps(asdict(begun)), encoding="utf-8")
        _receive(response, part, offset, begun.total, progress)
    finally:
        response.close()


def _described(
    url: str, response: BaseHTTPResponse, begun: _Begun | None, offset: int, part: Path
) -> tuple[_Begun, int]:
    """Returns what the server says of the file, and at which byte its answer begins."""
    headers, size = response.headers, response.length_remaining
    if response.status >= 400:
        raise UserError(
            f"{url}: the server answers {response.status} {response.reason}; look whether the file has moved, or get "
            "it by hand and put it in its place."
        )
    if headers.get("Content-Type", "").startswith("text/html"):
        raise UserError(f"{url}: a web page instead of the file; get it with a browser, it may ask for something.")
    now = _Begun(url, headers.get("ETag", ""), headers.get("Last-Modified", ""), size)
    if response.status != 206 or begun is None:  # the whole file: new, changed, or the server cannot resume
        return now, 0
    # A partial answer may leave out what the first one said (RFC 9110, 15.3.7).
    if (
        now.etag not in ("", begun.etag)
        or now.modified not in ("", begun.modified)
        or not headers.get("Content-Range", "").startswith(f"bytes {offset}-")
        or (size is not None and begun.total is not None and offset + size != begun.total)
    ):
        _discard(part)
        raise _ChangedError("the file on the server changed between two attempts")
    return begun, offset


def _receive(response: BaseHTTPResponse, part: Path, offset: int, total: int | None, progress: Progress) -> None:
    name = part.name.removesuffix(".part")
    done = offset
    with part.open("ab" if offset else "wb") as out:
        progress(done, total, name)
        while chunk := response.read1(_CHUNK):
            out.write(chunk)
            done += len(chunk)
            progress(done, total, name)


def _note(part: Path) -> Path:
    return part.with_name(part.name + ".json")


def _begun(part: Path, url: str) -> _Begun | None:
    try:
        begun = _Begun(**json.loads(_note(part).read_text(encoding="utf-8")))
    except (FileNotFoundError, ValueError, TypeError):
        return None  # without the note, or with one that was cut by a kill, the download starts anew
    return begun if begun.url == url else None


def _discard(part: Path) -> None:
    part.unlink(missing_ok=True)
    _note(part).unlink(missing_ok=True)


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def sha256_of(path: Path, progress: Progress = no_progress) -> str:
    """Returns the sha256 of a file in hexadecimal, `progress` told the bytes read.

    Example:
        >>> import tempfile
        >>> file = Path(tempfile.mkdtemp()) / "a.zip"
        >>> file.write_bytes(b"abc")
        3
        >>> sha256_of(file)[:8]
        'ba7816bf'
    """
    digest, total, done = hashlib.sha256(), path.stat().st_size, 0
    with path.open("rb") as stream:
        while chunk := stream.read(2**22):
            digest.update(chunk)
            done += len(chunk)
            progress(done, total, f"check {path.name}")
    return digest.hexdigest()


def recorded(folder: Path) -> dict[str, str]:
    """Returns the sums recorded in a folder by file name, none if nothing was recorded.

    Raises:
        UserError: A line of the record is not one.

    Example:
        >>> recorded(Path("nowhere"))
        {}
    """
    file = folder / RECORD
    if not file.exists():
        return {}
    sums = {}
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), start=1):
        digest, _, name = line.partition("  ")
        if len(digest) != 64 or not name:
            raise UserError(f"{file}: line {number} is not 'sha256  name'; delete the line, the sum is recorded again.")
        sums[name] = digest
    return sums


def record(folder: Path, sums: Mapping[str, str]) -> None:
    """Adds sums to the folder's record, or replaces them, in one step.

    Example:
        >>> import tempfile
        >>> folder = Path(tempfile.mkdtemp())
        >>> record(folder, {"a.zip": "0" * 64})
        >>> list(recorded(folder))
        ['a.zip']
    """
    known = recorded(folder)
    if known == {**known, **sums}:
        return
    partial = folder / f".{RECORD}.partial"
    lines = (f"{digest}  {name}\n" for name, digest in sorted({**known, **sums}.items()))
    partial.write_text("".join(lines), encoding="utf-8")
    partial.replace(folder / RECORD)

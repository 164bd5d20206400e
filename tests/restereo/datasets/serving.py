"""A web server on this machine that answers each request as the test says, and remembers what was asked."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Reply:
    """How one request is answered; without any of this, as a good server does.

    Attributes:
        status: What is answered.
        cut: Bytes after which the connection ends.
        length: Whether Content-Length is said.
        ranges: Whether `Range` is heeded at all.
        heeds: Whether `If-Range` is.
        etag: The file's.
        headers: Further ones.
    """

    status: int = 200
    cut: int | None = None
    length: bool = True
    ranges: bool = True
    heeds: bool = True
    etag: str | None = '"one"'
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class Site:
    """The file behind every address, how the next requests are answered (the last reply stays), what was asked."""

    content: bytes
    replies: list[Reply] = field(default_factory=lambda: [Reply()])
    asked: list[dict[str, str]] = field(default_factory=list)
    sent: list[int] = field(default_factory=list)
    url: str = ""

    def ranges(self) -> list[str | None]:
        return [headers.get("range") for headers in self.asked]


@contextmanager
def serving(site: Site) -> Iterator[Site]:
    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

        def do_GET(self) -> None:
            reply = site.replies.pop(0) if len(site.replies) > 1 else site.replies[0]
            site.asked.append({key.lower(): value for key, value in self.headers.items()})
            body, status, start = site.content, reply.status, 0
            asked = self.headers.get("Range", "")
            same = not reply.heeds or self.headers.get("If-Range", reply.etag) == reply.etag
            if status == 200 and asked and reply.ranges and same:
                start = int(asked.removeprefix("bytes=").removesuffix("-"))
                status = 206 if start < len(body) else 416
            whole, body = len(body), b"" if status not in {200, 206} else body[start:]
            site.sent.append(len(body[: reply.cut]))
            self.send_response(status)
            if reply.etag:
                self.send_header("ETag", reply.etag)
            if status == 206:
                self.send_header("Content-Range", f"bytes {start}-{whole - 1}/{whole}")
            if status == 416:
                self.send_header("Content-Range", f"bytes */{whole}")
            if reply.length:
                self.send_header("Content-Length", str(len(body)))
            for key, value in reply.headers.items():
                self.send_header(key, value)
            self.end_headers()
            with suppress(ConnectionError):  # Whoever asked has heard enough.
                self.wfile.write(body[: reply.cut])
            self.close_connection = True

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    site.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield site
    finally:
        server.shutdown()
        server.server_close()
        thread.join()

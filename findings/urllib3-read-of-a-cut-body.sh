#!/usr/bin/env bash
# urllib3 2.8.0: of a body that is cut short, read(amt) and stream(amt) give back less than what had arrived.
#
# A server promises 1,000 bytes and closes after 700. `read(512)` gives 512, then raises: the 188 that had arrived are gone.
# `read(65536)` and `stream(65536)` give nothing at all. Only `read1(512)` gives all 700 before it raises. A download that is to
# go on with a Range request therefore loses up to `amt` bytes at each cut, and with chunks larger than what a bad line
# delivers between two cuts it never gets on. The error says how many bytes were read, but not where they went.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install -q --disable-pip-version-check urllib3==2.8.0
"$folder/env/bin/python" - <<'PY'
import socket
import sys
import threading

import urllib3

SEEN = {"read(512)": 512, "read(65536)": 0, "stream(65536)": 0, "read1(512)": 700}
listener = socket.create_server(("127.0.0.1", 0))


def serve():
    for _ in SEEN:
        connection, _ = listener.accept()
        connection.recv(65536)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n" + bytes(700))
        connection.close()


threading.Thread(target=serve, daemon=True).start()


def received(read):
    url = f"http://127.0.0.1:{listener.getsockname()[1]}/"
    response = urllib3.PoolManager().request("GET", url, preload_content=False, retries=False)
    count = 0
    try:
        for part in iter(lambda: read(response), b""):
            count += len(part)
    except (urllib3.exceptions.ProtocolError, StopIteration):
        pass
    return count


ways = {
    "read(512)": lambda response: response.read(512),
    "read(65536)": lambda response: response.read(65536),
    "stream(65536)": lambda response: next(response.stream(65536)),
    "read1(512)": lambda response: response.read1(512),
}
found = {name: received(read) for name, read in ways.items()}
print("urllib3", urllib3.__version__, found)
sys.exit(found != SEEN)
PY

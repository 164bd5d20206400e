"""Questions to a Prefect server by plain HTTP: its own client takes seconds to import."""

from typing import Any

import urllib3

WAITS = urllib3.Retry(connect=0, read=0, status=8, status_forcelist=(503,), allowed_methods=None, backoff_factor=0.2)
"""A server whose database is busy answers 503, and means: ask again. Prefect's own client does so too. Nothing else is
asked twice: what was posted before a connection broke may have been done."""


def ask(address: str, body: dict[str, Any] | None = None) -> Any:
    """Returns what the server answers, from JSON.

    Args:
        address: The whole address, such as `http://127.0.0.1:4200/api/flow_runs/filter`.
        body: To be posted as JSON; without, the address is read.

    Raises:
        urllib3.exceptions.HTTPError: If there is no server, or it is still busy after eight further tries, 51 s.
        RuntimeError: If it refuses.
    """
    answer = urllib3.request("GET" if body is None else "POST", address, json=body, retries=WAITS, timeout=30)
    if answer.status >= 400:
        raise RuntimeError(f"{address}: status {answer.status}: {answer.data.decode(errors='replace')}")
    return answer.json()

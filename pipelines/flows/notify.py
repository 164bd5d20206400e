"""The outcome of a retraining as a notification: a line in a log, and a message to a web hook."""

import json
import os
import urllib.error
import urllib.request
from datetime import UTC, datetime
from urllib.parse import urlsplit

from pipelines import paths
from restereo.errors import UserError

HOOK = "RESTEREO_WEBHOOK"
SECONDS = 20.0


def notify(message: str) -> str:
    """Returns where a message went, after adding it to `data/logs/notices.log` and sending it to the web hook.

    `RESTEREO_WEBHOOK` is an address that takes `{"text": …}`, as Slack's, Mattermost's and Teams' do. Without it,
    the log is all. The address is a secret: no message holds more of it than the host.

    Raises:
        UserError: The hook refuses, or cannot be reached (this one passes).
    """
    paths.NOTICES.parent.mkdir(parents=True, exist_ok=True)
    with paths.NOTICES.open("a", encoding="utf-8") as log:
        log.write(f"{datetime.now(UTC).isoformat(timespec='seconds')} {' '.join(message.split())}\n")
    hook = os.environ.get(HOOK, "")
    if not hook:
        return f"{paths.NOTICES} ({HOOK} is not set)"
    host = urlsplit(hook).netloc.rpartition("@")[2]
    if not hook.startswith(("http://", "https://")):
        raise UserError(f"{HOOK}: not an address of http or https; correct it.")
    content = json.dumps({"text": message}).encode()
    request = urllib.request.Request(hook, content, {"Content-Type": "application/json"})
    try:
        urllib.request.urlopen(request, timeout=SECONDS).close()
    except urllib.error.HTTPError as error:
        error.close()
        why = f"{HOOK}: {host} answers {error.code}; look whether the address is still right."
        raise UserError(why, passing=error.code >= 500 or error.code == 429) from None
    except OSError as error:
        reason = getattr(error, "reason", error)
        raise UserError(
            f"{HOOK}: {host} cannot be reached ({reason}); the line is in {paths.NOTICES}.", passing=True
        ) from None
    return f"{paths.NOTICES} and {host}"

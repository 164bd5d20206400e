"""The pages of MLflow and Prefect: both servers, and the flow served to the second."""

import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import NoReturn

from pipelines import paths
from pipelines.flows import processes
from pipelines.tracking.client import connect
from pipelines.tracking.store import default_store
from restereo.errors import UserError

HOST = "127.0.0.1"
START_SECONDS = 180.0
PATIENCE = 15.0
TAIL = 15
FLOW = "restereo"
"""Name of the flow that runs stages, and of its deployment."""
RETRAIN = "retrain"
"""Name of the flow that watches, retrains, decides and tells, and of its deployment."""
EXPERIMENTS = "#/experiments?workflowType=machine_learning"
"""MLflow opens on its pages for language models unless its address says otherwise."""
ADDRESS = paths.DATA / "prefect" / "address"
"""Where the running server's address is noted, so that a flow started elsewhere appears on its page."""


@dataclass(frozen=True)
class Server:
    """A program that serves until it is stopped.

    Attributes:
        name: What messages call it; its log is `<name>.log`.
        health: Address that answers once it is up.
    """

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    health: str


def prefect_environment(api: str | None = None) -> dict[str, str]:
    """Returns Prefect's settings: everything under `data/prefect`, whatever profile the user has of their own.

    Args:
        api: Address of a running server; without it a run starts one for itself, which is slow.

    Example:
        >>> prefect_environment("http://127.0.0.1:4200/api")["PREFECT_API_URL"]
        'http://127.0.0.1:4200/api'
    """
    home = (paths.DATA / "prefect").absolute()
    settings = {
        "PREFECT_HOME": str(home),
        "PREFECT_PROFILES_PATH": str(home / "profiles.toml"),
        "PREFECT_SERVER_ALLOW_EPHEMERAL_MODE": "true",
        "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "180",
        "PREFECT_SERVER_UI_SHOW_PROMOTIONAL_CONTENT": "false",
    }
    return settings | ({"PREFECT_API_URL": api} if api else {})


def noted_api() -> str | None:
    """Returns the address of this project's Prefect server, if its pages are open."""
    noted = ADDRESS.read_text(encoding="utf-8").strip() if ADDRESS.is_file() else ""
    return noted if noted and _answers(f"{noted}/health") else None


def prefect_server(port: int, settings: dict[str, str] | None = None) -> Server:
    """Returns a Prefect server on a port of this machine, with further settings.

    Example:
        >>> prefect_server(4200).health
        'http://127.0.0.1:4200/api/health'
    """
    api = f"http://{HOST}:{port}/api"
    mine = {"PREFECT_SERVER_API_HOST": HOST, "PREFECT_SERVER_API_PORT": str(port), "PREFECT_UI_API_URL": api}
    environment = prefect_environment(api) | mine | (settings or {})
    return Server("prefect", [sys.executable, "-m", "prefect", "server", "start"], environment, f"{api}/health")


def mlflow_server(port: int, *options: str, settings: dict[str, str] | None = None) -> Server:
    """Returns an MLflow server on a port of this machine, with further options of its command line."""
    command = [sys.executable, "-m", "mlflow", "server", "--host", HOST, "--port", str(port), "--workers", "1"]
    # Without this, eight idle workers hold memory for nothing.
    jobs = {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
    return Server("mlflow", [*command, *options], jobs | (settings or {}), f"http://{HOST}:{port}/health")


def servers(mlflow_port: int, prefect_port: int, cron: str | None) -> list[Server]:
    """Returns what is started, in this order. Where MLflow's server is elsewhere, none is started.

    Example:
        >>> [server.name for server in servers(5000, 4200, None)][-2:]
        ['prefect', 'flow']
    """
    store, prefect = default_store(), prefect_server(prefect_port)
    api = prefect.environment["PREFECT_API_URL"]
    serve = [sys.executable, "-m", "pipelines.cli", "serve", *(["--cron", cron] if cron else [])]
    poll = {"PREFECT_RUNNER_POLL_FREQUENCY": "2"}  # seconds until a run asked for on the page begins; 10 by default
    flow = Server("flow", serve, prefect_environment(api) | poll, f"{api}/deployments/name/{RETRAIN}/{RETRAIN}")
    if store.artifacts is None:
        return [prefect, flow]
    files = ["--backend-store-uri", store.uri, "--default-artifact-root", store.artifacts]
    return [mlflow_server(mlflow_port, *files), prefect, flow]


def check_port(option: str, port: int) -> None:
    """Raises `UserError` if something listens on the port already."""
    with socket.socket() as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind((HOST, port))
        except OSError:
            raise UserError(
                f"{option}: port {port} is in use; stop what listens there or choose another, "
                f"e.g. {option} {port + 10}."
            ) from None


@contextmanager
def serving(wanted: Sequence[Server], logs: Path = paths.LOGS) -> Iterator[Callable[[], None]]:
    """Yields a check that raises when one of the servers has died; all of them answer by then.

    When the block is left, however that happens, they end in reverse order with all their children.

    Args:
        wanted: What to start.
        logs: Folder for what they print.

    Raises:
        UserError: One did not start. The message says which, and its last lines.
    """
    logs.mkdir(parents=True, exist_ok=True)
    up: list[tuple[Server, subprocess.Popen[str]]] = []

    def fail(server: Server, what: str) -> NoReturn:
        log = logs / f"{server.name}.log"
        lines = [line for line in log.read_text(encoding="utf-8").splitlines() if line.strip()]
        message = f"{log}: the {server.name} server {what}; its last lines say why:"
        raise UserError("\n".join([message, *lines[-TAIL:]]))

    def check() -> None:
        for server, process in up:
            if process.poll() is not None:
                fail(server, f"ended with status {process.returncode}")

    with ExitStack() as stack:
        for server in wanted:
            log = stack.enter_context((logs / f"{server.name}.log").open("w", encoding="utf-8"))
            process = stack.enter_context(processes.start(server.command, log, server.environment))
            stack.callback(processes.stop, process, PATIENCE)
            up.append((server, process))
        end = time.monotonic() + START_SECONDS
        for server in wanted:
            while not _answers(server.health):
                check()
                if time.monotonic() > end:
                    fail(server, f"did not answer within {START_SECONDS:.0f} s")
                time.sleep(0.2)
        yield check


def _answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(address, timeout=2) as answer:
            return bool(answer.status == HTTPStatus.OK)
    except OSError:
        return False


def run(mlflow_port: int, prefect_port: int, cron: str | None, say: Callable[[str], None]) -> None:
    """Runs the servers until Ctrl-C or SIGTERM, then stops all of them.

    Args:
        mlflow_port: Port of MLflow's page.
        prefect_port: Port of Prefect's page.
        cron: Run the flow at these times; None leaves the schedules as they are.
        say: Prints a line for the user.

    Raises:
        UserError: A port is in use, the pages are open already, or a server died.
    """
    wanted = servers(mlflow_port, prefect_port, cron)
    if noted := noted_api():
        raise UserError(f"{ADDRESS}: the pages of this project are open already ({noted}); close them first.")
    check_port("--prefect-port", prefect_port)
    if wanted[0].name == "mlflow":
        check_port("--port", mlflow_port)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    ADDRESS.parent.mkdir(parents=True, exist_ok=True)  # also Prefect's home
    say("Starting the servers (up to half a minute the first time) ...")
    try:
        database = default_store().database
        if database and not database.exists():
            connect()  # MLflow's tables are made whole or not at all; its server would make them in place
        with ExitStack() as stack:
            checks = [stack.enter_context(serving(wanted[:-1]))]
            api = wanted[-1].environment["PREFECT_API_URL"]
            checks.append(stack.enter_context(serving(wanted[-1:])))
            ADDRESS.write_text(f"{api}\n", encoding="utf-8")
            here = wanted[0].name == "mlflow"
            say(f"MLflow   {f'http://{HOST}:{mlflow_port}/{EXPERIMENTS}' if here else default_store().uri}")
            say("         runs, curves, registered models")
            say(f"Prefect  http://{HOST}:{prefect_port}/deployments")
            say(f"         {FLOW}: run stages; {RETRAIN}: retrain what has changed, now or by a schedule")
            say(f"Logs are in {paths.LOGS}. Ctrl-C stops everything.")
            while True:
                for check in checks:
                    check()
                time.sleep(0.5)
    except KeyboardInterrupt:
        say("Stopped.")
    finally:
        ADDRESS.unlink(missing_ok=True)

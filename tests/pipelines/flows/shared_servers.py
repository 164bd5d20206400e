"""PostgreSQL, an S3 endpoint, MLflow and Prefect on loopback, as `deploy/compose.yaml` puts them together.

The S3 endpoint is moto's server: it keeps objects in memory and checks no password.
"""

import os
import pwd
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

import pytest

from pipelines.flows.ui import Server, mlflow_server, prefect_server, serving

BUCKETS = ("mlflow", "dvc")
KEYS = {"AWS_ACCESS_KEY_ID": "restereo", "AWS_SECRET_ACCESS_KEY": "rehearsal", "AWS_DEFAULT_REGION": "us-east-1"}


@final
class Postgres:
    """A PostgreSQL cluster in a folder of its own, with a database for each program."""

    def __init__(self, port: int) -> None:
        found = sorted(Path("/usr/lib/postgresql").glob("*/bin/pg_ctl"))
        if not found:
            pytest.skip("no PostgreSQL here; apt-get install postgresql")
        self._bin, self.port = found[-1].parent, port
        self._folder = Path(tempfile.mkdtemp(prefix="restereo-postgres-"))
        # PostgreSQL refuses to run as root, and Debian's package makes a user for it.
        self._as = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"] if os.getuid() == 0 else []
        if self._as:
            os.chown(self._folder, pwd.getpwnam("postgres").pw_uid, -1)
        self._call("initdb", "-D", f"{self._folder}/data", "-A", "trust", "-U", "restereo", "--no-sync")

    def _call(self, program: str, *arguments: str) -> None:
        command = [*self._as, str(self._bin / program), *arguments]
        with (self._folder / "calls.log").open("a+") as log:
            done = subprocess.run(command, cwd=self._folder, stdout=log, stderr=log, check=False)
            log.seek(0)
            assert done.returncode == 0, log.read()

    def start(self) -> None:
        options = f"-p {self.port} -k {self._folder} -c listen_addresses=127.0.0.1 -c fsync=off"
        log = f"{self._folder}/server.log"
        self._call("pg_ctl", "-D", f"{self._folder}/data", "-o", options, "-l", log, "-w", "start")

    def stop(self) -> None:
        self._call("pg_ctl", "-D", f"{self._folder}/data", "-m", "fast", "-w", "stop")

    def create(self, *databases: str) -> None:
        for database in databases:
            self._call("createdb", "-h", "127.0.0.1", "-p", str(self.port), "-U", "restereo", database)

    def url(self, driver: str, database: str) -> str:
        return f"{driver}://restereo@127.0.0.1:{self.port}/{database}"

    def remove(self) -> None:
        shutil.rmtree(self._folder)


@dataclass(frozen=True)
class Shared:
    """Where the shared servers are."""

    postgres: Postgres
    s3: str
    mlflow: str
    prefect: str

    @property
    def environment(self) -> dict[str, str]:
        """What a clone sets to use them."""
        return KEYS | {"MLFLOW_TRACKING_URI": self.mlflow, "AWS_ENDPOINT_URL_S3": self.s3}

    def bucket(self, name: str) -> Any:
        import boto3

        keys = {"aws_access_key_id": "restereo", "aws_secret_access_key": "rehearsal", "region_name": "us-east-1"}
        return boto3.resource("s3", endpoint_url=self.s3, **keys).Bucket(name)


@contextmanager
def shared_servers(folder: Path, ports: tuple[int, int, int, int]) -> Iterator[Shared]:
    """Yields the addresses of all four; they end with the block."""
    for needed in ("psycopg2", "boto3", "moto"):
        pytest.importorskip(needed, reason=f"{needed} is not installed; pip install 'restereo[servers,dev]'")
    postgres_port, s3_port, mlflow_port, prefect_port = ports
    with ExitStack() as stack:
        postgres = Postgres(postgres_port)
        stack.callback(postgres.remove)
        postgres.start()
        stack.callback(postgres.stop)
        postgres.create("mlflow", "prefect")
        found = Shared(
            postgres,
            f"http://127.0.0.1:{s3_port}",
            f"http://127.0.0.1:{mlflow_port}",
            f"http://127.0.0.1:{prefect_port}/api",
        )
        moto = Server(
            "s3",
            [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(s3_port)],
            {},
            f"{found.s3}/moto-api/",
        )
        stack.enter_context(serving([moto], folder))
        for name in BUCKETS:
            found.bucket(name).create()
        store = ["--backend-store-uri", postgres.url("postgresql+psycopg2", "mlflow")]
        store += ["--artifacts-destination", "s3://mlflow", "--serve-artifacts"]
        mlflow = mlflow_server(mlflow_port, *store, settings=KEYS | {"MLFLOW_S3_ENDPOINT_URL": found.s3})
        database = {"PREFECT_SERVER_DATABASE_CONNECTION_URL": postgres.url("postgresql+asyncpg", "prefect")}
        prefect = prefect_server(prefect_port, database | {"PREFECT_HOME": str(folder)})
        stack.enter_context(serving([mlflow, prefect], folder))
        yield found

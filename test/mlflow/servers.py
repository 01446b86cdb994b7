"""Starts and stops the two servers that the tests talk to."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import sqlite3
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg2

START_SECONDS = 180
STOP_SECONDS = 20

# Ids of experiments begin here on MLflow's server too. Numbers that occur
# nowhere else in an answer can be masked in its texts.
FIRST_EXPERIMENT = 7_000_000_000_001


class Server:
    """A process group that serves, and what it says goes to a file."""

    def __init__(self, command: list[str], log: Path, environment: dict[str, str]) -> None:
        self.log = log
        with log.open("ab") as out:
            self.process = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT, cwd=log.parent,
                                            env=environment, start_new_session=True)

    def wait(self, url: str) -> None:
        """Returns when url answers 200."""
        self.until(lambda: answers(url), url)

    def until(self, ready: Callable[[], Any], what: str) -> Any:
        """Returns the first true value of ready()."""
        end = time.monotonic() + START_SECONDS
        while not (value := ready()):
            if self.process.poll() is not None or time.monotonic() > end:
                self.stop()
                raise RuntimeError(f"{what}: no answer; the server said:\n{self.log.read_text()}")
            time.sleep(0.05)
        return value

    def stop(self) -> None:
        """Ends the processes that this one started, and itself."""
        self.end(signal.SIGTERM, signal.SIGKILL)

    def end(self, *signs: signal.Signals) -> None:
        """Sends one sign after the other until the processes have ended."""
        for sign in signs:
            if self.process.poll() is not None:
                return
            os.killpg(self.process.pid, sign)
            try:
                self.process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                continue


def answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return answer.status == 200
    except (urllib.error.URLError, ConnectionError, TimeoutError):
        return False


def environment() -> dict[str, str]:
    """The environment without what would change a server's behaviour."""
    foreign = re.compile(r"(MLFLOW_|MODELDB_|POSTGRES_|API_|LOG_)|(HOST|PORT|ALLOWED_HOSTS|BODY_LIMIT)$")
    return {name: value for name, value in os.environ.items() if not foreign.match(name)}


def start_mlflow(folder: Path, port: int) -> tuple[Server, str]:
    """Starts MLflow's own server on SQLite with one worker."""
    database = folder / "mlflow.db"
    command = [sys.executable, "-m", "mlflow", "server", "--backend-store-uri", f"sqlite:///{database}",
               "--artifacts-destination", str(folder / "artifacts"), "--workers", "1", "--port", str(port)]
    quiet = {"MLFLOW_DISABLE_TELEMETRY": "true", "DO_NOT_TRACK": "true", "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
    server = Server(command, folder / "mlflow.log", environment() | quiet)
    url = f"http://127.0.0.1:{port}"
    server.wait(url + "/health")
    with sqlite3.connect(database) as db:
        db.execute("insert into experiments (experiment_id, name, artifact_location, lifecycle_stage, creation_time,"
                   " last_update_time) values (?, 'ids begin here', 'x', 'deleted', 1, 1)", [FIRST_EXPERIMENT])
    db.close()
    return server, url


def start_modeldb(folder: Path, database: str | None) -> tuple[Server, str]:
    """Starts Model DB on the records in folder, or in a database of PostgreSQL."""
    binary = os.environ.get("MODELDB_BIN") or Path(__file__).resolve().parents[2] / "bin" / "modeldb"
    command = [os.path.abspath(binary), "serve", "--port", "0", "--data", str(folder / "data")]
    if database is not None:
        command += ["--database", database]
    log = folder / f"modeldb {time.time_ns()}.log"
    server = Server(command, log, environment())
    said = re.compile(r"serves at (http://\S+)")
    found = server.until(lambda: said.search(log.read_text()), "modeldb")
    server.wait(found[1] + "/readyz")
    return server, found[1]


@contextlib.contextmanager
def fresh_database(purpose: str) -> Iterator[str | None]:
    """Lends the address of an empty database where MODELDB_TEST_POSTGRES names a server, else None."""
    address = os.environ.get("MODELDB_TEST_POSTGRES")
    if address is None:
        yield None
        return
    name = f"modeldb_mlflow_{purpose}_{os.getpid()}"
    with contextlib.closing(psycopg2.connect(address)) as db:
        db.autocommit = True
        db.cursor().execute(f"create database {name}")
        server, _, query = address.partition("?")
        yield re.sub(r"(://[^/]*)(/.*)?$", rf"\1/{name}", server) + (f"?{query}" if query else "")
        db.cursor().execute(f"drop database {name} with (force)")

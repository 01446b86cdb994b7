"""Both servers for the tests, once a session."""

from __future__ import annotations

import os
import socket
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest

# Before MLflow is imported: nothing is reported to anybody, and an error of
# the server fails a test at once instead of being tried again for minutes.
os.environ.update({"MLFLOW_DISABLE_TELEMETRY": "true", "DO_NOT_TRACK": "true", "GIT_PYTHON_REFRESH": "quiet",
                   "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0", "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
                   "LOKY_MAX_CPU_COUNT": "1"})
for name in ("MLFLOW_TRACKING_URI", "MLFLOW_REGISTRY_URI", "MLFLOW_EXPERIMENT_NAME", "MLFLOW_EXPERIMENT_ID",
             "MLFLOW_RUN_ID"):
    os.environ.pop(name, None)

import mlflow  # noqa: E402
from mlflow.entities import Experiment  # noqa: E402

from both import Both  # noqa: E402
from servers import fresh_database, start_mlflow, start_modeldb  # noqa: E402
from wire import Door  # noqa: E402


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture(scope="session")
def peer_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """MLflow's own server."""
    server, url = start_mlflow(tmp_path_factory.mktemp("mlflow"), free_port())
    yield url
    server.stop()


@pytest.fixture(scope="session")
def our_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Model DB."""
    with fresh_database("session") as database:
        server, url = start_modeldb(tmp_path_factory.mktemp("modeldb"), database)
        yield url
        server.stop()


@pytest.fixture
def prefix(request: pytest.FixtureRequest) -> str:
    """What begins the names that a test gives, so that no two tests meet."""
    name = request.node.name
    return f"{name[:60]} {zlib.crc32(name.encode()):08x}".replace("/", "-")


@pytest.fixture
def ours(our_url: str) -> Door:
    """Model DB's routes."""
    return Door(our_url)


@pytest.fixture
def both(peer_url: str, our_url: str, prefix: str) -> Both:
    """The two servers, side by side."""
    return Both(Door(peer_url), Door(our_url), prefix)


@pytest.fixture(params=["mlflow", "modeldb"])
def experiment(request: pytest.FixtureRequest, prefix: str) -> Iterator[Experiment]:
    """The active experiment of MLflow's client, which is pointed at one server: MLflow's own, then Model DB."""
    url = request.getfixturevalue({"mlflow": "peer_url", "modeldb": "our_url"}[request.param])
    mlflow.set_tracking_uri(url)
    yield mlflow.set_experiment(prefix)
    while mlflow.active_run():
        mlflow.end_run()

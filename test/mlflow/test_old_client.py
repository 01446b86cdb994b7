"""The oldest client of MLflow 2 works with Model DB, and with the server of today."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

HERE = Path(__file__).parent
PYTHON = HERE / ".venv-old" / "bin" / "python"


@pytest.mark.parametrize("server", ["peer_url", "our_url"])
def test_the_oldest_client_works(request: pytest.FixtureRequest, server: str) -> None:
    assert PYTHON.exists(), f"{PYTHON} is missing: make it from requirements-old.txt"
    url = request.getfixturevalue(server)
    done = subprocess.run([PYTHON, HERE / "run_old_client.py", url], env=os.environ, capture_output=True, text=True,
                          timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert "MLflow 2.0.1 works" in done.stdout

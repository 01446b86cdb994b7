"""Files: the same requests to MLflow's server and to ours."""

from __future__ import annotations

from typing import Any

import pytest

from both import Both, Ours, Ref

FILES = "/api/2.0/mlflow-artifacts/artifacts"
RAW = {"Content-Type": "application/octet-stream"}


def put(both: Both, path: str, data: bytes = b"content", **how: Any) -> None:
    both.call("PUT", f"{FILES}/{path}", data=data, headers=RAW, **how)


@pytest.fixture
def root(both: Both) -> str:
    """The path of the files of a run on both servers."""
    experiment = both.experiment()
    run = both.run(experiment)
    return f"{experiment}/{run}/artifacts"


def run_of(both: Both) -> Ref:
    return both.refs[-1]


@pytest.mark.parametrize("name", ["a.txt", "a", "d/e/f.json", "ä ö.bin", "a+b=c@d,e.csv", "a%20b", "%25", ".hidden", "a..b.txt", "MLmodel", "x.html", "y.svg"])
def test_a_file_reads_alike(both: Both, root: str, name: str) -> None:
    put(both, f"{root}/{name}")
    peer, ours = both.call("GET", f"{FILES}/{root}/{name}", headers={})
    assert ours.headers["Content-Disposition"].startswith("attachment")
    assert ours.headers["X-Content-Type-Options"] == "nosniff"
    both.get("artifacts/list", {"run_id": run_of(both)})
    both.call("GET", FILES, query={"path": root}, headers={})


def test_a_file_of_no_bytes_reads_alike(both: Both, root: str) -> None:
    put(both, f"{root}/empty", b"")
    both.call("GET", f"{FILES}/{root}/empty", headers={})
    both.call("GET", FILES, query={"path": root}, headers={}, differs="a size of 0 is said",
              ours=Ours(says='"file_size": 0'))


def test_a_path_with_two_slashes_is_that_with_one(both: Both, root: str) -> None:
    put(both, f"{root}/d/e/f.txt")
    both.get("artifacts/list", {"run_id": run_of(both), "path": "d//e"}, differs="paths are cleaned",
             ours=Ours(says='"d/e/f.txt"'))


@pytest.mark.parametrize("path", ["", "d", "d/", "d/e", "d/e/f.txt", "a.txt", "x", "d/x"])
def test_a_folder_is_listed_alike(both: Both, root: str, path: str) -> None:
    for name in ("a.txt", "d/b.txt", "d/e/f.txt", "d/e/g.txt", "h/i.txt"):
        put(both, f"{root}/{name}")
    both.get("artifacts/list", {"run_id": run_of(both), "path": path})
    both.get("artifacts/list", {"run_uuid": run_of(both), "path": path})
    both.call("GET", FILES, query={"path": f"{root}/{path}"}, headers={})


def test_a_file_may_be_written_again(both: Both, root: str) -> None:
    put(both, f"{root}/a", b"first")
    put(both, f"{root}/a", b"second time")
    both.call("GET", f"{FILES}/{root}/a", headers={})
    both.call("GET", FILES, query={"path": root}, headers={})


@pytest.mark.parametrize("path", ["a.txt", "d", "d/b.txt", "x", "x/y"])
def test_deleting_is_alike(both: Both, root: str, path: str) -> None:
    for name in ("a.txt", "d/b.txt", "d/e/f.txt"):
        put(both, f"{root}/{name}")
    both.call("DELETE", f"{FILES}/{root}/{path}", headers={})
    both.call("DELETE", f"{FILES}/{root}/{path}", headers={})
    both.get("artifacts/list", {"run_id": run_of(both)})
    both.get("artifacts/list", {"run_id": run_of(both), "path": "d"})


@pytest.mark.parametrize("query", [{}, {"run_id": ""}, {"run_id": "f" * 32}, {"run_id": "x"}])
def test_a_run_that_is_not_there_has_no_files(both: Both, query: dict[str, str]) -> None:
    both.get("artifacts/list", query)


@pytest.mark.parametrize("path", ["../x", "a/../../x", "/etc/passwd", "%2e%2e/x", "%252e%252e/x", "a#b", "..", "c:/x"])
def test_a_path_that_leads_outside_is_refused_alike(both: Both, root: str, path: str) -> None:
    both.get("artifacts/list", {"run_id": run_of(both), "path": path},
             differs="a path says why it is refused", ours=Ours(400, "INVALID_PARAMETER_VALUE", "Invalid path"))


def test_ranges_are_alike(both: Both, root: str) -> None:
    put(both, f"{root}/a", b"0123456789")
    for span in ("bytes=2-4", "bytes=-3", "bytes=7-"):
        both.call("GET", f"{FILES}/{root}/a", headers={"Range": span})


def test_calls_of_other_stores_are_not_there(both: Both, root: str) -> None:
    peer, ours = both.send("POST", f"/api/2.0/mlflow-artifacts/mpu/create/{root}/a", {"path": "a", "num_parts": 2})
    assert (peer.status, peer.body["message"]) == (ours.status, ours.body["message"]) == (501, ours.body["message"])

"""Sends the same requests to both servers and compares the answers.

What a server makes up by itself (ids, times, names, page tokens) is masked. A
difference that is meant has a name in differences.py, and is claimed where it
shows: `differs="name"` with what our server answers instead.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from differences import DIFFERENCES
from wire import Answer, Door

MADE_UP = [
    (re.compile(r"\bm-[0-9a-f]{32}\b"), "<model id>"),
    (re.compile(r"\b[0-9a-f]{32}\b"), "<id>"),
    (re.compile(r"\b(70000\d{8}|\d{15})\b"), "<experiment>"),
    (re.compile(r"^[a-z]+-[a-z]+-\d+$"), "<made-up name>"),
]
TIMES = {"creation_time", "last_update_time", "creation_timestamp_ms", "last_updated_timestamp_ms",
         "creation_timestamp", "last_updated_timestamp"}
WITHOUT_ORDER = {"metrics", "params", "tags", "dataset_inputs", "dataset_summaries", "model_outputs", "latest_versions",
                 "aliases"}
RECENT = 1_700_000_000_000


@dataclass
class Ref:
    """A thing that both servers have under ids of their own."""

    name: str
    values: tuple[str, str]  # MLflow's, ours

    def __str__(self) -> str:
        """The mark that stands for the id in a path or a text, until a request is sent."""
        return "{" + self.name + "}"


@dataclass
class Ours:
    """What our server answers where it differs."""

    status: int = 200
    code: str = ""  # of the error
    says: str = ""  # a regular expression found in the error's message, or in the JSON text of the answer
    check: Callable[[Any], bool] | None = None  # asked of the answer's body

    def verify(self, answer: Answer) -> None:
        said = f"{answer.status} {answer.body}"
        assert answer.status == self.status, said
        if self.status != 200:
            assert isinstance(answer.body, dict) and "error_code" in answer.body, f"not MLflow's error form: {said}"
            assert not self.code or answer.body["error_code"] == self.code, said
        text = answer.body["message"] if self.status != 200 else json.dumps(answer.body, ensure_ascii=False)
        assert re.search(self.says, text), said
        assert self.check is None or self.check(answer.body), said


@dataclass
class Both:
    """MLflow's server and ours."""

    peer: Door
    ours: Door
    prefix: str  # of the names of one test
    refs: list[Ref] = field(default_factory=list)
    made: int = 0

    def name(self, what: str = "x") -> str:
        """Returns a name that no other test has."""
        self.made += 1
        return f"{self.prefix} {what} {self.made}"

    def call(self, method: str, path: str, body: Any = None, query: Any = None, *, data: bytes | str | None = None,
             headers: dict[str, str] | None = None, differs: str | None = None,
             ours: Ours | None = None) -> tuple[Answer, Answer]:
        """Sends one request to both servers, compares the answers and returns them."""
        answers = self.send(method, path, body, query, data=data, headers=headers)
        self.compare(f"{method} {path} {short(body or query or data)}", answers, differs, ours)
        return answers

    def send(self, method: str, path: str, body: Any = None, query: Any = None, *, data: bytes | str | None = None,
             headers: dict[str, str] | None = None) -> tuple[Answer, Answer]:
        """Sends one request to both servers."""
        answers = []
        for at, door in enumerate((self.peer, self.ours)):
            sent, heads = data, {"Content-Type": "application/json"}
            if body is not None:
                sent = json.dumps(self.fill(body, at))
            if headers is not None:
                heads = headers
            elif method == "GET":
                heads = {}
            answers.append(door.send(method, self.fill(path, at), sent, self.fill(query, at), heads))
        return answers[0], answers[1]

    def refused(self, path: str, body: Any = None, *, method: str = "POST", query: Any = None) -> None:
        """Asserts that ours refuses a request: as MLflow does, or where MLflow drops what is wrong."""
        peer, ours = answers = self.send(method, path, body, query)
        if self.shown(peer, 0) == self.shown(ours, 1):
            assert ours.status >= 400, f"{path} {short(body or query)}: {ours.body}"
            return
        assert peer.status in (200, 400, 500), f"{path} {short(body or query)}: {peer.status} {peer.body}"
        self.compare(f"{method} {path} {short(body or query)}", answers, "what is wrong is refused",
                     Ours(400, "INVALID_PARAMETER_VALUE"))

    def faulty(self, path: str, body: Any, *, other_words: bool = False) -> None:
        """Asserts that both refuse a filter or an order in words that begin alike; ours also says what was expected."""
        peer, ours = answers = self.send("POST", path, body)
        request = f"{path} {short(body)}"
        assert peer.status >= 400, f"MLflow takes {request}: {peer.body}"
        self.compare(request, answers, "a fault is told where it is",
                     Ours(400, "INVALID_PARAMETER_VALUE", "expected|must be|contains duplicate"))
        if not other_words and peer.status == 400:
            kind = fault_kind(peer.body["message"])
            assert ours.body["message"].startswith(kind), f"{request}\nMLflow: {peer.body}\nours: {ours.body}"

    def compare(self, request: str, answers: tuple[Answer, Answer], differs: str | None, ours: Ours | None) -> None:
        wanted, got = (self.shown(answer, at) for at, answer in enumerate(answers))
        if differs is None and ours is None:
            differs, ours = peers_fault(answers[0])
        if differs is None:
            assert wanted == got, f"{request}\nMLflow: {wanted}\nours:   {got}"
            return
        assert differs in DIFFERENCES, f"{differs!r} is not named in differences.py"
        assert wanted != got, f"{request}\nno longer differs: {differs}"
        try:
            (ours or Ours()).verify(answers[1])
        except AssertionError as err:
            raise AssertionError(f"{request}\n{differs}: MLflow: {wanted}\nours: {err}") from None

    def post(self, path: str, body: Any, **how: Any) -> tuple[Answer, Answer]:
        return self.call("POST", path, body, **how)

    def get(self, path: str, query: Any = None, **how: Any) -> tuple[Answer, Answer]:
        return self.call("GET", path, query=query, **how)

    def ref(self, name: str, path: str, answers: tuple[Answer, Answer]) -> Ref:
        """Remembers an id of the answers under a name."""
        ref = Ref(name, (answers[0].fine()[path], answers[1].fine()[path]))
        self.refs.append(ref)
        return ref

    def experiment(self, name: str | None = None, **fields: Any) -> Ref:
        answers = self.post("experiments/create", {"name": name or self.name("experiment")} | fields)
        return self.ref(f"<experiment {len(self.refs)}>", "experiment_id", answers)

    def run(self, experiment: Ref | str, **fields: Any) -> Ref:
        answers = self.post("runs/create", {"experiment_id": experiment} | fields)
        return self.ref(f"<run {len(self.refs)}>", "run.info.run_id", answers)

    def registered(self, **fields: Any) -> str:
        """Makes a registered model and returns its name."""
        name = self.name("registered").replace("/", " ").replace(":", " ")
        self.post("registered-models/create", {"name": name} | fields)
        return name

    def version(self, name: str, **fields: Any) -> tuple[Answer, Answer]:
        return self.post("model-versions/create", {"name": name, "source": "s3://bucket/model"} | fields)

    def logged_model(self, experiment: Ref | str, **fields: Any) -> Ref:
        answers = self.post("logged-models", {"experiment_id": experiment} | fields)
        return self.ref(f"<logged model {len(self.refs)}>", "model.info.model_id", answers)

    def read(self, run: Ref) -> tuple[Answer, Answer]:
        return self.get("runs/get", {"run_id": run})

    def log(self, run: Ref, lists: dict[str, Any], **how: Any) -> tuple[Answer, Answer]:
        return self.post("runs/log-batch", {"run_id": run} | lists, **how)

    def fill(self, value: Any, at: int) -> Any:
        """Puts one server's ids in the place of references."""
        match value:
            case Ref():
                return value.values[at]
            case dict():
                return {key: self.fill(item, at) for key, item in value.items()}
            case list() | tuple():
                return [self.fill(item, at) for item in value]
            case str() if "{" in value:
                for ref in self.refs:
                    value = value.replace(str(ref), ref.values[at])
        return value

    def shown(self, answer: Answer, at: int) -> str:
        """The answer as text, without what a server makes up."""
        kind = answer.headers.get("Content-Type", "").partition(";")[0]
        return f"{answer.status} {kind} " + json.dumps(self.mask(answer.body, at), sort_keys=True, ensure_ascii=False)

    def mask(self, value: Any, at: int) -> Any:
        match value:
            case dict():
                return {key: self.member(key, item, at) for key, item in value.items()}
            case list():
                return [self.mask(item, at) for item in value]
            case str():
                return self.mask_text(value, at)
        return value

    def member(self, key: str, value: Any, at: int) -> Any:
        if key == "next_page_token":
            return "<token>"
        if key in TIMES and isinstance(value, int) and value > RECENT:
            return "<now>"
        masked = self.mask(value, at)
        if key in WITHOUT_ORDER and not is_history(masked):
            masked.sort(key=lambda item: json.dumps(item, sort_keys=True))
        return masked

    def mask_text(self, text: str, at: int) -> str:
        for ref in self.refs:
            text = text.replace(ref.values[at], ref.name)
        for pattern, name in MADE_UP:
            text = pattern.sub(name, text)
        return re.sub(r"\{'[^{}]*'\}", sorted_set, text)


def is_history(items: list[Any]) -> bool:
    """Whether a list has several points of one metric, whose order is promised."""
    keys = [item["key"] for item in items if "key" in item and "step" in item]
    return len(keys) > len(set(keys))


def fault_kind(message: str) -> str:
    """What kind of fault a message is about: its words before the first value."""
    return re.split(r"['\"{(]", message)[0]


def peers_fault(answer: Answer) -> tuple[str | None, Ours | None]:
    """The differences that show in MLflow's answer alone."""
    if answer.status >= 500:
        return "no 500 for what will not change", Ours(400, "INVALID_PARAMETER_VALUE")
    if "[SQL: " in str(answer.body):
        return "no SQL in errors", Ours(400, "INVALID_PARAMETER_VALUE", r"^((?!SQL).)*$")
    return None, None


def sorted_set(found: re.Match[str]) -> str:
    """A Python set's text has no order of its own."""
    return "{" + ", ".join(sorted(found[0][1:-1].split(", "))) + "}"


def short(value: Any) -> str:
    text = repr(value)
    return text if len(text) < 400 else text[:200] + " ... " + text[-100:]


"""A small client of Model DB's REST API. It needs the standard library only, so copy it where you like."""

from __future__ import annotations

import http.client
import json
import urllib.error
import urllib.parse
import urllib.request
from typing import Any, Optional

TIMEOUT_SECONDS = 30
Record = dict[str, Any]


class ApiError(Exception):
    """A request that did not succeed; its text says which one, and what the server answered."""


class Api:
    """Requests by their path and body: api.get("models", "id", model_id), api.post("models", model_name=...)."""

    def __init__(self, url: str) -> None:
        self.base = url.rstrip("/") + "/v0.1/api"

    def address(self, *path: str) -> str:
        return "/".join([self.base, *(urllib.parse.quote(part, safe="") for part in path)])

    def get(self, *path: str) -> Any:
        # Reading twice does no harm. A POST is never sent again: the first one may have been carried
        # out although its answer was lost, and an experiment would be there twice.
        return self._send("GET", self.address(*path), tries=2)

    def post(self, *path: str, **body: Any) -> Record:
        return self._send("POST", self.address(*path), json.dumps(body).encode())

    def _send(self, method: str, url: str, body: Optional[bytes] = None, tries: int = 1) -> Any:
        try:
            request = urllib.request.Request(url, body, {"Content-Type": "application/json"}, method=method)
            with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            raise ApiError(f"{method} {url} answered {error.code}: {detail(error.read())}") from error
        except (OSError, http.client.HTTPException) as error:
            if tries > 1:
                return self._send(method, url, body, tries - 1)
            reason = getattr(error, "reason", error)
            raise ApiError(f"{method} {url}: no answer ({reason}). Is Model DB running there?") from error
        except ValueError as error:
            raise ApiError(f"{method} {url}: {error}. Is this the address of Model DB?") from error


def detail(answer: bytes) -> str:
    """What an error answer says: a text, or a list with one entry for each field at fault."""
    try:
        found = json.loads(answer)["detail"]
        if isinstance(found, list):
            return "; ".join(f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in found)
        return str(found)
    except (ValueError, KeyError, TypeError):  # not Model DB's own answer, but a proxy's, say
        return answer.decode(errors="replace")[:500]

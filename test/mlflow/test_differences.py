"""The list of deliberate differences holds what the tests claim, and nothing else."""

from __future__ import annotations

import re
from pathlib import Path

from differences import DIFFERENCES


def test_every_named_difference_is_claimed_and_has_a_reason() -> None:
    here = Path(__file__)
    sources = "".join(path.read_text() for path in here.parent.glob("*.py")
                      if path.name not in ("differences.py", here.name))
    unclaimed = [name for name in DIFFERENCES if f'"{name}"' not in sources]
    assert not unclaimed
    assert set(re.findall(r'differs="([^"]+)"', sources)) <= set(DIFFERENCES) | {"name"}
    assert all(reason.endswith(".") for reason in DIFFERENCES.values())

"""What the lane mail says when a welcome mail does not go."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from handlers.causes.cause import Cause

MAIL: Final[Mapping[str, Cause]] = {}

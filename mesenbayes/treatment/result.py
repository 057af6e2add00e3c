"""What every result of the treatment module can do: become plain data, become a frame."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import pandas as pd


def plain(value: Any) -> Any:
    """Return `value` as dictionaries, lists, numbers, text and None, ready for JSON."""
    if is_dataclass(value) and not isinstance(value, type):
        return {f.name: plain(getattr(value, f.name)) for f in fields(value) if f.repr}
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, np.ndarray):
        return [plain(item) for item in value]
    if isinstance(value, (list, tuple, set, frozenset)):
        return [plain(item) for item in value]
    if isinstance(value, np.generic):
        return plain(value.item())
    if isinstance(value, (datetime.date, datetime.datetime)):
        return value.isoformat()
    if isinstance(value, float):
        return value if np.isfinite(value) else None
    return value


class Result:
    """Mixin of the frozen result classes. A field with ``repr=False`` is not exported."""

    def to_dict(self) -> dict[str, Any]:
        """Return the result as plain data, ready for JSON."""
        data = plain(self)
        assert isinstance(data, dict)
        return data

    def rows(self) -> list[dict[str, Any]]:
        """Return the rows of the table form (one row unless a class says otherwise)."""
        return [self.to_dict()]

    def to_frame(self) -> pd.DataFrame:
        """Return the result as a table."""
        import pandas as pd

        return pd.DataFrame(self.rows())

    def _repr_html_(self) -> str:
        return str(self.to_frame().to_html(index=False))

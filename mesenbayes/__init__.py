"""Bayesian diagnostic reasoning about mesenchymal tumours. For research and teaching.

>>> import mesenbayes as mb
>>> network = mb.load_network("gi-mesenchymal")
>>> network.diagnose({"site": "stomach", "CD117": "negative", "DOG1": "positive"})
... # doctest: +SKIP
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from mesenbayes.diagnosis.case import Case, read_cases
    from mesenbayes.facade import Network, from_pgmpy, load_network
    from mesenbayes.report.diagnosis import Diagnosis

_WHERE = {
    "Case": "mesenbayes.diagnosis.case",
    "Diagnosis": "mesenbayes.report.diagnosis",
    "Network": "mesenbayes.facade",
    "from_pgmpy": "mesenbayes.facade",
    "load_network": "mesenbayes.facade",
    "read_cases": "mesenbayes.diagnosis.case",
}

__all__ = [
    "Case",
    "Diagnosis",
    "Network",
    "__version__",
    "from_pgmpy",
    "load_network",
    "read_cases",
]


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used: ``import mesenbayes`` stays instant."""
    if name in _WHERE:
        from importlib import import_module

        return getattr(import_module(_WHERE[name]), name)
    raise AttributeError(f"module 'mesenbayes' has no attribute '{name}'")

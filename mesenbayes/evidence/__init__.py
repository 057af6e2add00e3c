"""Counts with their sources: reading, checking, pooling."""

from mesenbayes.evidence.base import EvidenceBase, read_evidence
from mesenbayes.evidence.records import AgeSummary, Count, Incidence, JointPattern, Source

__all__ = [
    "AgeSummary",
    "Count",
    "EvidenceBase",
    "Incidence",
    "JointPattern",
    "Source",
    "read_evidence",
]

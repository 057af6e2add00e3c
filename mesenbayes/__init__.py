"""Bayesian diagnostic reasoning about mesenchymal tumours. For research and teaching."""

__version__ = "0.1.0"

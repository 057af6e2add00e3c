"""Sensitivity and uncertainty."""

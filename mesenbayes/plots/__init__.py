"""Pictures of evidence and results; each takes an object and axes, and returns the axes."""

"""From a case to a diagnosis: what it is, how sure, why, and whether it fits."""

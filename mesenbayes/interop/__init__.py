"""The border: other programs' networks and records. Each library is imported where it is used."""

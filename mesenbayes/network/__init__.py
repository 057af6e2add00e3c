"""Variables, tables and the network they form."""

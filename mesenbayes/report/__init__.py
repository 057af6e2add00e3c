"""Results put together for a reader."""

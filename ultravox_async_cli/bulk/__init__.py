"""`get` with many ids."""

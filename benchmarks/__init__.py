"""Side-by-side measurements of the SDK; see README.md."""

"""The documentation site: its pages, and what builds, draws and checks it."""

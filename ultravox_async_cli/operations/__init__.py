"""Commands for the operations of the package, derived from its methods."""

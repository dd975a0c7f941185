"""`ultravox doctor`."""

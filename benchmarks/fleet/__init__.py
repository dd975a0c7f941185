"""Four processes with one key, which share its rate through Valkey."""

"""`ultravox sip registrations apply`."""

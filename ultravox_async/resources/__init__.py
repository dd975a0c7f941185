"""The operations of the API, one module for each tag of the API."""

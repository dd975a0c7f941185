"""The exit codes for the errors of the package."""

from ultravox_async import (
    AuthenticationError,
    ConfigurationError,
    InvalidRequestError,
    NotFoundError,
    PermissionDeniedError,
    UltravoxError,
)
from ultravox_async_cli.errors import ExitCode


def exit_code_of(error: UltravoxError) -> ExitCode:
    """Return the exit code that an error of the package stands for."""
    if isinstance(error, AuthenticationError | PermissionDeniedError):
        return ExitCode.AUTHENTICATION
    if isinstance(error, NotFoundError):
        return ExitCode.NOT_FOUND
    if isinstance(error, InvalidRequestError | ConfigurationError):
        return ExitCode.USAGE
    return ExitCode.FAILED

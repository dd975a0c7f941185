import inspect
import re
from collections.abc import Iterator
from types import ModuleType
from typing import cast

import pytest

import ultravox_async
from ultravox_async import errors, settings, types

DESIGNED = {
    "APIConnectionError",
    "APIStatusError",
    "APITimeoutError",
    "AgentAllowance",
    "AsyncUltravox",
    "AuthenticationError",
    "BadRequestError",
    "ClientClosedError",
    "ConfigurationError",
    "ConflictError",
    "DecodeError",
    "FallbackHandler",
    "Ids",
    "InvalidRequestError",
    "NotFoundError",
    "Page",
    "Pager",
    "PaymentRequiredError",
    "PermissionDeniedError",
    "RateLimit",
    "RateLimitError",
    "RetryPolicy",
    "ServerError",
    "SipConfig",
    "SipConfigChanges",
    "SipRegistration",
    "SipRegistrationChanges",
    "Timeout",
    "TooEarlyError",
    "UltravoxError",
    "UnprocessableEntityError",
    "Via",
}


def public_classes() -> list[type]:
    found = [getattr(ultravox_async, name) for name in ultravox_async.__all__]
    classes = [one for one in found if isinstance(one, type)]
    # Resources are attributes of the client, and not names of the package.
    client = ultravox_async.AsyncUltravox("a-key")
    return [*classes, *resources_of(client), *resources_of(client.sip)]


def resources_of(owner: object) -> list[type]:
    classes: list[type] = [type(value) for value in cast("dict[str, object]", vars(owner)).values()]
    return [cls for cls in classes if cls.__module__.startswith("ultravox_async.resources.")]


def public_members() -> Iterator[tuple[str, object]]:
    for cls in public_classes():
        for name, member in vars(cls).items():
            if not name.startswith("_") and (inspect.isfunction(member) or isinstance(member, property)):
                yield f"{cls.__qualname__}.{name}", member


def test_every_name_of_the_design_can_be_imported() -> None:
    assert set(ultravox_async.__all__) >= DESIGNED


def test_all_is_sorted_and_says_nothing_twice() -> None:
    assert ultravox_async.__all__ == sorted(set(ultravox_async.__all__))


def test_all_is_what_the_package_imports_for_its_users() -> None:
    namespace = vars(ultravox_async).items()
    public = {name for name, value in namespace if not name.startswith("_") and not isinstance(value, ModuleType)}
    assert public | {"__version__"} == set(ultravox_async.__all__)


@pytest.mark.parametrize("module", [errors, settings, types])
def test_every_error_setting_and_type_is_a_name_of_the_package(module: ModuleType) -> None:
    classes = {
        name: value
        for name, value in vars(module).items()
        if isinstance(value, type) and not name.startswith("_") and value.__module__.startswith(module.__name__)
    }
    assert classes
    assert {name: getattr(ultravox_async, name, None) for name in classes} == classes


def test_the_version_is_one() -> None:
    assert re.fullmatch(r"[0-9]+\.[0-9]+\.[0-9]+([a-z]+[0-9]+)?", ultravox_async.__version__)


def test_the_resources_are_among_what_is_looked_at() -> None:
    assert {"Sip", "SipRegistrations", "AsyncUltravox"} <= {cls.__name__ for cls in public_classes()}


@pytest.mark.parametrize("cls", public_classes(), ids=lambda cls: cls.__qualname__)
def test_every_public_class_has_a_docstring_of_its_own(cls: type) -> None:
    # attrs and Exception hand their own docstrings down.
    assert (vars(cls).get("__doc__") or "").strip()


@pytest.mark.parametrize("member", [pytest.param(found, id=name) for name, found in public_members()])
def test_every_public_method_has_a_docstring(member: object) -> None:
    assert (member.__doc__ or "").strip()


def test_there_are_methods_to_look_at() -> None:
    names = {name for name, _ in public_members()}
    assert len(names) >= 15
    assert {"AsyncUltravox.close", "SipRegistrations.get", "Sip.get_config", "Pager.pages", "Response.json"} <= names
    assert {"Sweep.collect", "Outcome.unwrap"} <= names


def test_the_docstrings_of_the_resources_name_each_argument() -> None:
    for name, member in public_members():
        if inspect.isfunction(member) and is_resource_function(member):
            arguments = [argument for argument in inspect.signature(member).parameters if argument != "self"]
            assert [one for one in arguments if f"{one}:" not in (member.__doc__ or "")] == [], name


def is_resource_function(member: object) -> bool:
    return getattr(member, "__module__", "").startswith("ultravox_async.resources.")

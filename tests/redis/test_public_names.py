import sys
from importlib import import_module
from types import ModuleType

import pytest

from ultravox_async import redis


def test_without_the_extra_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.startswith("ultravox_async.redis")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "redis", None)
    monkeypatch.setitem(sys.modules, "redis.asyncio", None)
    with pytest.raises(ImportError, match=r"pip install 'ultravox-async\[redis\]'"):
        import_module("ultravox_async.redis")


def test_all_is_sorted_and_complete() -> None:
    public = {name for name, value in vars(redis).items() if name[0] != "_" and not isinstance(value, ModuleType)}
    assert redis.__all__ == sorted(public)
    assert len(public) >= 2


def test_each_class_and_each_public_method_has_a_docstring() -> None:
    classes: list[type] = [getattr(redis, name) for name in redis.__all__]
    members: list[object] = [member for cls in classes for name, member in vars(cls).items() if name[0] != "_"]
    assert len(members) >= 10
    assert [each for each in (*classes, *members) if not (each.__doc__ or "").strip()] == []

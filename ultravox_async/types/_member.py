"""Objects of which one member is set: a constructor for each member, with the name of the member."""

from collections.abc import Callable
from functools import wraps
from typing import Any, Generic, ParamSpec, TypeVar, cast, overload

import attrs

from ultravox_async.types._object import WireObject

P = ParamSpec("P")
Owner = TypeVar("Owner")
Value = TypeVar("Value")


class Member(Generic[P, Value]):
    """A constructor on the class, and the value of the member on an instance.

    ``CallMedium.twilio(...)`` makes an object with only this member, which is made from the arguments;
    ``medium.twilio`` is the member. An attrs field cannot have the name of a constructor as well, so the value is in
    the field of the same name with an underscore behind it, whose alias is the name itself::

        @attrs.define(repr=False)
        class CallMedium(OneOf):
            twilio_: TwilioMedium | None = attrs.field(default=None, alias="twilio")

            twilio = Member(TwilioMedium)

    Args:
        make: Makes the value of the member; its parameters are those of the constructor.
    """

    def __init__(self, make: Callable[P, Value]) -> None:
        self._make = make
        self._name = ""

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    @overload
    def __get__(self, instance: None, owner: type[Owner]) -> Callable[P, Owner]: ...

    @overload
    def __get__(self, instance: object, owner: type) -> Value | None: ...

    def __get__(self, instance: object | None, owner: type[Any]) -> object:
        if instance is not None:
            return getattr(instance, f"{self._name}_")

        @wraps(self._make)  # for help() and inspect.signature()
        def construct(*args: P.args, **fields: P.kwargs) -> Any:  # noqa: ANN401 - an `owner`
            return owner(**{self._name: self._make(*args, **fields)})

        return construct

    def __set__(self, instance: object, value: Value | None) -> None:
        setattr(instance, f"{self._name}_", value)


class OneOf(WireObject):
    """An object of which one member is set; only that one is in its repr."""

    __slots__ = ()

    def __repr__(self) -> str:
        members = attrs.fields(cast("type[attrs.AttrsInstance]", type(self)))
        values = ((member.alias, getattr(self, member.name)) for member in members)
        shown = ", ".join(f"{name}={value!r}" for name, value in values if value is not None)
        return f"{type(self).__name__}({shown})"

"""Writes YAML."""

from typing import Any, Final

import yaml

# The one in C is quicker, and PyYAML can be built without it.
_DUMPER: Final[Any] = getattr(yaml, "CSafeDumper", yaml.SafeDumper)


def yaml_text(value: object) -> str:
    """Return a value as YAML, in the order of its fields."""
    text: str = yaml.dump(value, Dumper=_DUMPER, sort_keys=False, allow_unicode=True)  # pyright: ignore[reportUnknownMemberType] - in its stubs
    return text

"""Writes YAML."""

import yaml


def yaml_text(value: object) -> str:
    """Return a value as YAML, in the order of its fields."""
    text: str = yaml.safe_dump(value, sort_keys=False, allow_unicode=True)  # pyright: ignore[reportUnknownMemberType] - in its stubs
    return text

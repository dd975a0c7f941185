"""The markers in the annotations of `ultravox_async.types`, for tools that are derived from them.

`typing.get_type_hints(SomeTypedDict, include_extras=True)` returns them, beside those of the package annotated-types,
such as ``MaxLen``. The command line, for example, never takes what is `Sensitive` from its arguments.
"""

from ultravox_async.types._markers import Alternative, ExactlyOne, Format, InQuery, Marker, Sensitive, WireName

__all__ = ["Alternative", "ExactlyOne", "Format", "InQuery", "Marker", "Sensitive", "WireName"]

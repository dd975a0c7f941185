"""Reads bodies that are forms."""

from collections.abc import Iterator, Mapping
from email.message import Message
from email.parser import BytesHeaderParser
from urllib.parse import parse_qsl

import attrs

from ultravox_async.testing._routing import ApiRequest
from ultravox_async.testing._validation import Invalid, json_object
from ultravox_async.testing._wire import Json


@attrs.frozen
class FormFile:
    """A file that was sent in a form."""

    content_type: str
    """Its media type."""

    content: bytes = attrs.field(repr=False)
    """Its bytes."""


@attrs.frozen
class Form:
    """A multipart form."""

    fields: Mapping[str, Json]
    """The texts in it, by name."""

    files: Mapping[str, FormFile]
    """The files in it, by name."""

    def errors_of_file(self, name: str) -> dict[str, Json]:
        """What is wrong with a file that has to be in the form; empty if it is there."""
        file = self.files.get(name)
        if file is not None:
            return {} if file.content else {name: ["The submitted file is empty."]}
        if name in self.fields:
            return {name: ["The submitted data was not a file. Check the encoding type on the form."]}
        return {name: ["No file was submitted."]}


def is_multipart(request: ApiRequest) -> bool:
    """Whether the body of a request is a multipart form, by its Content-Type."""
    return _content_type(request).get_content_type() == "multipart/form-data"


def read_multipart(request: ApiRequest) -> Form:
    """The multipart form that a request has; of several parts of the same name, the last one counts.

    Raises:
        Invalid: the body is not such a form.
    """
    try:
        return _form_in(request)
    except (TypeError, ValueError):
        # The email package fails for some parameters of headers, such as one with a number of 5,000 digits in its name.
        raise Invalid({"detail": "Multipart form parse error - Invalid parameter of a header"}) from None


def read_fields(request: ApiRequest) -> dict[str, Json]:
    """The fields of a request that may be JSON or a URL-encoded form; a request without a body has none.

    Raises:
        Invalid: the body is not a JSON object, and its Content-Type does not say that it is a form.
    """
    if _content_type(request).get_content_type() == "application/x-www-form-urlencoded":
        return dict(parse_qsl(request.body.decode(errors="replace"), keep_blank_values=True))
    return json_object(request.body) if request.body else {}


def _form_in(request: ApiRequest) -> Form:
    boundary = _content_type(request).get_param("boundary")
    if not isinstance(boundary, str) or not boundary:
        raise Invalid({"detail": "Multipart form parse error - Invalid boundary in multipart"})
    fields: dict[str, Json] = {}
    files: dict[str, FormFile] = {}
    for headers, content in _parts(request.body, boundary.encode()):
        name = str(headers.get_param("name", "", "content-disposition"))
        # Not `get_filename`: it decodes the name, and fails for many a charset that the form can name.
        if headers.get_param("filename", header="content-disposition") is None:
            fields[name] = content.decode(errors="replace")
        else:
            files[name] = FormFile(headers.get_content_type(), content)
    return Form(fields, files)


def _content_type(request: ApiRequest) -> Message:
    message = Message()
    message["Content-Type"] = request.headers.get("Content-Type", "")
    return message


def _parts(body: bytes, boundary: bytes) -> Iterator[tuple[Message, bytes]]:
    _preamble, *parts = (b"\r\n" + body).split(b"\r\n--" + boundary)
    if not parts or not parts[-1].startswith(b"--"):
        raise Invalid({"detail": "Multipart form parse error - The form does not end with its boundary"})
    for part in parts[:-1]:
        headers, _, content = part.partition(b"\r\n\r\n")
        yield BytesHeaderParser().parsebytes(headers.lstrip()), content

"""The schema of the API: an OpenAPI document without any operations, which the emulator does not describe."""

import orjson

from ultravox_async.testing._routing import ApiRequest
from ultravox_async.testing._wire import Answer, Json, json_answer

_DOCUMENT: Json = {"openapi": "3.0.3", "info": {"title": "Emulated Ultravox API", "version": "1"}, "paths": {}}


def show_schema(request: ApiRequest) -> Answer:
    """Show the document, in the format that the request asks for."""
    if request.query.get("format") == "yaml":
        # All JSON is YAML too.
        return Answer(200, orjson.dumps(_DOCUMENT), {"Content-Type": "application/yaml"})
    return json_answer(200, _DOCUMENT)

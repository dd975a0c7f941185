"""Operations of the emulator that answer with something other than JSON, or take it."""

import io
import wave
from typing import Any
from xml.etree import ElementTree as ET

import aiohttp
import pytest

from ultravox_async.testing import Emulator

LILY: dict[str, Any] = {"lmnt": {"voiceId": "lily"}}


async def posted(
    api: aiohttp.ClientSession,
    path: str,
    status: int = 201,
    **body: Any,  # noqa: ANN401 - of any kind
) -> Any:  # noqa: ANN401 - JSON
    async with api.post(path, **body) as response:
        assert response.status == status
        return await response.json()


async def location(api: aiohttp.ClientSession, path: str) -> str:
    async with api.get(path, allow_redirects=False) as response:
        assert response.status == 302
        return response.headers["Location"]


async def download(url: str) -> tuple[str, bytes]:
    async with aiohttp.ClientSession() as http, http.get(url) as response:
        assert response.status == 200
        return response.content_type, await response.read()


def parameters_of(audio: bytes) -> tuple[int, int, int, float]:
    """Return the number of channels, the bytes of a sample, the sample rate and the length in seconds."""
    with wave.open(io.BytesIO(audio)) as file:
        assert len(file.readframes(file.getnframes())) == file.getnframes() * file.getsampwidth()
        return file.getnchannels(), file.getsampwidth(), file.getframerate(), file.getnframes() / file.getframerate()


def form(**fields: Any) -> aiohttp.FormData:  # noqa: ANN401 - texts and files
    data = aiohttp.FormData(default_to_multipart=True)
    for name, value in fields.items():
        if isinstance(value, bytes):
            data.add_field(name, value, filename=f"{name}.bin", content_type="application/octet-stream")
        else:
            data.add_field(name, value)
    return data


async def test_a_voice_is_spoken_without_being_created(api: aiohttp.ClientSession) -> None:
    async with api.post("/api/voice_preview", json={"name": "x", "definition": LILY}) as response:
        assert (response.status, response.content_type) == (200, "audio/wav")
        assert parameters_of(await response.read()) == (1, 2, 8000, 2.0)
    errors = await posted(api, "/api/voice_preview", 400, json={"name": "x", "definition": {}})
    assert errors == {"definition": ["Exactly one of these fields is required."]}


async def test_a_sample_of_a_voice_is_in_the_storage(emulator: Emulator, api: aiohttp.ClientSession) -> None:
    ids = [(await posted(api, "/api/voices", json={"name": name, "definition": LILY}))["voiceId"] for name in "ab"]
    urls = [await location(api, f"/api/voices/{voice_id}/preview") for voice_id in ids]
    assert urls[0].startswith(f"{emulator.storage.base_url}/voices/{ids[0]}.wav?signature=")
    samples = [await download(url) for url in urls]
    assert samples[0][0] == "audio/wav"
    assert parameters_of(samples[0][1]) == (1, 2, 8000, 2.0)
    assert samples[0] != samples[1]
    assert samples[0] == await download(await location(api, f"/api/voices/{ids[0]}/preview"))


async def test_a_file_that_a_test_has_added_is_offered(emulator: Emulator, api: aiohttp.ClientSession) -> None:
    voice_id = (await posted(api, "/api/voices", json={"name": "a", "definition": LILY}))["voiceId"]
    emulator.storage.add(f"voices/{voice_id}.wav", b"made up", "audio/x-test")
    assert await download(await location(api, f"/api/voices/{voice_id}/preview")) == ("audio/x-test", b"made up")


async def test_a_voice_is_cloned_from_a_sample(api: aiohttp.ClientSession) -> None:
    sample = b"\r\n--a\x00\xff\n\r\r\n"
    clone = await posted(api, "/api/voices", data=form(file=sample, name="Me", language="de"))
    assert (clone["name"], clone["primaryLanguage"], clone["ownership"]) == ("Me", "de", "private")
    assert clone["billingStyle"] == "VOICE_BILLING_STYLE_INCLUDED"
    assert clone["description"]
    async with api.patch(f"/api/voices/{clone['voiceId']}", json={"description": "Mine"}) as response:
        assert await response.json() == {**clone, "description": "Mine"}


@pytest.mark.parametrize(
    ("fields", "errors"),
    [
        ({}, {"file": ["No file was submitted."], "name": ["This field is required."]}),
        ({"name": "Me"}, {"file": ["No file was submitted."]}),
        ({"name": "Me", "file": b""}, {"file": ["The submitted file is empty."]}),
        ({"file": b"x"}, {"name": ["This field is required."]}),
        ({"name": "x" * 41, "file": b"x"}, {"name": ["Ensure this field has no more than 40 characters."]}),
        ({"name": "Taken", "file": b"x"}, {"name": ["A voice with this name already exists."]}),
        (
            {"name": "Me", "file": "text"},
            {"file": ["The submitted data was not a file. Check the encoding type on the form."]},
        ),
    ],
)
async def test_a_clone_needs_a_sample_and_a_name_of_its_own(
    api: aiohttp.ClientSession, fields: dict[str, Any], errors: dict[str, Any]
) -> None:
    await posted(api, "/api/voices", json={"name": "Taken", "definition": LILY})
    assert await posted(api, "/api/voices", 400, data=form(**fields)) == errors


async def test_two_voices_cannot_have_the_same_name(api: aiohttp.ClientSession) -> None:
    first = await posted(api, "/api/voices", json={"name": "a", "definition": LILY})
    second = await posted(api, "/api/voices", json={"name": "b", "definition": LILY})
    async with api.patch(f"/api/voices/{second['voiceId']}", json={"name": "a"}) as response:
        assert response.status == 400
    async with api.patch(f"/api/voices/{first['voiceId']}", json={"name": "a"}) as response:
        assert response.status == 200


@pytest.mark.parametrize(
    ("content_type", "body", "error"),
    [
        ("multipart/form-data", b"--a--", "Invalid boundary"),
        ("multipart/form-data; boundary=a", b"", "does not end with its boundary"),
        ("multipart/form-data; boundary=a", b"--a\r\n\r\nx\r\n", "does not end with its boundary"),
    ],
)
async def test_a_form_that_is_not_complete_is_refused(
    api: aiohttp.ClientSession, content_type: str, body: bytes, error: str
) -> None:
    errors = await posted(api, "/api/voices", 400, data=body, headers={"Content-Type": content_type})
    assert error in errors["detail"]


@pytest.mark.parametrize(
    "parameter",
    [
        b"filename*=idna''a.b",
        b"filename*=punycode''a",
        b"filename*=undefined''a",
        b"filename*=no-charset''a",
        b"filename*=a\x00b''a",
        b"filename*0*=idna''a; filename*1*=b",
    ],
)
async def test_a_file_may_have_a_name_that_nobody_can_decode(api: aiohttp.ClientSession, parameter: bytes) -> None:
    headers = {"Content-Type": "multipart/form-data; boundary=a"}
    name = b"--a\r\nContent-Disposition: form-data; name=name\r\n\r\nMe\r\n"
    file = b"--a\r\nContent-Disposition: form-data; name=file; " + parameter + b"\r\n\r\n%b\r\n--a--"
    clone = await posted(api, "/api/voices", data=name + file % b"a sample", headers=headers)
    assert clone["name"] == "Me"
    first, _ = await posted(api, "/api/tools", data=file % OPENAPI_JSON, headers=headers)
    assert first["name"] == "getOrder"


@pytest.mark.parametrize("path", ["/api/voices", "/api/tools"])
@pytest.mark.parametrize(
    ("of_form", "of_part"),
    [
        (f"boundary*{'9' * 5000}=a", "name=file"),
        ("boundary=a", f"name*{'9' * 5000}=file"),
        ("boundary=a", "name=file; filename*=utf-8''a; filename*1*=b"),
    ],
)
async def test_a_header_of_a_form_that_cannot_be_read_is_refused(
    api: aiohttp.ClientSession, path: str, of_form: str, of_part: str
) -> None:
    body = f"--a\r\nContent-Disposition: form-data; {of_part}\r\n\r\nx\r\n--a--"
    headers = {"Content-Type": f"multipart/form-data; {of_form}"}
    errors = await posted(api, path, 400, data=body, headers=headers)
    assert errors == {"detail": "Multipart form parse error - Invalid parameter of a header"}


OPENAPI_JSON = b"""{
    "openapi": "3.0.0",
    "servers": [{"url": "https://example.com/v1/"}, {"url": "https://example.org"}],
    "paths": {
        "/orders/{id}": {
            "parameters": [],
            "get": {
                "operationId": "getOrder",
                "summary": "Look up an order",
                "parameters": [
                    {"name": "id", "in": "path", "required": true, "schema": {"type": "string"}},
                    {"name": "X-Trace", "in": "header"},
                    {"name": "session", "in": "cookie"}
                ]
            },
            "post": {
                "description": "Change an order",
                "requestBody": {"content": {"application/json": {"schema": {
                    "properties": {"note": {"type": "string"}, "count": {"type": "integer"}},
                    "required": ["note"]
                }}}}
            }
        }
    }
}"""


async def test_each_operation_of_an_openapi_document_becomes_a_tool(api: aiohttp.ClientSession) -> None:
    first, second = await posted(api, "/api/tools", data=form(file=OPENAPI_JSON))
    assert first["definition"] == {
        "modelToolName": "getOrder",
        "description": "Look up an order",
        "dynamicParameters": [
            {"name": "id", "location": "PARAMETER_LOCATION_PATH", "schema": {"type": "string"}, "required": True},
            {"name": "X-Trace", "location": "PARAMETER_LOCATION_HEADER", "schema": {}, "required": False},
        ],
        "http": {"baseUrlPattern": "https://example.com/v1/orders/{id}", "httpMethod": "GET"},
    }
    assert second["name"] == "post_https_example_com_v1_orders_id_"
    assert second["definition"]["description"] == "Change an order"
    parameters = second["definition"]["dynamicParameters"]
    assert [(one["name"], one["location"], one["required"]) for one in parameters] == [
        ("note", "PARAMETER_LOCATION_BODY", True),
        ("count", "PARAMETER_LOCATION_BODY", False),
    ]
    async with api.get(f"/api/tools/{first['toolId']}") as response:
        assert await response.json() == first


async def test_an_openapi_document_of_one_operation_is_one_tool_and_may_be_yaml(api: aiohttp.ClientSession) -> None:
    document = b"""
# An API
openapi: 3.0.0
paths:
  '/orders':  # all of them
    get:
      operationId: "listOrders"
      summary: List the orders
      responses:
        '200': {description: Fine}
      parameters:
        - name: page
          in: query
components:
  schemas:
    Order:
      type: object
"""
    tool = await posted(api, "/api/tools", data=form(file=document))
    assert (tool["name"], tool["definition"]["description"]) == ("listOrders", "List the orders")
    assert tool["definition"]["http"] == {"baseUrlPattern": "/orders", "httpMethod": "GET"}


@pytest.mark.parametrize("document", [b"[]", b"{}", b'{"paths": {"/a": {"get": 1}}, "servers": 1}', b"\xff", b"a: b"])
async def test_a_file_without_operations_is_refused(api: aiohttp.ClientSession, document: bytes) -> None:
    errors = await posted(api, "/api/tools", 400, data=form(file=document))
    assert errors == {"file": ["The file is not an OpenAPI document with operations, in JSON or YAML."]}


async def test_an_import_needs_a_file(api: aiohttp.ClientSession) -> None:
    assert await posted(api, "/api/tools", 400, data=form(name="x")) == {"file": ["No file was submitted."]}


@pytest.mark.parametrize(
    ("body", "context"),
    [
        ({"data": {"CallSid": "CA1", "From": "+1 2&3"}}, {"CallSid": "CA1", "From": "+1 2&3"}),
        ({"json": {"CallUUID": "u"}}, {"CallUUID": "u"}),
        ({}, {}),
    ],
)
async def test_a_telephony_provider_is_told_how_to_connect_the_call_of_an_agent(
    api: aiohttp.ClientSession, body: dict[str, Any], context: dict[str, str]
) -> None:
    agent = await posted(api, "/api/agents", json={"name": "a"})
    async with api.post(f"/api/agents/{agent['agentId']}/telephony_xml", **body) as response:
        assert (response.status, response.content_type) == (200, "text/xml")
        stream = ET.fromstring(await response.text()).find("Connect/Stream")  # noqa: S314 - it is the emulator's
    async with api.get(f"/api/agents/{agent['agentId']}/calls") as response:
        (call,) = (await response.json())["results"]
    assert stream is not None
    assert stream.get("url") == call["joinUrl"]
    assert call["medium"] == {"twilio": {}}
    assert call["requestContext"] == {"ultravox": {"twilio": context}}


async def test_a_source_of_documents_that_were_not_uploaded_is_refused(api: aiohttp.ClientSession) -> None:
    corpus = await posted(api, "/api/corpora", json={"name": "a"})
    path = f"/api/corpora/{corpus['corpusId']}"
    upload = await posted(api, f"{path}/uploads", json={"mimeType": "text/plain"})
    document_id = upload["documentId"]
    missing = [f"The document {document_id} was not uploaded."]
    errors = await posted(api, f"{path}/sources", 400, json={"upload": {"documentIds": [document_id]}})
    assert errors == {"upload": {"documentIds": missing}}
    documents = [{"documentId": document_id}]
    errors = await posted(api, f"{path}/sources", 400, json={"advanced": {"documents": documents}})
    assert errors == {"advanced": {"documents": missing}}
    async with api.get(f"{path}/sources") as response:
        assert (await response.json())["results"] == []

import asyncio
import sys
from collections.abc import Iterator, Mapping
from importlib import import_module

import attrs
import pytest
from opentelemetry.instrumentation.aiohttp_client import AioHttpClientInstrumentor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import HistogramDataPoint, InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode
from yarl import URL

from tests.wire import KEY, WAIT, Wire, answer, client_of, in_turn
from ultravox_async import NotFoundError
from ultravox_async.otel import OpenTelemetryObserver

TEMPLATE = "/api/sip/registrations/{registration_id}"
REGISTRATION = {
    "registrationId": "some-id",
    "created": "2026-07-02T10:00:00Z",
    "username": "alice",
    "proxy": "sip.example.com",
}
OK = answer(200, REGISTRATION)


@attrs.frozen
class Telemetry:
    """What was exported."""

    observer: OpenTelemetryObserver
    tracer_provider: TracerProvider
    exporter: InMemorySpanExporter
    reader: InMemoryMetricReader

    @property
    def spans(self) -> list[ReadableSpan]:
        """In the order in which they began."""
        return sorted(self.exporter.get_finished_spans(), key=lambda span: (span.parent is not None, span.start_time))

    def points(self, name: str) -> list[HistogramDataPoint]:
        data = self.reader.get_metrics_data()
        found = (
            []
            if data is None
            else [
                point
                for of_resource in data.resource_metrics
                for of_scope in of_resource.scope_metrics
                for metric in of_scope.metrics
                if metric.name == name
                for point in metric.data.data_points
            ]
        )
        assert all(isinstance(point, HistogramDataPoint) for point in found)
        return [point for point in found if isinstance(point, HistogramDataPoint)]


@pytest.fixture
def telemetry() -> Telemetry:
    exporter = InMemorySpanExporter()
    tracer_provider = TracerProvider()
    tracer_provider.add_span_processor(SimpleSpanProcessor(exporter))
    reader = InMemoryMetricReader()
    observer = OpenTelemetryObserver(tracer_provider, MeterProvider([reader]))
    return Telemetry(observer, tracer_provider, exporter, reader)


def attributes_of(span: ReadableSpan) -> Mapping[str, object]:
    return span.attributes or {}


async def test_a_request_is_a_span_with_its_attempts_below_it(telemetry: Telemetry) -> None:
    async with (
        Wire(in_turn(answer(503), OK)) as wire,
        client_of(wire.base_url, observers=[telemetry.observer]) as ultravox,
    ):
        await ultravox.sip.registrations.get("some-id")
        url = URL(wire.base_url)
    request, first, second = telemetry.spans
    where = {
        "http.request.method": "GET",
        "url.template": TEMPLATE,
        "server.address": "127.0.0.1",
        "server.port": url.port,
        "url.full": f"{wire.base_url}/api/sip/registrations/some-id",
    }
    assert (request.name, request.kind, request.parent) == (f"GET {TEMPLATE}", SpanKind.INTERNAL, None)
    assert attributes_of(request) == {**where, "http.response.status_code": 200, "http.request.resend_count": 1}
    assert (first.name, first.kind, first.status.status_code) == ("GET", SpanKind.CLIENT, StatusCode.ERROR)
    assert attributes_of(first) == {**where, "http.response.status_code": 503, "error.type": "503"}
    assert attributes_of(second) == {**where, "http.response.status_code": 200, "http.request.resend_count": 1}
    assert request.context is not None
    assert {span.parent.span_id for span in (first, second) if span.parent} == {request.context.span_id}


async def test_the_durations_of_attempts_and_the_waits_for_a_turn_are_measured(telemetry: Telemetry) -> None:
    async with (
        Wire(in_turn(answer(503), OK)) as wire,
        client_of(wire.base_url, observers=[telemetry.observer]) as ultravox,
    ):
        await ultravox.sip.registrations.get("some-id")
    statuses = [
        (point.attributes or {})["http.response.status_code"]
        for point in telemetry.points("http.client.request.duration")
    ]
    assert sorted(str(status) for status in statuses) == ["200", "503"]
    (turns,) = telemetry.points("ultravox.client.turn.duration")
    assert turns.count == 2


async def test_a_request_that_fails_has_the_error(telemetry: Telemetry) -> None:
    async with (
        Wire(in_turn(answer(404, {}))) as wire,
        client_of(wire.base_url, observers=[telemetry.observer]) as ultravox,
    ):
        with pytest.raises(NotFoundError):
            await ultravox.sip.registrations.get("some-id")
    request = telemetry.spans[0]
    assert attributes_of(request)["error.type"] == "404"
    assert request.status.status_code is StatusCode.ERROR


async def test_a_request_without_a_response_has_the_class_of_its_error(telemetry: Telemetry) -> None:
    async with client_of("http://127.0.0.1:9", observers=[telemetry.observer]) as ultravox:
        with pytest.raises(Exception, match="cannot connect"):
            await ultravox.sip.registrations.get("some-id")
    assert attributes_of(telemetry.spans[0])["error.type"] == "APIConnectionError"


async def test_a_request_that_is_cancelled_says_so_and_so_does_its_attempt(telemetry: Telemetry) -> None:
    async with Wire(in_turn(WAIT)) as wire, client_of(wire.base_url, observers=[telemetry.observer]) as ultravox:
        task = asyncio.create_task(ultravox.sip.registrations.get("some-id"))
        await wire.until_received(1)
        task.cancel()
        await asyncio.wait([task])
    assert [attributes_of(span)["error.type"] for span in telemetry.spans] == ["cancelled", "cancelled"]
    assert [span.status.status_code for span in telemetry.spans] == [StatusCode.UNSET, StatusCode.UNSET]
    (duration,) = telemetry.points("http.client.request.duration")
    assert (duration.attributes or {})["error.type"] == "cancelled"


async def test_a_request_is_a_part_of_the_span_around_it(telemetry: Telemetry) -> None:
    tracer = telemetry.tracer_provider.get_tracer("service")
    async with Wire(in_turn(OK)) as wire, client_of(wire.base_url, observers=[telemetry.observer]) as ultravox:
        with tracer.start_as_current_span("work") as work:
            await ultravox.sip.registrations.get("some-id")
    request = next(span for span in telemetry.spans if span.name.startswith("GET /"))
    assert request.parent is not None
    assert request.parent.span_id == work.get_span_context().span_id


@pytest.fixture
def instrumented(telemetry: Telemetry) -> Iterator[None]:
    instrumentor = AioHttpClientInstrumentor()
    instrumentor.instrument(tracer_provider=telemetry.tracer_provider)
    yield
    instrumentor.uninstrument()


@pytest.mark.usefixtures("instrumented")
async def test_attempts_are_left_to_the_instrumentation_of_aiohttp_if_there_is_one(telemetry: Telemetry) -> None:
    async with Wire(in_turn(OK)) as wire, client_of(wire.base_url, observers=[telemetry.observer]) as ultravox:
        await ultravox.sip.registrations.get("some-id")
    request, attempt = telemetry.spans
    assert attempt.instrumentation_scope is not None
    assert attempt.instrumentation_scope.name == "opentelemetry.instrumentation.aiohttp_client"
    assert attempt.parent is not None
    assert request.context is not None
    assert attempt.parent.span_id == request.context.span_id
    assert telemetry.points("http.client.request.duration") == []


def test_without_the_extra_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "ultravox_async.otel")
    monkeypatch.setitem(sys.modules, "opentelemetry", None)
    with pytest.raises(ImportError, match=r"pip install 'ultravox-async\[otel\]'"):
        import_module("ultravox_async.otel")


async def test_nothing_secret_is_exported(telemetry: Telemetry) -> None:
    async with Wire(in_turn(OK)) as wire, client_of(wire.base_url, observers=[telemetry.observer]) as ultravox:
        await ultravox.request("POST", "/api/things", params={"token": "canary-of-a-query"}, json={"a": "canary-body"})
    text = "".join(span.to_json() for span in telemetry.spans) + repr(telemetry.reader.get_metrics_data())
    assert "/api/things" in text
    assert [each for each in ("canary", KEY) if each in text] == []

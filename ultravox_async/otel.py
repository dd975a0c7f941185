"""`OpenTelemetryObserver`: traces and metrics of a client, for OpenTelemetry; needs the extra ``otel``.

Each request has a span of its own. Its attempts are spans below it, with the names and attributes of the semantic
conventions for HTTP clients; they are left to `opentelemetry-instrumentation-aiohttp-client` if a program uses that. No
attribute has a query, a header or a body.
"""

import sys
import time
from contextvars import Token
from typing import Final

import attrs
from yarl import URL

from ultravox_async import AttemptInfo, Observer, RequestInfo, RequestResult, __version__

try:
    from opentelemetry import context, metrics, trace
    from opentelemetry.context import Context
    from opentelemetry.trace import Span, SpanKind, Status, StatusCode
    from opentelemetry.util.types import AttributeValue
except ModuleNotFoundError as missing:
    _message = "ultravox_async.otel needs opentelemetry-api: pip install 'ultravox-async[otel]'"
    raise ImportError(_message) from missing

_NAME: Final = "ultravox_async"
_CANCELLED: Final = "cancelled"
_SCHEMA_URL: Final = "https://opentelemetry.io/schemas/1.37.0"
# The boundaries that the semantic conventions recommend for http.client.request.duration, in seconds.
_SECONDS: Final = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10)


@attrs.frozen
class _State:
    """What belongs to one request."""

    span: Span
    token: Token[Context]
    attributes: dict[str, AttributeValue]


class OpenTelemetryObserver(Observer):
    """Writes spans and metrics: ``AsyncUltravox(observers=[OpenTelemetryObserver()])``.

    The metrics are ``http.client.request.duration``, in seconds, for each attempt, and
    ``ultravox.client.turn.duration``, the seconds that a request waited for its turn.

    Args:
        tracer_provider: Where the spans go; None for the global one.
        meter_provider: Where the metrics go; None for the global one.
    """

    def __init__(
        self,
        tracer_provider: trace.TracerProvider | None = None,
        meter_provider: metrics.MeterProvider | None = None,
    ) -> None:
        self._tracer = trace.get_tracer(_NAME, __version__, tracer_provider, _SCHEMA_URL)
        meter = metrics.get_meter(_NAME, __version__, meter_provider, _SCHEMA_URL)
        self._duration = meter.create_histogram(
            "http.client.request.duration",
            unit="s",
            description="Duration of HTTP client requests.",
            explicit_bucket_boundaries_advisory=_SECONDS,
        )
        self._turn = meter.create_histogram(
            "ultravox.client.turn.duration",
            unit="s",
            description="How long requests waited for their turn.",
            explicit_bucket_boundaries_advisory=_SECONDS,
        )

    def request_started(self, request: RequestInfo) -> _State:
        """Start the span of a request, and make it the current one, so that others become parts of it."""
        attributes = _attributes_of(request)
        span = self._tracer.start_span(
            f"{request.method} {request.template}", kind=SpanKind.INTERNAL, attributes=attributes
        )
        span.set_attribute("url.full", request.url)
        return _State(span, context.attach(trace.set_span_in_context(span)), attributes)

    def attempt_ended(self, state: _State, request: RequestInfo, attempt: AttemptInfo) -> None:
        """Record an attempt, unless aiohttp is instrumented and has done so."""
        result = _result_of(attempt.status, attempt.error)
        self._turn.record(attempt.turn_seconds, state.attributes)
        if _aiohttp_is_instrumented():
            return
        self._duration.record(attempt.seconds, {**state.attributes, **result})
        ended_at = time.time_ns()
        span = self._tracer.start_span(
            request.method,
            trace.set_span_in_context(state.span),
            kind=SpanKind.CLIENT,
            attributes={**state.attributes, **result, "url.full": request.url},
            start_time=ended_at - round(attempt.seconds * 1e9),
        )
        if attempt.number > 1:
            span.set_attribute("http.request.resend_count", attempt.number - 1)
        # A cancellation is no failure: a sweep cancels the GETs that the listing has made superfluous.
        if attempt.error not in {None, _CANCELLED}:
            span.set_status(Status(StatusCode.ERROR))
        span.end(ended_at)

    def request_ended(self, state: _State, request: RequestInfo, result: RequestResult) -> None:
        """End the span of a request."""
        del request  # the span has it
        error = None if result.error is None else type(result.error).__name__
        state.span.set_attributes(_result_of(result.status, _CANCELLED if result.cancelled else error))
        if result.attempts > 1:
            state.span.set_attribute("http.request.resend_count", result.attempts - 1)
        if error is not None:
            state.span.set_status(Status(StatusCode.ERROR))
        state.span.end()
        context.detach(state.token)


def _attributes_of(request: RequestInfo) -> dict[str, AttributeValue]:
    url = URL(request.url, encoded=True)
    return {
        "http.request.method": request.method,
        "url.template": request.template,
        "server.address": url.host or "",
        "server.port": url.port or 0,
    }


def _result_of(status: int | None, error: str | None) -> dict[str, AttributeValue]:
    found: dict[str, AttributeValue] = {} if status is None else {"http.response.status_code": status}
    if error is not None:
        found["error.type"] = str(status) if status is not None else error
    return found


def _aiohttp_is_instrumented() -> bool:
    # A program that uses that package has imported it.
    module = sys.modules.get("opentelemetry.instrumentation.aiohttp_client")
    return module is not None and bool(module.AioHttpClientInstrumentor().is_instrumented_by_opentelemetry)

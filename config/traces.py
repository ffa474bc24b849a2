"""OpenTelemetry, when its standard environment variables ask for it; else nothing of it is imported.

https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/

The web door and the worker are two processes, and days may lie between them, yet a delivery is one trace: its id comes
from the request id, which the ledger keeps with the task anyway. Nothing else is stored, and no vendor is told.
"""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

import structlog

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.trace import Span as OtelSpan
    from opentelemetry.trace import SpanContext

log = structlog.get_logger()

Notes = Mapping[str, str | int | float | bool | None]

_EXPORTERS: Final = ("otlp", "console")


def exporters_asked_for(environ: Mapping[str, str]) -> tuple[str, ...]:
    """The exporters that the standard variables ask for; none unless one is named, or an address for it."""
    if environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return ()
    named = environ.get("OTEL_TRACES_EXPORTER", "").strip().lower()
    if not named:
        addresses = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
        return ("otlp",) if any(environ.get(name, "").strip() for name in addresses) else ()
    return tuple(dict.fromkeys(part.strip() for part in named.split(",") if part.strip() not in ("", "none")))


def read_traces(environ: Mapping[str, str]) -> Tracing | None:
    """Who is to hear of spans; None when nobody asked. What cannot be done is logged, and never stops the start."""
    asked = exporters_asked_for(environ)
    for name in set(asked) - set(_EXPORTERS):
        log.warning("no traces", setting="OTEL_TRACES_EXPORTER", why=f"{name} is none of otlp, console, none")
    told = environ.get("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL") or environ.get("OTEL_EXPORTER_OTLP_PROTOCOL")
    if "otlp" in asked and told not in (None, "", "http/protobuf"):
        log.warning("no traces", setting="OTEL_EXPORTER_OTLP_PROTOCOL", why="only http/protobuf is spoken here")
        asked = tuple(name for name in asked if name != "otlp")
    found = [name for name in asked if name in _EXPORTERS]
    return Tracing(provider_of(found, environ)) if found else None


def provider_of(exporters: list[str], environ: Mapping[str, str]) -> TracerProvider:
    """OpenTelemetry's own parts, put together; sampler, limits and addresses are read by them from the environment."""
    from opentelemetry.sdk.resources import Resource  # noqa: PLC0415
    from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
    from opentelemetry.sdk.trace.export import (  # noqa: PLC0415
        BatchSpanProcessor,
        ConsoleSpanExporter,
        SimpleSpanProcessor,
    )

    is_named = "OTEL_SERVICE_NAME" in environ or "service.name=" in environ.get("OTEL_RESOURCE_ATTRIBUTES", "")
    resource = Resource.create({} if is_named else {"service.name": "customer-sync"})
    provider = TracerProvider(resource=resource, id_generator=_ids())
    if "otlp" in exporters:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415

        provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    if "console" in exporters:
        provider.add_span_processor(SimpleSpanProcessor(ConsoleSpanExporter()))
    return provider


class Tracing:
    """Hears of spans (``clients.spans.Tracer``), and hands them to OpenTelemetry."""

    def __init__(self, provider: TracerProvider) -> None:
        from opentelemetry import trace  # noqa: PLC0415
        from opentelemetry.context import Context  # noqa: PLC0415

        self._otel = trace
        self._nowhere = Context()
        self._provider = provider
        self._tracer = provider.get_tracer("customer-sync")

    def close(self) -> None:
        """Hand over what is left."""
        self._provider.shutdown()

    @contextmanager
    def span(self, name: str, notes: Notes, *, request_id: str | None, kind: str, begins: bool) -> Iterator[Any]:
        """One step; see ``clients.spans.span``."""
        began_ns = time.time_ns()
        span = self._start(name, notes, request_id, kind, began_ns, begins=begins)
        under_way = _UnderWay(span)
        try:
            with self._otel.use_span(span, record_exception=False, set_status_on_exception=False):
                yield under_way
        except BaseException as e:
            # Its class alone: its words may quote a person.
            under_way.fail(type(e).__name__)
            raise
        finally:
            ended_ns = time.time_ns()
            for other, its_notes in under_way.others:
                link = self._otel.Link(span.get_span_context())
                self._start(name, {**notes, **its_notes}, other, kind, began_ns, links=[link]).end(ended_ns)
            span.end(ended_ns)

    def _start(
        self,
        name: str,
        notes: Notes,
        request_id: str | None,
        kind: str,
        began_ns: int,
        *,
        begins: bool = False,
        links: list[Any] | None = None,
    ) -> OtelSpan:
        attributes = {key: value for key, value in notes.items() if value is not None}
        context = None
        if request_id is not None:
            attributes["customer_sync.request_id"] = request_id
            if begins:
                _NEXT.ids = ids_of(request_id)
                context = self._nowhere
            else:
                around = self._otel.NonRecordingSpan(self._first_span_of(request_id))
                context = self._otel.set_span_in_context(around, self._nowhere)
        try:
            return self._tracer.start_span(
                name,
                context=context,
                kind=self._otel.SpanKind[kind.upper()],
                attributes=attributes,
                links=links,
                start_time=began_ns,
                record_exception=False,
                set_status_on_exception=False,
            )
        finally:
            _NEXT.ids = None

    def _first_span_of(self, request_id: str) -> SpanContext:
        """The span with which a request began, in whatever process; sampled there if it would be sampled here."""
        trace_id, span_id = ids_of(request_id)
        said = self._provider.sampler.should_sample(self._nowhere, trace_id, "receive").decision
        sampled = said is type(said).RECORD_AND_SAMPLE
        flags = self._otel.TraceFlags(self._otel.TraceFlags.SAMPLED if sampled else self._otel.TraceFlags.DEFAULT)
        return self._otel.SpanContext(trace_id, span_id, is_remote=True, trace_flags=flags)


class _UnderWay:
    """A span that is under way (``clients.spans.Span``)."""

    def __init__(self, span: OtelSpan) -> None:
        self._span = span
        self.others: list[tuple[str, Notes]] = []

    def note(self, notes: Notes) -> None:
        """Add what is known by now."""
        self._span.set_attributes({key: value for key, value in notes.items() if value is not None})

    def fail(self, kind: str) -> None:
        """It did not go well."""
        from opentelemetry.trace import StatusCode  # noqa: PLC0415

        self._span.set_attribute("error.type", kind)
        self._span.set_status(StatusCode.ERROR)

    def also(self, request_id: str, notes: Notes) -> None:
        """A step of another request too."""
        self.others.append((request_id, notes))


def ids_of(request_id: str) -> tuple[int, int]:
    """The ids of a request's trace and of its first span; hashed, for a sampler judges by an id's lower bits."""
    digest = hashlib.sha256(b"customer-sync trace " + request_id.encode()).digest()
    return int.from_bytes(digest[:16]) or 1, int.from_bytes(digest[16:24]) or 1


class _Next(threading.local):
    ids: tuple[int, int] | None = None


_NEXT: Final = _Next()


def _ids() -> Any:
    """OpenTelemetry's generator of ids, but for the first span of a request."""
    from opentelemetry.sdk.trace.id_generator import RandomIdGenerator  # noqa: PLC0415

    class Ids(RandomIdGenerator):
        """Ids for a new span. The SDK asks for the span's, and before or after that for its trace's, if it is new."""

        def generate_trace_id(self) -> int:
            return _NEXT.ids[0] if _NEXT.ids else super().generate_trace_id()

        def generate_span_id(self) -> int:
            return _NEXT.ids[1] if _NEXT.ids else super().generate_span_id()

    return Ids()

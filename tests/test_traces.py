"""Traces: one for a delivery, from the door to the far sides; nothing of it when nobody asks, and no vendor is told."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import requests
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased

from clients import spans
from config import traces
from config.logs import set_up_logs
from config.traces import Tracing, exporters_asked_for, ids_of, read_traces
from sandbox.server import RunningSandbox
from sandbox.system import System
from tests.building import body_of, headers_of
from tests.flow import UNLIMITED, running, until
from tests.leaks import personal
from tests.test_flow import HANAKO

ROOT = Path(__file__).resolve().parent.parent
ENDPOINT = "http://127.0.0.1:4318"


@pytest.fixture
def told() -> Iterator[InMemorySpanExporter]:
    """What was told of, while everything of this process is listened to."""
    exporter = InMemorySpanExporter()
    provider = TracerProvider(id_generator=traces._ids())
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    spans.tell_to(Tracing(provider))
    yield exporter
    spans.tell_to(None)
    provider.shutdown()


def trace_id(span: ReadableSpan) -> int:
    assert span.context is not None
    return int(span.context.trace_id)


# Off, unless asked


@pytest.mark.parametrize(
    ("environ", "asked"),
    [
        ({}, ()),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": ENDPOINT}, ("otlp",)),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": ENDPOINT}, ("otlp",)),
        ({"OTEL_TRACES_EXPORTER": "console"}, ("console",)),
        ({"OTEL_TRACES_EXPORTER": "otlp, console"}, ("otlp", "console")),
        ({"OTEL_TRACES_EXPORTER": "none", "OTEL_EXPORTER_OTLP_ENDPOINT": ENDPOINT}, ()),
        ({"OTEL_SDK_DISABLED": "true", "OTEL_EXPORTER_OTLP_ENDPOINT": ENDPOINT}, ()),
        ({"OTEL_SERVICE_NAME": "shop"}, ()),
    ],
)
def test_the_standard_variables_decide(environ: dict[str, str], asked: tuple[str, ...]) -> None:
    assert exporters_asked_for(environ) == asked


@pytest.mark.parametrize(
    "environ",
    [
        {"OTEL_TRACES_EXPORTER": "zipkin"},
        {"OTEL_EXPORTER_OTLP_ENDPOINT": ENDPOINT, "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"},
    ],
)
def test_what_cannot_be_done_is_logged_and_stops_nothing(
    environ: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    set_up_logs("json")  # to where this test looks, whatever the one before had set up
    assert read_traces(environ) is None
    assert "no traces" in capsys.readouterr().err


@pytest.mark.parametrize("asked", [False, True])
def test_nothing_of_it_is_imported_when_nobody_asks(tmp_path: Path, asked: bool) -> None:
    look = (
        "import sys; from app import create_app; from tests.building import make_app\n"
        f"app = make_app('sqlite:///{tmp_path}/x.db'); app.extensions['house'].lanes()\n"
        "app.test_client().get('/metrics')\n"
        "print(any(name.startswith('opentelemetry') for name in sys.modules))"
    )
    env = {"PATH": "/usr/bin:/bin", **({"OTEL_TRACES_EXPORTER": "otlp"} if asked else {})}
    done = subprocess.run([sys.executable, "-c", look], cwd=ROOT, env=env, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == str(asked)


def test_a_step_that_nobody_hears_of_is_one_and_the_same() -> None:
    with spans.span("one") as one, spans.span("other") as other:
        one.note({"a": 1})
        one.fail("x")
        one.also("r", {})
    assert one is other is spans.NOBODY


# One trace for a delivery


def test_the_door_and_the_worker_tell_of_one_trace(
    told: InMemorySpanExporter, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: set[str] = set()
    send = requests.Session.send

    def sending(session: requests.Session, request: requests.PreparedRequest, **how: Any) -> requests.Response:
        sent.update(name.lower() for name in request.headers)
        return send(session, request, **how)

    monkeypatch.setattr(requests.Session, "send", sending)
    with running(database_url) as flow:
        customer = flow.shop.create(HANAKO)
        flow.rest()
        until(lambda: {"carry smaregi", "carry hubspot"} <= {span.name for span in told.get_finished_spans()})
    found = told.get_finished_spans()
    first = next(span for span in found if span.name == "receive")
    mine = [span for span in found if trace_id(span) == trace_id(first)]
    assert {"receive", "record", "carry shopify", "carry smaregi", "carry hubspot", "settle", "POST"} <= {
        span.name for span in mine
    }
    assert first.parent is None
    ids = {span.context.span_id for span in mine if span.context}
    assert all(span.parent is None or span.parent.span_id in ids for span in mine)
    assert "done" in {span.attributes["outcome"] for span in mine if span.name == "carry smaregi" and span.attributes}
    # No vendor is told of our traces, and no collector of our customers.
    assert "authorization" in sent
    assert not sent & {"traceparent", "tracestate", "baggage"}
    everything = "".join(span.to_json(indent=None) for span in found)
    refs = [*(str(member["customerCode"]) for member in flow.members), str(customer.id)]
    assert not [private for private in (*personal(HANAKO), *refs) if private in everything]


def test_a_load_of_many_is_told_of_in_each_ones_trace(told: InMemorySpanExporter) -> None:
    with spans.span("carry", {"tasks": 2}, request_id="first") as span:
        with spans.span("POST", side="client"):
            pass
        span.note({"outcome": "done"})
        span.also("second", {"outcome": "retry"})
    by_trace = {trace_id(one): one for one in told.get_finished_spans() if one.name == "carry"}
    one, other = by_trace[ids_of("first")[0]], by_trace[ids_of("second")[0]]
    assert (one.start_time, one.end_time) == (other.start_time, other.end_time)
    assert [link.context for link in other.links] == [one.context]
    assert other.attributes == {"tasks": 2, "outcome": "retry", "customer_sync.request_id": "second"}


def test_an_error_is_told_by_its_class_not_by_its_words(told: InMemorySpanExporter) -> None:
    with pytest.raises(ValueError, match="花子"), spans.span("carry", request_id="r"):
        raise ValueError("花子")
    (span,) = told.get_finished_spans()
    assert span.attributes is not None
    assert span.attributes["error.type"] == "ValueError"
    assert "花子" not in span.to_json()


@pytest.mark.parametrize("ratio", [0.0, 0.3, 1.0])
def test_a_sample_has_traces_whole_or_not_at_all(ratio: float) -> None:
    exporter = InMemorySpanExporter()
    provider = TracerProvider(sampler=ParentBased(TraceIdRatioBased(ratio)), id_generator=traces._ids())
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    tracing = Tracing(provider)
    for i in range(100):
        with tracing.span("receive", {}, request_id=f"r{i}", side="server", begins=True):
            pass
        with tracing.span("carry", {}, request_id=f"r{i}", side="internal", begins=False):
            pass
    names: dict[int, set[str]] = {}
    for span in exporter.get_finished_spans():
        names.setdefault(trace_id(span), set()).add(span.name)
    assert all(both == {"receive", "carry"} for both in names.values())
    assert len(names) == {0.0: 0, 1.0: 100}.get(ratio, len(names))
    assert ratio != 0.3 or 10 < len(names) < 50
    provider.shutdown()


# From real processes, over OTLP


class Collector:
    """Takes in what is exported, as a collector would."""

    def __init__(self) -> None:
        self.spans: list[Any] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                sent = ExportTraceServiceRequest.FromString(body)
                for resource in sent.resource_spans:
                    names = {one.key: one.value.string_value for one in resource.resource.attributes}
                    for scope in resource.scope_spans:
                        outer.spans += [(names["service.name"], span) for span in scope.spans]
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True)
        self.thread.start()

    def close(self) -> None:
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


@pytest.fixture
def collector() -> Iterator[Collector]:
    made = Collector()
    yield made
    made.close()


def test_a_web_door_and_a_worker_hand_one_trace_to_a_collector(tmp_path: Path, collector: Collector) -> None:
    asked = {"OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{collector.server.server_port}"}
    settings = {**asked, "WEB_PROCESSES": "2"}
    with RunningSandbox(UNLIMITED) as sandbox, System(tmp_path, settings=settings, sandbox_url=sandbox.url) as system:
        system.run("db", "upgrade")
        web = system.start_web()
        body = body_of(6900000000001)
        headers = headers_of(body, secret=system.config.webhook_secret, X_Shopify_Shop_Domain=system.config.shop)
        answer = requests.post(system.webhook_url, body, headers=headers, timeout=15)
        worker = system.start_worker()
        until(lambda: worker.log.exists() and "created" in worker.log.read_text(), 30)
        assert (web.stop(), worker.stop()) == (0, 0)  # what is left is handed over at the end
    trace, first = ids_of(answer.headers["X-Request-Id"])
    mine = [span for name, span in collector.spans if span.trace_id == trace.to_bytes(16)]
    names = {span.name for span in mine}
    assert {"receive", "record", "carry smaregi", "settle"} <= names
    assert {name for name, _ in collector.spans} == {"customer-sync"}
    received = next(span for span in mine if span.name == "receive")
    assert (received.span_id, received.parent_span_id) == (first.to_bytes(8), b"")
    assert "example.jp" not in json.dumps([str(span) for _, span in collector.spans])

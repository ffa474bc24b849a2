"""The shop's webhook sender: signs, delivers, comes again, gives up; and can misbehave in every way the real one does.

https://shopify.dev/docs/apps/build/webhooks/verify-deliveries
"""

import heapq
import itertools
import random
import threading
import time
import uuid
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Final, Literal

import requests
from urllib3 import Timeout

from sandbox.config import SandboxConfig
from sandbox.shopify_payloads import Envelope
from sandbox.webhooks_delivery import Delivery, DeliveryOptions, signature

KeptBy = Literal["api", "app", "admin"]
Order = Literal["same", "reversed", "shuffled"]

LOG_KEPT: Final = 20_000
IDLE_SECONDS: Final = 0.5

Job = Callable[[requests.Session], None]


class WebhookSender:
    """Delivers in the background. Safe to use from any thread; its threads come with work and go when there is none.

    `url`, `retry_seconds`, `shuffles` (of what is ready, any may go first), `kept_by` and `api_version` may be changed
    at any time. A subscription kept by the Admin API (`api`) is deleted when a delivery has used up its retries and
    nothing was delivered in between; `subscribe` makes it again.
    """

    TOPICS: Final = frozenset({"customers/create", "customers/update", "customers/delete"})

    def __init__(self, config: SandboxConfig, clock: Callable[[], datetime], threads: int = 16) -> None:
        self.url = config.webhook_url
        self.retry_seconds: tuple[float, ...] = config.shopify_webhook_retry_seconds
        self.kept_by: KeptBy = "app"
        self.shuffles = False
        self.api_version = "2026-10"
        # Shopify: the connection within 1 s, the whole request within 5 s.
        # https://shopify.dev/docs/apps/build/webhooks/verify-deliveries
        self.connect_seconds = 1.0
        self.total_seconds = 5.0
        self.clock = clock
        self._config = config
        self._dice = random.Random(config.seed)
        self._threads_most = threads
        self._lock = threading.RLock()
        self._work_here = threading.Condition(self._lock)
        self._idle = threading.Condition(self._lock)
        self._ready: list[tuple[float, int, Job]] = []
        self._order = itertools.count(1)
        self._threads = 0
        self._waiting_threads = 0
        self._busy = 0
        self._is_closing = False
        self._held: list[tuple[Delivery, float]] | None = None
        self._log: OrderedDict[int, Delivery] = OrderedDict()
        self._next_id = 1
        self._last_success = 0.0
        self._subscribed = set(self.TOPICS)

    # What is sent

    def send(
        self,
        topic: str,
        body: bytes,
        options: DeliveryOptions | None = None,
        *,
        customer_id: int | None = None,
        test: bool = False,
    ) -> list[Delivery]:
        """Queue one event: the deliveries it makes (none when nobody is subscribed). Never waits for the receiver."""
        how = options or DeliveryOptions()
        with self._lock:
            if topic not in self._subscribed and not test and topic in self.TOPICS:
                return []
        now = self.clock()
        envelope = Envelope(
            topic=topic,
            shop=how.shop or self._config.shop,
            api_version=how.api_version or self.api_version,
            webhook_id=str(uuid.uuid4()),
            event_id=str(uuid.uuid4()) if how.with_event_id else None,
            triggered_at=now,
            test=test,
            name=how.name,
            instant=how.instant,
            both_families=how.both_families,
        )
        signed = signature(how.signed_with, self._config.webhook_secret, body)
        envelopes = [envelope] * how.copies + [envelope.twin(str(uuid.uuid4())) for _ in range(how.twins)]
        return [self._queue(Delivery(0, one, body, self.url, customer_id, now, signed), how.delay) for one in envelopes]

    def send_again(self, delivery_id: int) -> Delivery:
        """The same webhook once more: same id, same headers, the original body. Raises KeyError."""
        with self._lock:
            known = self._log[delivery_id]
        return self._queue(
            Delivery(0, known.envelope, known.body, known.url, known.customer_id, self.clock(), known.signature), 0.0
        )

    def after(self, seconds: float, act: Callable[[], None]) -> None:
        """Do something later, as part of the work that `wait_idle` waits for."""
        self._schedule(seconds, lambda _session: act())

    @contextmanager
    def held(self, order: Order = "same") -> Iterator[None]:
        """Keep back what is sent within the block, then let it go in this order."""
        self.hold()
        try:
            yield
        finally:
            self.release(order)

    def hold(self) -> None:
        """Keep back what is sent from now on, until `release`."""
        with self._lock:
            self._held = self._held or []

    def release(self, order: Order = "same") -> int:
        """Let go what was kept back, in this order; says how many."""
        with self._lock:
            held, self._held = self._held or [], None
        if order == "reversed":
            held.reverse()
        elif order == "shuffled":
            self._dice.shuffle(held)
        for delivery, delay in held:
            self._schedule(delay, self._attempt_of(delivery))
        return len(held)

    # What can be seen

    def deliveries(self, last: int | None = None, customer_id: int | None = None) -> list[Delivery]:
        """The log, oldest first; of one customer only, or the last few."""
        with self._lock:
            log = list(self._log.values())
        chosen = [one for one in log if customer_id is None or one.customer_id == customer_id]
        return chosen[-last:] if last else chosen

    @property
    def subscriptions(self) -> list[str]:
        """The topics somebody is subscribed to."""
        with self._lock:
            return sorted(self._subscribed)

    def subscribe(self, *topics: str) -> None:
        """Make subscriptions again, for these topics or for all."""
        with self._lock:
            self._subscribed |= set(topics or self.TOPICS)

    def unsubscribe(self, *topics: str) -> None:
        """Delete subscriptions, of these topics or all: what happens then is sent nowhere."""
        with self._lock:
            self._subscribed -= set(topics or self.TOPICS)

    def wait_idle(self, timeout: float = 10.0) -> bool:
        """Wait until nothing is on its way, retries included; says whether that came within `timeout` seconds."""
        with self._lock:
            return self._idle.wait_for(lambda: not self._ready and not self._busy, timeout)

    def reset(self) -> None:
        """Forget the log and all that waits; what is on the wire is finished."""
        with self._lock:
            self._ready.clear()
            self._log.clear()
            self._held = None
            self._subscribed = set(self.TOPICS)
            self._idle.notify_all()
            self._work_here.notify_all()

    def close(self) -> None:
        """Drop what waits and end the threads, at the latest when what is on the wire is answered or given up."""
        with self._lock:
            self._ready.clear()
            self._is_closing = True
            self._work_here.notify_all()
            self._idle.wait_for(lambda: self._threads == 0, self.total_seconds + 1)
            self._ready.clear()
            self._is_closing = False

    # How it is done

    def _queue(self, delivery: Delivery, delay: float) -> Delivery:
        delivery.retries_left = len(self.retry_seconds)
        with self._lock:
            delivery.id, self._next_id = self._next_id, self._next_id + 1
            self._log[delivery.id] = delivery
            if len(self._log) > LOG_KEPT:
                self._log.popitem(last=False)
            if self._held is not None:
                self._held.append((delivery, delay))
                return delivery
        self._schedule(delay, self._attempt_of(delivery))
        return delivery

    def _schedule(self, seconds: float, job: Job) -> None:
        with self._lock:
            heapq.heappush(self._ready, (time.monotonic() + seconds, next(self._order), job))
            self._work_here.notify()
            if len(self._ready) > self._waiting_threads and self._threads < self._threads_most:
                self._threads += 1
                threading.Thread(target=self._work, name="webhook-sender", daemon=True).start()

    def _work(self) -> None:
        # One session per thread: connections are kept alive and reused, as Shopify does.
        with requests.Session() as session:
            session.trust_env = False
            while (job := self._take()) is not None:
                try:
                    job(session)
                except BaseException:
                    with self._lock:
                        self._threads -= 1
                    raise
                finally:
                    with self._lock:
                        self._busy -= 1
                        self._idle.notify_all()

    def _take(self) -> Job | None:
        """The next job that is due; None when there has been none for a while and the thread shall go."""
        give_up = time.monotonic() + IDLE_SECONDS
        with self._lock:
            while True:
                now = time.monotonic()
                if self._ready and self._ready[0][0] <= now and not self._is_closing:
                    self._busy += 1
                    return self._pop(now)
                # One thread stays for what is due later; the others need not.
                alone = self._threads == 1 and bool(self._ready)
                if self._is_closing or (now >= give_up and not alone):
                    self._threads -= 1
                    self._idle.notify_all()
                    return None
                until = min(self._ready[0][0] if self._ready else give_up, give_up if not alone else float("inf"))
                self._waiting_threads += 1
                self._work_here.wait(max(0.0, until - now))
                self._waiting_threads -= 1

    def _pop(self, now: float) -> Job:
        if not self.shuffles:
            return heapq.heappop(self._ready)[2]
        due = [position for position, (at, _, _) in enumerate(self._ready) if at <= now]
        job = self._ready.pop(self._dice.choice(due))[2]
        heapq.heapify(self._ready)
        return job

    def _attempt_of(self, delivery: Delivery) -> Job:
        return lambda session: self._attempt(session, delivery)

    def _attempt(self, session: requests.Session, delivery: Delivery) -> None:
        begun = time.monotonic()
        delivery.first_tried = delivery.first_tried or begun
        status, error = self._post(session, delivery)
        delivery.status, delivery.error = status, error
        delivery.ms = round((time.monotonic() - begun) * 1000, 1)
        delivery.attempts += 1
        # A redirect is not success, nor is anything else but 2xx.
        if status is not None and 200 <= status <= 299:
            self._last_success = time.monotonic()
            delivery.done_at = datetime.now(UTC)
            delivery.state = "delivered"
        elif delivery.envelope.test:
            self._drop(delivery)  # a test send is tried once
        elif delivery.retries_left > 0:
            wait = self.retry_seconds[max(0, len(self.retry_seconds) - delivery.retries_left)]
            delivery.retries_left -= 1
            self._schedule(wait, self._attempt_of(delivery))
        else:
            self._drop(delivery)
            if self.kept_by == "api" and self._last_success < delivery.first_tried:
                self.unsubscribe(delivery.envelope.topic)

    def _drop(self, delivery: Delivery) -> None:
        delivery.done_at = datetime.now(UTC)
        delivery.state = "dropped"

    def _post(self, session: requests.Session, delivery: Delivery) -> tuple[int | None, str | None]:
        limit = Timeout(connect=self.connect_seconds, total=self.total_seconds)
        try:
            answer = session.post(
                delivery.url,
                data=delivery.body,
                headers=delivery.envelope.headers(delivery.signature),
                timeout=limit,  # type: ignore[arg-type]  # urllib3's own is handed through; the stubs do not know
                allow_redirects=False,
            )
        except requests.RequestException as error:
            return None, type(error).__name__
        return answer.status_code, None

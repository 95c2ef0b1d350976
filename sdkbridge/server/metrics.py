"""
What the server counts, for Prometheus: of requests as they come, of projects when it is asked.

Several worker processes share a port, so Prometheus cannot tell whom it asks. They count in files, therefore, in a
folder that an environment variable names, and each of them answers with what all have counted, those too that have
ended. That is the client library's own way, and serves any server of several processes.
"""

import os
import time
from collections import Counter as Tally
from collections.abc import Callable, Iterator, Sequence

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from identity.clock import Clock
from identity.errors import StoreError
from identity.links import Outcome
from sdkbridge.bridge import Bridge
from sdkbridge.errors import BridgeClosed, InvalidCall
from sdkbridge.refused import RefusedMessage
from sdkbridge.server.serving import Outcomes, Server
from sdkbridge.status import BridgeStatus

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

SHARED_COUNTS = "PROMETHEUS_MULTIPROC_DIR"
"""The environment variable; it must be set before the process starts, and the folder be empty at first."""

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class Metrics:
    """
    The counts of one server.
    """

    def __init__(self, server: Server, *, clock: Clock = time.time) -> None:
        self._registry = CollectorRegistry()
        self._accepted = Counter(
            "sdkbridge_calls_accepted", "Calls that were taken.", ["project"], registry=self._registry
        )
        self._repeated = Counter(
            "sdkbridge_calls_repeated",
            "Calls whose message id had been taken before.",
            ["project"],
            registry=self._registry,
        )
        self._refused = Counter(
            "sdkbridge_calls_refused", "Calls that were refused.", ["project", "reason"], registry=self._registry
        )
        self._verdicts = Counter(
            "sdkbridge_verdicts", "What was decided on links.", ["project", "verdict"], registry=self._registry
        )
        self._requests = Counter(
            "sdkbridge_http_requests", "Requests answered.", ["route", "status"], registry=self._registry
        )
        self._seconds = Histogram(
            "sdkbridge_http_request_seconds",
            "From a request's head to its answer: for calls, to their commit.",
            ["route"],
            buckets=SECONDS,
            registry=self._registry,
        )
        self._projects = _Projects(server, clock)

    def answered(self, route: str, status: int, seconds: float) -> None:
        """
        Count an answer.
        """
        self._requests.labels(route, str(status)).inc()
        self._seconds.labels(route).observe(seconds)

    def taken(self, project: str, outcomes: Outcomes, refused: Sequence[RefusedMessage]) -> None:
        """
        Count what came of a request's calls.
        """
        accepted = repeated = 0
        reasons = Tally(one.error.reason for one in refused)
        verdicts: Tally[str] = Tally()
        for outcome in outcomes:
            if isinstance(outcome, InvalidCall):
                reasons[outcome.reason] += 1
            elif outcome.repeated:
                repeated += 1
            else:
                accepted += 1
                if outcome.verdicts:
                    verdicts.update(verdict.outcome.value for verdict in outcome.verdicts)
        self._accepted.labels(project).inc(accepted)
        self._repeated.labels(project).inc(repeated)
        for reason, count in reasons.items():
            self._refused.labels(project, reason).inc(count)
        for verdict, count in verdicts.items():
            self._verdicts.labels(project, verdict).inc(count)

    def text(self) -> bytes:
        """
        Write everything in Prometheus' text format.
        """
        counted: Collector = self._registry
        if are_several():
            counted = MultiProcessCollector(None)  # type: ignore[no-untyped-call] # it has no types
        return generate_latest(counted) + generate_latest(self._projects)


def are_several() -> bool:
    """
    Tell whether this is one of several processes that serve the same.
    """
    return SHARED_COUNTS in os.environ


Measure = Callable[[Bridge, BridgeStatus], float]


class _Projects(Collector):
    """
    What the projects' databases hold, asked when Prometheus asks.
    """

    def __init__(self, server: Server, clock: Clock) -> None:
        self._server = server
        self._clock = clock

    def collect(self) -> Iterator[Metric]:
        """
        Yield one metric after another, each for all projects.
        """
        readings = dict(self._readings())
        for family, measure in self._families():
            for name, (bridge, status) in readings.items():
                family.add_metric([name], measure(bridge, status))
            yield family
        up = GaugeMetricFamily(
            "sdkbridge_store_up", "Whether the project's database can be read.", labels=["project"]
        )
        for name in self._server.projects:
            up.add_metric([name], float(name in readings))
        yield up

    def _readings(self) -> Iterator[tuple[str, tuple[Bridge, BridgeStatus]]]:
        for name, served in self._server.projects.items():
            try:
                bridge = served.bridge
                yield name, (bridge, bridge.status())
            except (StoreError, BridgeClosed):
                continue

    def _families(self) -> Iterator[tuple[GaugeMetricFamily | CounterMetricFamily, Measure]]:
        yield _gauge("identities", "Identities known.", lambda _, status: status.graph.identities)
        yield _gauge("people", "People known.", lambda _, status: status.graph.people)
        yield _gauge("links_held", "Links that wait for somebody to decide.", _held)
        yield _gauge(
            "outbox_waiting", "Requests that wait for Kissmetrics.", lambda _, status: status.outbox.waiting
        )
        yield _gauge("outbox_oldest_seconds", "How long the oldest of them has waited.", self._oldest_s)
        yield _gauge(
            "outbox_retried", "How many were tried in vain.", lambda bridge, _: bridge.outbox.being_retried()
        )
        yield _gauge("outbox_dead", "Requests that were given up.", lambda _, status: status.outbox.dead)
        yield (
            CounterMetricFamily("sdkbridge_outbox_delivered", "Requests delivered.", labels=["project"]),
            lambda _, status: status.outbox.delivered,
        )

    def _oldest_s(self, bridge: Bridge, _: BridgeStatus) -> float:
        oldest_ms = bridge.outbox.oldest_ms()
        return 0.0 if oldest_ms is None else max(0.0, self._clock() - oldest_ms / 1000)


def _held(_: Bridge, status: BridgeStatus) -> float:
    return status.graph.links.get(Outcome.HOLD, 0)


def _gauge(name: str, meaning: str, measure: Measure) -> tuple[GaugeMetricFamily, Measure]:
    return GaugeMetricFamily(f"sdkbridge_{name}", meaning, labels=["project"]), measure

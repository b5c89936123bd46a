"""What Prometheus reads at /metrics. Labels have few values: a route's pattern and a status, never a path or a text."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

SECONDS = (0.005, 0.01, 0.015, 0.025, 0.05, 0.1, 0.2, 0.5, 1.0, 2.5, 10.0)


class Meters:
    """The meters of one service, in a registry of their own: two services in one process do not mix."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter("isco_requests", "Requests answered", ("method", "route", "status"), registry=self.registry)
        self.seconds = Histogram("isco_request_seconds", "Time to answer", ("route",), buckets=SECONDS, registry=self.registry)
        self.predictions = Counter("isco_predictions", "Records coded", ("source", "grade"), registry=self.registry)
        self.backlog = Gauge("isco_review_backlog", "Records that wait for a person", ("state",), registry=self.registry)
        self.jobs = Gauge("isco_jobs", "Files by state", ("state",), registry=self.registry)
        self.corrections = Gauge("isco_corrections", "Corrections by state", ("state",), registry=self.registry)
        self.retrainings = Gauge("isco_retrainings", "Retrainings by schedule, by state", ("state",), registry=self.registry)
        self.alerts = Gauge(
            "isco_alert", "Whether a watched figure of the last 30 days is beyond its limit", ("figure",), registry=self.registry
        )
        self.ready = Gauge("isco_ready", "Whether the model is open", registry=self.registry)
        self.bundle = Gauge("isco_bundle_info", "The bundle that answers", ("bundle",), registry=self.registry)

    def text(self) -> bytes:
        """The exposition."""
        return generate_latest(self.registry)

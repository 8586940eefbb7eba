"""HAProxy by its runtime API: as the balancer, as gauges, and as an environment whose replicas programs start and stop."""

from .making import open_haproxy as open_haproxy

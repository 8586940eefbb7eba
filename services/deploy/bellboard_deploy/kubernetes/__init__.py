"""Kubernetes: workloads of a namespace as an environment, the pods behind a Service, and Argo CD as a trigger."""

from .making import open_argocd as open_argocd
from .making import open_kubernetes as open_kubernetes

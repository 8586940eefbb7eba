"""The kinds of objects that Bellboard deals with, as lightkube types them. A service that needs another adds it here."""

from lightkube.core.resource import GlobalResource, NamespacedResource, NamespacedSubResource, Resource
from lightkube.generic_resource import create_namespaced_resource
from lightkube.models.core_v1 import Container, ContainerStatus, EnvVar, PodSpec, PodStatus, PodTemplateSpec
from lightkube.models.meta_v1 import Condition, LabelSelector, ObjectMeta, OwnerReference
from lightkube.resources.apps_v1 import ControllerRevision, DaemonSet, Deployment, ReplicaSet, StatefulSet
from lightkube.resources.authorization_v1 import SelfSubjectAccessReview
from lightkube.resources.autoscaling_v2 import HorizontalPodAutoscaler
from lightkube.resources.batch_v1 import Job
from lightkube.resources.coordination_v1 import Lease
from lightkube.resources.core_v1 import ConfigMap, Event, Namespace, Node, Pod, Secret, Service, ServiceAccount
from lightkube.resources.discovery_v1 import EndpointSlice

Rollout = create_namespaced_resource("argoproj.io", "v1alpha1", "Rollout", "rollouts")
"""Argo Rollouts' own; its fields are untyped, and empty ones are None."""

Application = create_namespaced_resource("argoproj.io", "v1alpha1", "Application", "applications")
"""Argo CD's own."""

__all__ = [
    "Application",
    "Condition",
    "ConfigMap",
    "Container",
    "ContainerStatus",
    "ControllerRevision",
    "DaemonSet",
    "Deployment",
    "EndpointSlice",
    "EnvVar",
    "Event",
    "GlobalResource",
    "HorizontalPodAutoscaler",
    "Job",
    "LabelSelector",
    "Lease",
    "Namespace",
    "NamespacedResource",
    "NamespacedSubResource",
    "Node",
    "ObjectMeta",
    "OwnerReference",
    "Pod",
    "PodSpec",
    "PodStatus",
    "PodTemplateSpec",
    "ReplicaSet",
    "Resource",
    "Rollout",
    "Secret",
    "SelfSubjectAccessReview",
    "Service",
    "ServiceAccount",
    "StatefulSet",
]

"""The k8s bot: a look at what runs in Kubernetes. Everything only reads."""

from __future__ import annotations

from collections.abc import Sequence

from bellboard import Block, Bot, Call, reply
from bellboard.api.k8s.v1 import k8s_pb2 as pb

from .looking import Looking
from .providers import Kubernetes
from .scope import Scope

bot = Bot(pb.DESCRIPTOR.services_by_name["K8sService"], version="0.1.0")

WORDS = {pb.WHOSE_PODS: "pods", pb.WHOSE_NODES: "nodes"}


@bot.command
async def get(
    call: Call, kind: str, name: str, namespace: str, labels: str, wide: bool, *, kubernetes: Kubernetes, scope: Scope
) -> pb.GetResponse:
    """List objects of a kind, or one of them."""
    with call.span("get"):
        found = await Looking(kubernetes, scope, call.person).get(kind, name, namespace, labels, wide=wide)
    return pb.GetResponse(reply=reply(*found.blocks), table=found.table.table)


@bot.command
async def describe(
    call: Call, kind: str, name: str, namespace: str, *, kubernetes: Kubernetes, scope: Scope
) -> Sequence[Block]:
    """Tell what is worth knowing of one object."""
    with call.span("describe"):
        return await Looking(kubernetes, scope, call.person).describe(kind, name, namespace)


@bot.command
async def events(
    call: Call, kind: str, name: str, namespace: str, *, kubernetes: Kubernetes, scope: Scope
) -> pb.EventsResponse:
    """Show what Kubernetes said of late, newest first."""
    with call.span("events"):
        found = await Looking(kubernetes, scope, call.person).events(kind, name, namespace)
    return pb.EventsResponse(reply=reply(*found.blocks), table=found.table.table)


@bot.command
async def top(call: Call, what: pb.Whose.ValueType, namespace: str, *, kubernetes: Kubernetes, scope: Scope) -> pb.TopResponse:
    """Show what pods or nodes use."""
    with call.span("top"):
        found = await Looking(kubernetes, scope, call.person).top(WORDS[what], namespace)
    return pb.TopResponse(reply=reply(*found.blocks), table=found.table.table)

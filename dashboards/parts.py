"""What the dashboards are made of: variables, panels, and the ways in which a metric is asked for."""

from __future__ import annotations

from collections.abc import Mapping

from grafana_foundation_sdk.builders import bargauge, dashboard, prometheus, stat, text, timeseries
from grafana_foundation_sdk.builders import common as made
from grafana_foundation_sdk.models import common
from grafana_foundation_sdk.models import dashboard as model
from grafana_foundation_sdk.models.text import TextMode

SOURCE = model.DataSourceRef(type_val="prometheus", uid="${datasource}")
WIDTH = 24
"""Columns of a dashboard."""

TEAM = 'namespace=~"$namespace"'
"""What is asked for: the teams that were chosen. A team is a namespace."""

BOT = f'{TEAM}, bot="$bot"'

ENDS, FAULTS = 'state!~"RESOLVED_.*"', 'fault="yes"'
"""Of final records: those that end a command, without what is found out later of an UNKNOWN one; those that let people down."""

Queries = Mapping[str, str]
"""PromQL, by what its lines are called: a name, in which ``{{label}}`` stands for a label's value."""


def new(uid: str, title: str, about: str, *, bot: bool = False) -> dashboard.Dashboard:
    """A dashboard with its variables: the data source, the team, and with ``bot`` one bot."""
    made_of = (
        dashboard.Dashboard(f"Bellboard / {title}")
        .uid(f"bellboard-{uid}")
        .description(about)
        .tags(["bellboard"])
        .refresh("30s")
        .time("now-3h", "now")
        .timezone("browser")
        .readonly()
        .tooltip(model.DashboardCursorSync.CROSSHAIR)
        .link(_others())
        .with_variable(dashboard.DatasourceVariable("datasource").label("Data source").type("prometheus"))
        .with_variable(_choice("namespace", "Team", "label_values(bellboard_build_info, namespace)", several=not bot))
    )
    if not bot:
        return made_of
    return made_of.with_variable(_choice("bot", "Bot", 'label_values(bellboard_bot_replicas{namespace="$namespace"}, bot)'))


def _others() -> dashboard.DashboardLink:
    return (
        dashboard.DashboardLink("Bellboard")
        .type(model.DashboardLinkType.DASHBOARDS)
        .tags(["bellboard"])
        .as_dropdown(True)
        .include_vars(True)
        .keep_time(True)
    )


def _choice(name: str, label: str, query: str, *, several: bool = False) -> dashboard.QueryVariable:
    choice = (
        dashboard.QueryVariable(name)
        .label(label)
        .datasource(SOURCE)
        .query(query)
        .refresh(model.VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(model.VariableSort.ALPHABETICAL_ASC)
    )
    return choice.multi(True).include_all(True).all_value(".*") if several else choice


# --- panels ---


def lines(title: str, about: str, queries: Queries, *, unit: str = "short", width: int = 8) -> timeseries.Panel:
    """Lines over time."""
    legend = made.VizLegendOptions().show_legend(True).placement(common.LegendPlacement.BOTTOM)
    legend = legend.display_mode(common.LegendDisplayMode.LIST)
    tooltip = made.VizTooltipOptions().mode(common.TooltipDisplayMode.MULTI).sort(common.SortOrder.DESCENDING)
    panel = timeseries.Panel().title(title).description(about).datasource(SOURCE).unit(unit).span(width).height(8)
    panel = panel.min(0).fill_opacity(8).legend(legend).tooltip(tooltip)
    for query in _targets(queries):
        panel = panel.with_target(query)
    return panel


def number(
    title: str, about: str, query: str, *, unit: str = "short", width: int = 4, bad: float | None = None, low: bool = False
) -> stat.Panel:
    """One number: what stands now. It is red from ``bad`` on, or with ``low`` below it."""
    panel = stat.Panel().title(title).description(about).datasource(SOURCE).unit(unit).span(width).height(4)
    panel = panel.graph_mode(common.BigValueGraphMode.NONE).reduce_options(_last())
    for target in _targets({title: query}, instant=True):
        panel = panel.with_target(target)
    if bad is None:
        return panel
    steps = [("red" if low else "green", None), ("green" if low else "red", bad)]
    threshold = [model.Threshold(color=color, value=value) for color, value in steps]
    return panel.thresholds(dashboard.ThresholdsConfig().mode(model.ThresholdsMode.ABSOLUTE).steps(threshold))


def bars(title: str, about: str, queries: Queries, *, unit: str = "short", width: int = 12) -> bargauge.Panel:
    """A bar for each of several numbers: what stands now."""
    panel = bargauge.Panel().title(title).description(about).datasource(SOURCE).unit(unit).span(width).height(8)
    panel = panel.orientation(common.VizOrientation.HORIZONTAL).display_mode(common.BarGaugeDisplayMode.BASIC).min(0)
    panel = panel.reduce_options(_last())
    for query in _targets(queries, instant=True):
        panel = panel.with_target(query)
    return panel


def words(said: str, *, height: int = 4) -> text.Panel:
    """Markdown, across the whole dashboard."""
    return text.Panel().mode(TextMode.MARKDOWN).content(said).span(WIDTH).height(height).transparent(True)


def row(title: str) -> dashboard.Row:
    return dashboard.Row(title)


def _last() -> made.ReduceDataOptions:
    return made.ReduceDataOptions().calcs(["lastNotNull"])


def _targets(queries: Queries, *, instant: bool = False) -> list[prometheus.Dataquery]:
    targets = []
    for number, (legend, expr) in enumerate(queries.items()):
        target = prometheus.Dataquery().expr(expr).legend_format(legend).ref_id(chr(ord("A") + number)).datasource(SOURCE)
        targets.append(target.instant() if instant else target.range())
    return targets


# --- queries ---


def seen(metric: str, *by: str, where: str = TEAM) -> str:
    """A gauge of which every replica tells the whole, as the reaper's and the registry's: not to be added up."""
    return f"max by ({', '.join(('namespace', *by))}) ({metric}{{{where}}})"


def ended(*by: str, where: str = TEAM, window: str = "$__rate_interval") -> str:
    """Final records a second, which every replica of the reaper counts."""
    every = f"max by (namespace, bot, effect, state, fault) (rate(bellboard_ledger_ended_total{{{where}}}[{window}]))"
    return f"sum by ({', '.join(by)}) ({every})" if by else f"sum({every})"


def rate(metric: str, *by: str, where: str = TEAM) -> str:
    """How fast a counter rises a second, over all replicas."""
    return f"sum by ({', '.join(by)}) (rate({metric}{{{where}}}[$__rate_interval]))"


def quantile(share: float, metric: str, *by: str, where: str = TEAM, window: str = "$__rate_interval") -> str:
    """A quantile of a histogram over all replicas."""
    labels = ", ".join((*by, "le"))
    return f"histogram_quantile({share}, sum by ({labels}) (rate({metric}_bucket{{{where}}}[{window}])))"


def of_component(metric: str) -> str:
    """What the client library measures of a process, with what the process is."""
    what = f"max by (namespace, pod, component) (bellboard_build_info{{{TEAM}}})"
    return f"{metric} * on (namespace, pod) group_left (component) {what}"

{{/* One rule of a network policy, from a peer in values: {cidr, except, namespace, pods, ports, protocol}. Takes {way: to | from, peer}. */}}
{{- define "bellboard.rule" -}}
{{- $to := dict }}
{{- with .peer }}
{{- if and .cidr (or .namespace .pods) }}
{{- fail (printf "%s: addresses are not of pods: give `cidr` one entry, and `namespace` and `pods` another" (toJson .)) }}
{{- end }}
{{- if and .except (not .cidr) }}
{{- fail (printf "%s: `except` leaves addresses out of a `cidr`, and there is none" (toJson .)) }}
{{- end }}
{{- if .cidr }}
{{- $_ := set $to "ipBlock" (merge (dict "cidr" .cidr) (ternary (dict "except" .except) dict (not (empty .except)))) }}
{{- end }}
{{- if .namespace }}
{{- $_ := set $to "namespaceSelector" (ternary dict (dict "matchLabels" (dict "kubernetes.io/metadata.name" .namespace)) (eq .namespace "*")) }}
{{- end }}
{{- if .pods }}
{{- $_ := set $to "podSelector" (dict "matchLabels" .pods) }}
{{- else if not (or .cidr .namespace) }}
{{- $_ := set $to "podSelector" dict }}
{{- end }}
{{- end }}
{{- $rule := dict .way (list $to) }}
{{- $ports := list }}
{{- range .peer.ports }}{{ $ports = append $ports (dict "port" . "protocol" ($.peer.protocol | default "TCP")) }}{{ end }}
{{- with $ports }}{{ $_ := set $rule "ports" . }}{{ end }}
{{- list $rule | toYaml }}
{{- end }}

{{/* Rules for a list of peers, one after the other. Takes {way, peers} and perhaps ports, for those that name none. */}}
{{- define "bellboard.rules" -}}
{{- range .peers }}
{{ include "bellboard.rule" (dict "way" $.way "peer" (ternary . (merge (dict "ports" $.ports) .) (or (hasKey . "ports") (not $.ports)))) }}
{{- end }}
{{- end }}

{{/* A whole policy. Takes {root, component, team, namespace, name, selector (YAML), ingress (YAML of rules), egress}. */}}
{{- define "bellboard.networkPolicy" -}}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: {{ .name | quote }}
  namespace: {{ .namespace | quote }}
  labels: {{- include "bellboard.labels" . | nindent 4 }}
spec:
  podSelector:
    matchLabels: {{- .selector | nindent 6 }}
  policyTypes: [Ingress, Egress]
  {{- with .ingress | trim }}
  ingress: {{- . | nindent 4 }}
  {{- end }}
  {{- with .egress | trim }}
  egress: {{- . | nindent 4 }}
  {{- end }}
{{- end }}

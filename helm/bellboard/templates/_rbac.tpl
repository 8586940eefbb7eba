{{/* A Role in a namespace, bound to a bot, or to the people of its team. Takes {root, team, component, namespace, role, rules, to: bot | people}. */}}
{{- define "bellboard.grant" -}}
{{- $labels := include "bellboard.labels" (dict "root" .root "component" .component "team" .team.name) }}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata:
  name: {{ .role }}
  namespace: {{ .namespace }}
  labels: {{- $labels | nindent 4 }}
rules: {{- toYaml .rules | nindent 2 }}
{{- if or (eq .to "bot") .root.Values.people.bind }}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata:
  name: {{ .role }}
  namespace: {{ .namespace }}
  labels: {{- $labels | nindent 4 }}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: {{ .role }}}
subjects:
  {{- if eq .to "bot" }}
  - {kind: ServiceAccount, name: bellboard-{{ .component }}, namespace: {{ .team.namespace }}}
  {{- else }}
  - {apiGroup: rbac.authorization.k8s.io, kind: Group, name: "bellboard:{{ .team.name }}"}
  {{- end }}
{{- end }}
{{- end }}

{{/* The workloads of an environment of kind kubernetes, as JSON: names by kind, and services. Takes the environment. */}}
{{- define "bellboard.workloads" -}}
{{- $found := dict "deployment" list "statefulset" list "daemonset" list "rollout" list "services" list }}
{{- range $app, $said := .apps }}
{{- $workload := splitList "/" ($said.workload | default (printf "deployment/%s" $app)) }}
{{- $_ := set $found (first $workload) (append (get $found (first $workload)) (last $workload) | uniq | sortAlpha) }}
{{- with $said.service }}{{ $_ := set $found "services" (append $found.services . | uniq | sortAlpha) }}{{ end }}
{{- end }}
{{- toJson $found }}
{{- end }}

{{/* What the deploy bot reads, as itself. Canaries have names that nobody knows before. Takes an environment. */}}
{{- define "bellboard.deployReads" -}}
{{- if eq .kind "argocd" }}
- {apiGroups: [argoproj.io], resources: [applications], resourceNames: {{ values .apps | sortAlpha | toJson }}, verbs: [get]}
{{- else }}
{{- $found := include "bellboard.workloads" . | fromJson }}
- {apiGroups: [""], resources: [pods], verbs: [get, list]}
- {apiGroups: [""], resources: [events], verbs: [list]}
{{- with $found.services }}
- {apiGroups: [""], resources: [services], resourceNames: {{ toJson . }}, verbs: [get]}
{{- end }}
{{- with $found.deployment }}
- {apiGroups: [apps], resources: [deployments], verbs: [get, list]}
{{- end }}
{{- with $found.statefulset }}
- {apiGroups: [apps], resources: [statefulsets], resourceNames: {{ toJson . }}, verbs: [get]}
{{- end }}
{{- with $found.daemonset }}
- {apiGroups: [apps], resources: [daemonsets], resourceNames: {{ toJson . }}, verbs: [get]}
{{- end }}
{{- with $found.rollout }}
- {apiGroups: [argoproj.io], resources: [rollouts], resourceNames: {{ toJson . }}, verbs: [get]}
{{- end }}
{{- end }}
{{- end }}

{{/* What it changes, as itself or in the name of whoever asks. Takes an environment. */}}
{{- define "bellboard.deployWrites" -}}
{{- if eq .kind "argocd" }}
- {apiGroups: [argoproj.io], resources: [applications], resourceNames: {{ values .apps | sortAlpha | toJson }}, verbs: [patch]}
{{- else }}
{{- $found := include "bellboard.workloads" . | fromJson }}
{{- with $found.deployment }}
- {apiGroups: [apps], resources: [deployments], verbs: [create, patch, delete]}
{{- end }}
{{- with $found.statefulset }}
- {apiGroups: [apps], resources: [statefulsets], resourceNames: {{ toJson . }}, verbs: [patch]}
- {apiGroups: [""], resources: [pods], verbs: [delete]}
{{- end }}
{{- with $found.daemonset }}
- {apiGroups: [apps], resources: [daemonsets], resourceNames: {{ toJson . }}, verbs: [patch]}
{{- end }}
{{- with $found.rollout }}
- {apiGroups: [argoproj.io], resources: [rollouts, rollouts/status], resourceNames: {{ toJson . }}, verbs: [patch]}
{{- end }}
{{- with $found.services }}
- {apiGroups: [""], resources: [pods], verbs: [patch]}
{{- end }}
{{- end }}
{{- end }}

{{/*
Rights of a bot: `bellboard.rights.NAME` takes {bot, team} and gives a YAML list of grants:
  to          bot, or people: then the group of the team is given it, because the bot acts in their names
  namespace   where; without one, everywhere
  of          what tells it from other grants of the bot
  rules       as in a Role
*/}}
{{- define "bellboard.rights.others" -}}
[]
{{- end }}

{{/* An environment's workloads are read as the bot itself, and changed as whoever asks where `impersonate` is set. */}}
{{- define "bellboard.rights.deploy" -}}
{{- $grants := list }}
{{- range $name, $environment := .bot.environments }}
{{- if and (has $environment.kind (list "kubernetes" "argocd")) (not $environment.kubeconfig) }}
{{- $reads := include "bellboard.deployReads" $environment | fromYamlArray }}
{{- $writes := include "bellboard.deployWrites" $environment | fromYamlArray }}
{{- $grant := dict "of" $name "namespace" ($environment.namespace | default $.team.namespace) }}
{{- if $environment.impersonate }}
{{- $grants = concat $grants (list (merge (dict "to" "bot" "rules" $reads) $grant) (merge (dict "to" "people" "rules" $writes) $grant)) }}
{{- else }}
{{- $grants = append $grants (merge (dict "to" "bot" "rules" (concat $reads $writes)) $grant) }}
{{- end }}
{{- end }}
{{- end }}
{{- toYaml $grants }}
{{- end }}

{{/* Pods and what they said, where a source names a namespace. */}}
{{- define "bellboard.rights.logs" -}}
{{- $namespaces := list }}
{{- range .bot.sources }}
{{- if and (hasKey . "kubernetes") (not .kubernetes.kubeconfig) }}{{ $namespaces = append $namespaces (.kubernetes.namespace | default $.team.namespace) }}{{ end }}
{{- end }}
{{- range $namespaces | uniq | sortAlpha }}
- to: bot
  namespace: {{ . | quote }}
  rules:
    - {apiGroups: [""], resources: [pods], verbs: [get, list, watch]}
    - {apiGroups: [""], resources: [pods/log], verbs: [get]}
{{- else }}[]
{{- end }}
{{- end }}

{{/* The kinds that may be looked at, in the namespaces that may be looked into. */}}
{{- define "bellboard.rights.k8s" -}}
{{- $settings := .bot.settings }}
{{- if $settings.kubeconfig }}[]
{{- else }}
{{- $to := ternary "people" "bot" $settings.kubeImpersonate }}
{{- $wide := list "nodes" "namespaces" "persistentvolumes" }}
{{- $clusters := list }}
{{- $rules := list }}
{{- range $settings.kinds }}
{{- $parts := splitn "." 2 . }}
{{- $rule := dict "apiGroups" (list ($parts._1 | default "")) "resources" (list $parts._0) "verbs" (list "get" "list") }}
{{- if has . $wide }}{{ $clusters = append $clusters $rule }}{{ else }}{{ $rules = append $rules $rule }}{{ end }}
{{- end }}
{{- if has "nodes" $settings.kinds }}
{{- $clusters = append $clusters (dict "apiGroups" (list "metrics.k8s.io") "resources" (list "nodes") "verbs" (list "get" "list")) }}
{{- end }}
{{- if not (has "events" $settings.kinds) }}
{{- $rules = append $rules (dict "apiGroups" (list "") "resources" (list "events") "verbs" (list "list")) }}
{{- end }}
{{- $rules = append $rules (dict "apiGroups" (list "metrics.k8s.io") "resources" (list "pods") "verbs" (list "get" "list")) }}
{{- $grants := list }}
{{- if has "*" $settings.namespaces }}
{{- $clusters = concat $rules $clusters }}
{{- else }}
{{- range $settings.namespaces | default (list .team.namespace) }}
{{- $grants = append $grants (dict "to" $to "namespace" . "rules" $rules) }}
{{- end }}
{{- end }}
{{- with $clusters }}{{ $grants = append $grants (dict "to" $to "rules" .) }}{{ end }}
{{- toYaml $grants }}
{{- end }}
{{- end }}

{{/* A grant, as a Role or ClusterRole and its binding. Takes a grant, and {root, team, component, role}. */}}
{{- define "bellboard.grant" -}}
{{- $labels := include "bellboard.labels" (dict "root" .root "component" .component "team" .team.name) }}
{{- $scope := ternary "" "Cluster" (hasKey . "namespace") }}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: {{ $scope }}Role
metadata:
  name: {{ .role }}
  {{- with .namespace }}
  namespace: {{ . | quote }}
  {{- end }}
  labels: {{- $labels | nindent 4 }}
rules: {{- toYaml .rules | nindent 2 }}
{{- if or (eq .to "bot") .root.Values.people.bind }}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: {{ $scope }}RoleBinding
metadata:
  name: {{ .role }}
  {{- with .namespace }}
  namespace: {{ . | quote }}
  {{- end }}
  labels: {{- $labels | nindent 4 }}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: {{ $scope }}Role, name: {{ .role }}}
subjects:
  {{- if eq .to "bot" }}
  - {kind: ServiceAccount, name: bellboard-{{ .component }}, namespace: {{ .team.namespace | quote }}}
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

{{/* What the deploy bot reads. Canaries have names that nobody knows before. Takes an environment. */}}
{{- define "bellboard.deployReads" -}}
{{- if eq .kind "argocd" }}
- {apiGroups: [argoproj.io], resources: [applications], resourceNames: {{ values .apps | sortAlpha | toJson }}, verbs: [get]}
{{- else }}
{{- $found := include "bellboard.workloads" . | fromJson }}
- {apiGroups: [""], resources: [pods, events], verbs: [list]}
{{- with $found.services }}
- {apiGroups: [""], resources: [pods], verbs: [get]}
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

{{/* What it changes. Takes an environment. */}}
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

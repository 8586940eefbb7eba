{{/*
Names, labels, images, numbers. What is wanted of each team is worked out in _teams.tpl.
A name that somebody chose is always quoted: there may be a team `on`, and a namespace `123`.
*/}}

{{/* Labels by which pods are found. Takes {root, component}. */}}
{{- define "bellboard.selector" -}}
app.kubernetes.io/name: bellboard
app.kubernetes.io/instance: {{ .root.Release.Name | quote }}
app.kubernetes.io/component: {{ .component | quote }}
{{- end }}

{{/* Labels of a pod: nothing that changes with the chart alone, so that no pod is replaced for it. As bellboard.labels. */}}
{{- define "bellboard.podLabels" -}}
{{ include "bellboard.selector" . }}
app.kubernetes.io/part-of: bellboard
{{- with .team }}
bellboard/team: {{ . | quote }}
{{- end }}
{{- end }}

{{/* All labels of an object. Takes {root, component} and perhaps a team's name. */}}
{{- define "bellboard.labels" -}}
{{ include "bellboard.selector" . }}
app.kubernetes.io/part-of: bellboard
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version }}
{{- with .team }}
bellboard/team: {{ . | quote }}
{{- end }}
{{- end }}

{{/* The labels that every pod of one release has, whatever its team and component. Takes the root. */}}
{{- define "bellboard.ours" -}}
app.kubernetes.io/name: bellboard
app.kubernetes.io/instance: {{ .Release.Name | quote }}
{{- end }}

{{/* An image of ours. Takes {root, service, image}. */}}
{{- define "bellboard.image" -}}
{{- $repository := .image.repository | default (printf "%s/bellboard-%s" .root.Values.image.registry .service | trimPrefix "/") -}}
{{- if .image.digest }}{{ $repository }}@{{ .image.digest }}
{{- else }}{{ $repository }}:{{ .image.tag | default .root.Values.image.tag | default .root.Chart.AppVersion }}{{ end -}}
{{- end }}

{{/* An image of others: {repository, tag, digest}. */}}
{{- define "bellboard.foreign" -}}
{{ .repository }}{{ if .digest }}@{{ .digest }}{{ else }}:{{ .tag }}{{ end }}
{{- end }}

{{/* Secrets with which images are pulled. Takes the root. */}}
{{- define "bellboard.pullSecrets" -}}
{{- with .Values.image.pullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . | quote }}
  {{- end }}
{{- end }}
{{- end }}

{{/* Where pods may run. Takes the root. */}}
{{- define "bellboard.scheduling" -}}
{{- with .Values.scheduling }}
{{- with .nodeSelector }}
nodeSelector: {{ toYaml . | nindent 2 }}
{{- end }}
{{- with .tolerations }}
tolerations: {{ toYaml . | nindent 2 }}
{{- end }}
{{- with .priorityClass }}
priorityClassName: {{ . | quote }}
{{- end }}
{{- end }}
{{- end }}

{{/* Spread over zones and nodes. Takes {root, component} and perhaps {zone, host}: what to do where that can't be. */}}
{{- define "bellboard.spread" -}}
topologySpreadConstraints:
  - maxSkew: 1
    topologyKey: topology.kubernetes.io/zone
    whenUnsatisfiable: {{ .zone | default "ScheduleAnyway" }}
    labelSelector:
      matchLabels: {{- include "bellboard.selector" . | nindent 8 }}
  - maxSkew: 1
    topologyKey: kubernetes.io/hostname
    whenUnsatisfiable: {{ .host | default "ScheduleAnyway" }}
    labelSelector:
      matchLabels: {{- include "bellboard.selector" . | nindent 8 }}
{{- end }}

{{/* Pods as the restricted Pod Security Standard wants them. Takes the uid. */}}
{{- define "bellboard.podSecurity" -}}
runAsNonRoot: true
runAsUser: {{ . }}
runAsGroup: {{ . }}
fsGroup: {{ . }}
fsGroupChangePolicy: OnRootMismatch
seccompProfile: {type: RuntimeDefault}
{{- end }}

{{- define "bellboard.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: {drop: [ALL]}
{{- end }}

{{/* A value as it stands in the environment: words as they are, all else as JSON. */}}
{{- define "bellboard.text" -}}
{{- if kindIs "string" . }}{{ . }}{{ else }}{{ toJson . }}{{ end -}}
{{- end }}

{{/* A quantity such as 4Gi in bytes. */}}
{{- define "bellboard.bytes" -}}
{{- $powers := dict "" 1 "k" 1000 "M" 1000000 "G" 1000000000 "T" 1000000000000 "Ki" 1024 "Mi" 1048576 "Gi" 1073741824 "Ti" 1099511627776 -}}
{{- $text := toString . -}}
{{- mul (regexFind "^[0-9]+" $text | int64) (get $powers (regexFind "[A-Za-z]*$" $text) | int64) -}}
{{- end }}

{{/* The address to listen on, as it stands before a port. Takes the root. */}}
{{- define "bellboard.door" -}}
{{ ternary "[::]" .Values.listen (eq .Values.listen "::") }}
{{- end }}

{{/* Where the bus is. Takes the root. */}}
{{- define "bellboard.busUrl" -}}
{{- if .Values.nats.enabled -}}
nats://{{ .Release.Name }}-nats.{{ .Release.Namespace }}.svc:4222
{{- else -}}
{{ .Values.nats.url }}
{{- end -}}
{{- end }}

{{/* Takes the root. The objects of the provisioner belong to ConfigMaps of these names, and go with them. */}}
{{- define "bellboard.teamsName" -}}{{ .Release.Name }}-teams{{- end }}

{{/* What there is to be provisioned, for services/provisioner. Takes the root. */}}
{{- define "bellboard.teamsJson" -}}
{{- $teams := dict }}
{{- range $name, $team := .Values.resolved }}
{{- $bots := dict }}
{{- range $bot, $enrolment := $team.known }}{{ $_ := set $bots $bot $enrolment }}{{ end }}
{{- $quotas := $team.quotas }}
{{- $limits := dict
  "storage" (include "bellboard.bytes" $quotas.storage | int64)
  "memory" (include "bellboard.bytes" $quotas.memory | int64)
  "streams" (int $quotas.streams)
  "consumers" (int $quotas.consumers)
}}
{{- $_ := set $teams $name (dict
  "namespace" $team.namespace
  "gateways" (include "bellboard.gateways" $team.gateway | int)
  "generation" (int $team.gateway.keyGeneration)
  "limits" $limits
  "bots" $bots
) }}
{{- end }}
{{- dict "release" .Release.Name "replicas" (int .Values.nats.replicas) "teams" $teams | toJson }}
{{- end }}

{{/* Whatever changes in it makes it another Job, since no Job can be changed. Takes the root. */}}
{{- define "bellboard.jobName" -}}
{{ .Release.Name }}-provision-{{ print (include "bellboard.provisioning" .) .Values.provisioner.ttlSeconds | sha256sum | trunc 10 }}
{{- end }}

{{/* The pod template of the Job. Takes the root. */}}
{{- define "bellboard.provisioning" -}}
{{- $labels := dict "root" . "component" "provisioner" -}}
metadata:
  labels: {{- include "bellboard.podLabels" $labels | nindent 4 }}
  annotations:
    bellboard/teams: {{ include "bellboard.teamsJson" . | sha256sum | trunc 16 | quote }}
spec:
  restartPolicy: OnFailure
  serviceAccountName: {{ .Release.Name }}-provisioner
  automountServiceAccountToken: false
  enableServiceLinks: false
  securityContext: {{- include "bellboard.podSecurity" 65532 | nindent 4 }}
  {{- include "bellboard.pullSecrets" . | nindent 2 }}
  {{- include "bellboard.scheduling" . | nindent 2 }}
  containers:
    - name: provisioner
      image: {{ include "bellboard.image" (dict "root" . "service" "provisioner" "image" .Values.provisioner.image) }}
      imagePullPolicy: {{ .Values.image.pullPolicy }}
      args: [provision]
      securityContext: {{- include "bellboard.containerSecurity" . | nindent 8 }}
      resources: {{- toYaml .Values.provisioner.resources | nindent 8 }}
      env:
        - {name: BELLBOARD_LOG_LEVEL, value: {{ .Values.telemetry.logLevel }}}
        - {name: BELLBOARD_TEAMS_FILE, value: /etc/bellboard/teams/teams.json}
        - {name: BELLBOARD_NAMESPACE, value: {{ .Release.Namespace | quote }}}
        - {name: BELLBOARD_BUS_URL, value: {{ include "bellboard.busUrl" . | quote }}}
        {{- if .Values.nats.tls.enabled }}
        - {name: BELLBOARD_BUS_CA_FILE, value: /etc/bellboard/bus/ca.crt}
        {{- end }}
      volumeMounts:
        - {name: teams, mountPath: /etc/bellboard/teams, readOnly: true}
        {{- if .Values.nats.tls.enabled }}
        - {name: bus, mountPath: /etc/bellboard/bus, readOnly: true}
        {{- end }}
        - {name: token, mountPath: /var/run/secrets/kubernetes.io/serviceaccount, readOnly: true}
        - {name: tmp, mountPath: /tmp}
  volumes:
    - name: teams
      configMap: {name: {{ include "bellboard.teamsName" . }}}
    {{- if .Values.nats.tls.enabled }}
    - name: bus
      secret: {secretName: {{ .Values.nats.tls.secret | quote }}, defaultMode: 0440, items: [{key: ca.crt, path: ca.crt}]}
    {{- end }}
    - name: token
      {{- include "bellboard.token" . | nindent 6 }}
    - name: tmp
      emptyDir: {sizeLimit: 16Mi}
{{- end }}

{{/* Pods of a team: gateway, reaper, bots. All of these take {root, team, service}, a service being one of bellboard.resolve. */}}

{{- define "bellboard.environment" -}}
{{- $dir := "/etc/bellboard" -}}
{{- $env := dict
  "TEAM" .team.name
  "BUS_URL" (include "bellboard.busUrl" .root)
  "TRUST_FILE" (printf "%s/public/trust.json" $dir)
  "HEALTH_HOST" .root.Values.listen
  "HEALTH_PORT" "9100"
  "LOG_LEVEL" .root.Values.telemetry.logLevel
  "DATA_DIR" "/var/lib/bellboard"
-}}
{{- if eq .service.component "gateway" }}
{{- $generation := ternary (printf ".%d" (int .service.keyGeneration)) "" (gt (int .service.keyGeneration) 1) }}
{{- $env = merge $env (dict
  "NKEY_FILE" (printf "%s/keys/gw-$(GATEWAY_NUMBER).nk" $dir)
  "SIGN_KEY_FILE" (printf "%s/keys/gw-$(GATEWAY_NUMBER)%s.sign" $dir $generation)
  "KEY_ID" (printf "gw-$(GATEWAY_NUMBER)%s" $generation)
  "SESSION_KEY_FILE" (printf "%s/keys/session.key" $dir)
  "BOX_KEY_FILE" (printf "%s/keys/house.box" $dir)
  "ENROLLED_FILE" (printf "%s/public/enrolled.yaml" $dir)
  "PEOPLE_FILE" (printf "%s/team/people.yaml" $dir)
  "POLICY_DIR" (printf "%s/team" $dir)
  "HOOKS_FILE" (printf "%s/team/hooks.yaml" $dir)
  "TRACKERS_FILE" (printf "%s/team/trackers.yaml" $dir)
  "WEB_HOST" .root.Values.listen
  "WEB_PORT" "8080"
  "GRPC_HOST" .root.Values.listen
  "GRPC_PORT" "9090"
) }}
{{- with .team.url }}{{ $_ := set $env "PUBLIC_URL" . }}{{ end }}
{{- else }}
{{- $_ := set $env "NKEY_FILE" (printf "%s/keys/bus.nk" $dir) }}
{{- if ne .service.component "reaper" }}{{ $_ := set $env "BOX_KEY_FILE" (printf "%s/keys/box.key" $dir) }}{{ end }}
{{- end }}
{{- if has .service.component (list "oncall" "incidents") }}{{ with .team.url }}{{ $_ := set $env "WEB_URL" . }}{{ end }}{{ end }}
{{- if eq .service.component "oncall" }}{{ $_ := set $env "PEOPLE_FILE" (printf "%s/team/people.yaml" $dir) }}{{ end }}
{{- range $port := include "bellboard.ingestPorts" .service | fromJsonArray }}{{ $_ := set $env "INGEST_HOST" $.root.Values.listen }}{{ end }}
{{- if .root.Values.nats.tls.enabled }}{{ $_ := set $env "BUS_CA_FILE" (printf "%s/public/bus-ca.crt" $dir) }}{{ end }}
{{- range $file, $_ := .service.files }}
{{- $_ := set $env (printf "%s_FILE" ($file | snakecase | upper)) (printf "%s/config/%s.yaml" $dir $file) }}
{{- end }}
{{- range $setting, $value := .service.settings }}
{{- $_ := set $env ($setting | snakecase | upper) (include "bellboard.text" $value) }}
{{- end }}
{{- if eq .service.component "gateway" }}
- name: GATEWAY_NUMBER
  valueFrom: {fieldRef: {fieldPath: "metadata.labels['apps.kubernetes.io/pod-index']"}}
{{- end }}
- name: BELLBOARD_REPLICA
  valueFrom: {fieldRef: {fieldPath: metadata.name}}
{{- range $name, $value := $env }}
- name: BELLBOARD_{{ $name }}
  value: {{ $value | quote }}
{{- end }}
{{- include "bellboard.otlp" .root }}
{{- end }}

{{/* OpenTelemetry's standard variables. Takes the root. */}}
{{- define "bellboard.otlp" -}}
{{- $otlp := .Values.telemetry.otlp }}
{{- if $otlp.endpoint }}
- name: OTEL_EXPORTER_OTLP_ENDPOINT
  value: {{ $otlp.endpoint | quote }}
{{- with $otlp.headers.name }}
- name: OTEL_EXPORTER_OTLP_HEADERS
  valueFrom: {secretKeyRef: {name: {{ . | quote }}, key: {{ $otlp.headers.key | quote }}}}
{{- end }}
- name: NAMESPACE
  valueFrom: {fieldRef: {fieldPath: metadata.namespace}}
- name: OTEL_RESOURCE_ATTRIBUTES
  value: k8s.namespace.name=$(NAMESPACE),k8s.pod.name=$(BELLBOARD_REPLICA){{ range $key, $value := $otlp.attributes }},{{ $key }}={{ $value }}{{ end }}
{{- end }}
{{- end }}

{{/* The ports at which the logs bot takes lines, as JSON: [{name, port, protocol}]. Takes a service. */}}
{{- define "bellboard.ingestPorts" -}}
{{- $ports := list }}
{{- with .settings.lokiPort }}{{ $ports = append $ports (dict "name" "loki" "port" (int .) "protocol" "TCP") }}{{ end }}
{{- with .settings.syslogPort }}
{{- $ports = concat $ports (list (dict "name" "syslog" "port" (int .) "protocol" "TCP") (dict "name" "syslog-udp" "port" (int .) "protocol" "UDP")) }}
{{- end }}
{{- toJson $ports }}
{{- end }}

{{/* Whether it reads the team's people, rooms and rules: then it is not empty. Takes a service. */}}
{{- define "bellboard.readsTeam" -}}{{ if has .component (list "gateway" "oncall") }}yes{{ end }}{{- end }}

{{/* The whole pod template. */}}
{{- define "bellboard.pod" -}}
{{- $labels := dict "root" .root "component" .service.component "team" .team.name -}}
{{- $gateway := eq .service.component "gateway" -}}
metadata:
  labels: {{- include "bellboard.podLabels" $labels | nindent 4 }}
  annotations:
    kubectl.kubernetes.io/default-container: {{ .service.component | quote }}
    {{- with .service.files }}
    bellboard/files: {{ toJson . | sha256sum | trunc 16 | quote }}
    {{- end }}
    {{- with .service.annotations }}{{ toYaml . | nindent 4 }}{{ end }}
spec:
  serviceAccountName: bellboard-{{ .service.component }}
  automountServiceAccountToken: false
  enableServiceLinks: false
  terminationGracePeriodSeconds: 45
  securityContext: {{- include "bellboard.podSecurity" 65532 | nindent 4 }}
  {{- include "bellboard.pullSecrets" .root | nindent 2 }}
  {{- include "bellboard.scheduling" .root | nindent 2 }}
  {{- include "bellboard.spread" $labels | nindent 2 }}
  containers:
    - name: {{ .service.component | quote }}
      image: {{ include "bellboard.image" (dict "root" .root "service" .service.component "image" .service.image) }}
      imagePullPolicy: {{ .root.Values.image.pullPolicy }}
      securityContext: {{- include "bellboard.containerSecurity" . | nindent 8 }}
      resources: {{- toYaml .service.resources | nindent 8 }}
      env: {{- include "bellboard.environment" . | nindent 8 }}
      ports:
        - {name: health, containerPort: 9100}
        {{- if $gateway }}
        - {name: web, containerPort: 8080}
        - {name: grpc, containerPort: 9090}
        {{- end }}
        {{- range include "bellboard.ingestPorts" .service | fromJsonArray }}
        - {name: {{ .name }}, containerPort: {{ .port }}, protocol: {{ .protocol }}}
        {{- end }}
      startupProbe:
        httpGet: {path: /healthz, port: health}
        periodSeconds: 2
        failureThreshold: 30
      livenessProbe:
        httpGet: {path: /healthz, port: health}
        periodSeconds: 10
        timeoutSeconds: 5
        failureThreshold: 6
      readinessProbe:
        httpGet: {path: /readyz, port: health}
        periodSeconds: 5
        timeoutSeconds: 5
      {{- if $gateway }}
      lifecycle: # who sends lines here learns meanwhile that it goes
        preStop: {sleep: {seconds: 5}}
      {{- end }}
      volumeMounts:
        - {name: keys, mountPath: /etc/bellboard/keys, readOnly: true}
        - {name: public, mountPath: /etc/bellboard/public, readOnly: true}
        {{- if include "bellboard.readsTeam" .service }}
        - {name: team, mountPath: /etc/bellboard/team, readOnly: true}
        {{- end }}
        {{- if .service.files }}
        - {name: config, mountPath: /etc/bellboard/config, readOnly: true}
        {{- end }}
        {{- if include "bellboard.secrets" . }}
        - {name: secrets, mountPath: /etc/bellboard/secrets, readOnly: true}
        {{- end }}
        - {name: data, mountPath: /var/lib/bellboard}
        {{- if .service.token }}
        - {name: token, mountPath: /var/run/secrets/kubernetes.io/serviceaccount, readOnly: true}
        {{- end }}
        - {name: tmp, mountPath: /tmp}
  volumes:
    - name: keys
      secret: {secretName: bellboard-keys-{{ .service.component }}, defaultMode: 0440}
    - name: public
      configMap: {name: bellboard-public}
    {{- if include "bellboard.readsTeam" .service }}
    - name: team
      configMap: {name: bellboard-team}
    {{- end }}
    {{- if .service.files }}
    - name: config
      configMap: {name: bellboard-config-{{ .service.component }}}
    {{- end }}
    {{- with include "bellboard.secrets" . }}
    - name: secrets
      projected:
        defaultMode: 0440
        sources: {{- . | nindent 10 }}
    {{- end }}
    {{- if .service.token }}
    - name: token
      {{- include "bellboard.token" . | nindent 6 }}
    {{- end }}
    {{- if not .service.storage.enabled }}
    - name: data
      emptyDir: {sizeLimit: {{ .service.storage.size }}}
    {{- end }}
    - name: tmp
      emptyDir: {sizeLimit: 256Mi}
{{- end }}

{{/* The files under /etc/bellboard/secrets, from Secrets that are named. The gateway has those of its webhooks, too. */}}
{{- define "bellboard.secrets" -}}
{{- range $file, $from := .service.secrets }}
- secret: {name: {{ $from.name | quote }}, items: [{key: {{ $from.key | quote }}, path: {{ $file | quote }}}]}
{{- end }}
{{- if eq .service.component "gateway" }}
{{- range $hook, $said := .team.webhooks }}
- secret: {name: {{ $said.secret.name | quote }}, items: [{key: {{ $said.secret.key | quote }}, path: hook-{{ $hook }}}]}
{{- end }}
{{- end }}
{{- end }}

{{/* A service account's token that Kubernetes renews, where clients look for it. */}}
{{- define "bellboard.token" -}}
projected:
  defaultMode: 0440
  sources:
    - serviceAccountToken: {path: token, expirationSeconds: 3600}
    - configMap: {name: kube-root-ca.crt, items: [{key: ca.crt, path: ca.crt}]}
    - downwardAPI: {items: [{path: namespace, fieldRef: {fieldPath: metadata.namespace}}]}
{{- end }}

{{/* The volumes of a StatefulSet's pods. Takes {root, service}. */}}
{{- define "bellboard.claims" -}}
persistentVolumeClaimRetentionPolicy: {whenDeleted: {{ ternary "Retain" "Delete" .service.storage.keep }}, whenScaled: Retain}
volumeClaimTemplates:
  - metadata:
      name: data
      labels: {{- include "bellboard.selector" (dict "root" .root "component" .service.component) | nindent 8 }}
    spec:
      accessModes: [ReadWriteOnce]
      {{- with .service.storage.class }}
      storageClassName: {{ . | quote }}
      {{- end }}
      resources: {requests: {storage: {{ .service.storage.size }}}}
{{- end }}

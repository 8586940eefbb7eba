{{/* nats-server's configuration. The provisioner writes the accounts. Takes the root. */}}
{{- define "bellboard.natsConfig" -}}
{{- $door := include "bellboard.door" . -}}
{{- $headless := printf "%s-nats-pods.%s.svc" .Release.Name .Release.Namespace -}}
server_name: $POD_NAME
host: {{ .Values.listen | quote }}
port: 4222
# For probes and the exporter; the network policy lets nobody else in.
http: "{{ $door }}:8222"
pid_file: "/var/run/nats/nats.pid"
max_payload: 1MB
ping_interval: "10s"
ping_max: 2
lame_duck_grace_period: "5s"
lame_duck_duration: "30s"
{{- if .Values.nats.tls.enabled }}
# Before a word is said, so that nobody between can take it out of the conversation.
tls { {{- include "bellboard.natsCertificate" . }}, handshake_first: true }
{{- end }}
jetstream {
  store_dir: "/data"
  max_file_store: {{ include "bellboard.natsRoom" . }}
  max_memory_store: 0
  # An acknowledged write is on disk.
  sync_interval: always
  strict: true
}
{{- if gt (int .Values.nats.replicas) 1 }}
cluster {
  name: {{ .Release.Name | quote }}
  listen: "{{ $door }}:6222"
  no_advertise: true
  {{- if .Values.nats.tls.enabled }}
  tls { {{- include "bellboard.natsCertificate" . }}, verify: true }
  {{- end }}
  routes: [
    {{- range $number := until (int .Values.nats.replicas) }}
    "nats://{{ $.Release.Name }}-nats-{{ $number }}.{{ $headless }}:6222"
    {{- end }}
  ]
}
{{- end }}
# Unpacked beside the pid, since what Kubernetes mounts can't be written to. The path begins at the folder of this file.
include "../../var/run/nats/accounts.conf"
{{- end }}

{{/* Bytes of a server's volume that streams may have. The rest is for what keeps copies alike, which the server does not count. */}}
{{- define "bellboard.natsRoom" -}}
{{ div (mul (include "bellboard.bytes" .Values.nats.storage.size | int64) 7) 10 }}
{{- end }}

{{- define "bellboard.natsCertificate" -}}
{{ " " }}cert_file: "/etc/tls/nats/tls.crt", key_file: "/etc/tls/nats/tls.key", ca_file: "/etc/tls/nats/ca.crt", min_version: "1.3"
{{- end }}

{{/* What brings the accounts to the server: once before it starts, and whenever they change. Takes {root, does}. */}}
{{- define "bellboard.accounts" -}}
- name: {{ .does }}
  image: {{ include "bellboard.image" (dict "root" .root "service" "provisioner" "image" .root.Values.provisioner.image) }}
  imagePullPolicy: {{ .root.Values.image.pullPolicy }}
  args: [{{ .does }}]
  securityContext: {{- include "bellboard.containerSecurity" . | nindent 4 }}
  resources:
    requests: {cpu: 10m, memory: 64Mi}
    limits: {memory: 128Mi}
  env:
    - {name: BELLBOARD_LOG_LEVEL, value: {{ .root.Values.telemetry.logLevel }}}
    - {name: BELLBOARD_ACCOUNTS_FILE, value: /etc/bellboard/accounts/accounts.conf.gz}
    - {name: BELLBOARD_CONFIG_FILE, value: /var/run/nats/accounts.conf}
    - {name: BELLBOARD_PID_FILE, value: /var/run/nats/nats.pid}
    {{- if .root.Values.nats.tls.enabled }}
    - {name: BELLBOARD_CERTIFICATE_FILE, value: /etc/tls/nats/tls.crt}
    {{- end }}
  volumeMounts:
    - {name: accounts, mountPath: /etc/bellboard/accounts, readOnly: true}
    - {name: run, mountPath: /var/run/nats}
    {{- if .root.Values.nats.tls.enabled }}
    - {name: certificate, mountPath: /etc/tls/nats, readOnly: true}
    {{- end }}
{{- end }}

{{/*
What is wanted of each team, in full: defaults, and what the team itself says over them. It is worked out once, and then stands
in .Values.resolved, by team:
  name, namespace, host, url, quotas, rooms, people, rules, webhooks, trackers, enrolments
  gateway, reaper     as in values, with `component`
  bots                those that run here, by name, with `component`, `rights` (what Kubernetes is to let them do; see _rbac.tpl) and
                      `token` (whether they ask it); `environments` of deploy, and `sources` of logs
  known               what may be on the bus, by name: enrolments of our own bots and of others
*/}}
{{- define "bellboard.resolve" -}}
{{- if not (hasKey .Values "resolved") }}
{{- $own := (.Files.Get "files/enrolments.yaml" | fromYaml).bots }}
{{- $resolved := dict }}
{{- range $name, $said := .Values.teams }}
{{- $said := $said | default dict }}
{{- $team := mergeOverwrite (omit $.Values.defaults "bots" | deepCopy) (omit $said "bots" | deepCopy) }}
{{- $host := $team.host | default (ternary (printf "%s.%s" $name $.Values.domain) "" (ne $.Values.domain "")) }}
{{- $_ := set $team "name" $name }}
{{- $_ := set $team "namespace" ($team.namespace | default (printf "%s-%s" $.Release.Name $name)) }}
{{- $_ := set $team "host" $host }}
{{- $_ := set $team "url" ($team.url | default (ternary (printf "https://%s" $host) "" (ne $host ""))) }}
{{- $_ := set $team.gateway "component" "gateway" }}
{{- $_ := set $team.reaper "component" "reaper" }}
{{- $bots := dict }}
{{- $known := dict }}
{{- range $bot := keys $.Values.defaults.bots ($said.bots | default dict) | uniq | sortAlpha }}
{{- $wanted := mergeOverwrite (deepCopy $.Values.bot) (get $.Values.defaults.bots $bot | default dict | deepCopy) (get ($said.bots | default dict) $bot | default dict | deepCopy) }}
{{- if $wanted.enabled }}
{{- $_ := set $wanted "component" $bot }}
{{- $_ := set $wanted "environments" (ternary ((get $wanted.files "deploy" | default dict).environments | default dict) dict (eq $bot "deploy")) }}
{{- $_ := set $wanted "sources" (ternary ((get $wanted.files "logs" | default dict).sources | default list) list (eq $bot "logs")) }}
{{- $rights := include (printf "bellboard.rights.%s" (ternary $bot "others" (has $bot (list "deploy" "logs" "k8s")))) (dict "bot" $wanted "team" $team) | fromYamlArray }}
{{- $_ := set $wanted "rights" $rights }}
{{- $_ := set $wanted "token" (or $wanted.token (not (empty $rights))) }}
{{- $_ := set $bots $bot $wanted }}
{{- with get $own $bot }}
{{- $_ := set $known $bot (merge (dict "bot" $bot "open" $wanted.open) .) }}
{{- end }}
{{- end }}
{{- end }}
{{- range $bot, $enrolment := $team.enrolments }}
{{- $effects := list }}
{{- range $enrolment.effects }}{{ $effects = append $effects (printf "EFFECT_%s" .) }}{{ end }}
{{- $_ := set $known $bot (merge (dict "bot" $bot "effects" $effects) $enrolment) }}
{{- end }}
{{- $_ := set $team "bots" $bots }}
{{- $_ := set $team "known" $known }}
{{- $_ := set $resolved $name $team }}
{{- end }}
{{- include "bellboard.check" (dict "root" $ "teams" $resolved) }}
{{- $_ := set .Values "resolved" $resolved }}
{{- end }}
{{- end }}

{{/* How many gateways a team may have at once: each has keys of its own. */}}
{{- define "bellboard.gateways" -}}
{{- if .autoscaling.enabled }}{{ max .replicas .autoscaling.most }}{{ else }}{{ .replicas }}{{ end -}}
{{- end }}

{{/* Not empty if a bot, as it is wanted, acts in people's names in the Kubernetes in which it runs. */}}
{{- define "bellboard.impersonates" -}}
{{- range .environments }}{{ if and .impersonate (not .kubeconfig) }}yes{{ end }}{{ end -}}
{{- if and (eq .component "k8s") .settings.kubeImpersonate (not .settings.kubeconfig) }}yes{{ end -}}
{{- end }}

{{/* Everything that runs in a team's namespace, by component. Takes a team; gives YAML no more than the names. */}}
{{- define "bellboard.components" -}}
{{- prepend (prepend (keys .bots | sortAlpha) "reaper") "gateway" | toJson -}}
{{- end }}

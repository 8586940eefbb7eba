{{/* What values.schema.json can't say, because it is about several values at once. Each fails with one line. Takes {root, teams}. */}}
{{- define "bellboard.check" -}}
{{- $values := .root.Values }}
{{- $root := .root }}
{{- /* As kit/bellboard/provision/accounts.py has them; and what the chart itself calls things. */}}
{{- $taken := list "reaper" "provisioner" "gw" "gateway" "house" "nats" "nats-server" "nursery" "town" "bell" "core" "monitor" "team" "test" "bellboard" }}
{{- if and (not $values.nats.enabled) (not $values.nats.url) }}
{{- fail "nats.url is missing: with nats.enabled false it says where the bus is" }}
{{- end }}
{{- if and $values.nats.tls.enabled (not $values.nats.tls.secret) }}
{{- fail "nats.tls.secret is missing: with nats.tls.enabled it names the Secret with tls.crt, tls.key and ca.crt" }}
{{- end }}
{{- if not (regexMatch "^[a-z]([a-z0-9-]{0,40}[a-z0-9])?$" $root.Release.Name) }}
{{- fail (printf "the release can't be called %s: it takes small letters, digits and dashes, a letter first, and 42 of them at most, since Services and a Job are named after it" $root.Release.Name) }}
{{- end }}
{{- $namespaces := dict }}
{{- $storage := 0 }}
{{- range $name, $team := .teams }}
{{- with get $namespaces $team.namespace }}
{{- fail (printf "teams.%s.namespace: %s is that of the team %s already" $name $team.namespace .) }}
{{- end }}
{{- $_ := set $namespaces $team.namespace $name }}
{{- if gt (len $team.namespace) 63 }}
{{- fail (printf "teams.%s.namespace: by itself it would be %s, which is longer than 63 letters; say another" $name $team.namespace) }}
{{- end }}
{{- $storage = add $storage (include "bellboard.bytes" $team.quotas.storage | int64) }}
{{- if lt (include "bellboard.bytes" $team.quotas.storage | int64) 536870912 }}
{{- fail (printf "teams.%s.quotas.storage: %s is less than 512Mi, which its streams need from the start" $name $team.quotas.storage) }}
{{- end }}
{{- if and $values.ingress.enabled (not $team.host) }}
{{- fail (printf "teams.%s.host is missing: with ingress.enabled a team has a host, or there is a domain" $name) }}
{{- end }}
{{- range $part, $scaled := merge (dict "gateway" $team.gateway) $team.bots }}
{{- include "bellboard.checkScaling" (dict "where" (printf "teams.%s.%s" $name (ternary "gateway" (printf "bots.%s" $part) (eq $part "gateway"))) "what" $scaled) }}
{{- end }}
{{- range $bot, $_ := $team.enrolments }}
{{- if hasKey (($root.Files.Get "files/enrolments.yaml" | fromYaml).bots) $bot }}
{{- fail (printf "teams.%s.enrolments.%s: a bot of that name comes with Bellboard" $name $bot) }}
{{- end }}
{{- if or (has $bot $taken) (regexMatch "^gw-[1-9][0-9]*$" $bot) }}
{{- fail (printf "teams.%s.enrolments.%s: the name is taken by Bellboard itself" $name $bot) }}
{{- end }}
{{- end }}
{{- $phrases := dict }}
{{- range $bot, $enrolment := $team.known }}
{{- range $enrolment.phrases }}
{{- with get $phrases . }}
{{- fail (printf "teams.%s.enrolments.%s.phrases: one of them is that of the bot %s already" $name $bot .) }}
{{- end }}
{{- $_ := set $phrases . $bot }}
{{- end }}
{{- end }}
{{- range $bot, $wanted := $team.bots }}
{{- if not (hasKey $team.known $bot) }}
{{- fail (printf "teams.%s.bots.%s: no bot of that name comes with Bellboard; say under enrolments what it may be" $name $bot) }}
{{- end }}
{{- if and (hasKey $team.enrolments $bot) (not $wanted.image.repository) }}
{{- fail (printf "teams.%s.bots.%s.image.repository is missing: it is no bot that comes with Bellboard" $name $bot) }}
{{- end }}
{{- end }}
{{- with get $team.bots "k8s" }}
{{- if and .rights (has "secrets" .settings.kinds) (or $values.people.bind (not .settings.kubeImpersonate)) }}
{{- fail (printf "teams.%s.bots.k8s.settings.kinds: nobody is given the right to read secrets here; with kubeImpersonate, and people.bind false, people have what you give them" $name) }}
{{- end }}
{{- end }}
{{- range $hook, $said := $team.webhooks }}
{{- if not (hasKey $team.known $said.bot) }}
{{- fail (printf "teams.%s.webhooks.%s.bot: the team has no bot %s" $name $hook $said.bot) }}
{{- end }}
{{- end }}
{{- end }}
{{- $room := include "bellboard.natsRoom" $root | int64 }}
{{- if and $values.nats.enabled (gt $storage $room) }}
{{- fail (printf "nats.storage.size: of %s, %d bytes are for streams, and the teams' quotas.storage are %d together" $values.nats.storage.size $room $storage) }}
{{- end }}
{{- if and $values.test.team (not (hasKey .teams $values.test.team)) }}
{{- fail (printf "test.team: there is no team %s" $values.test.team) }}
{{- end }}
{{- end }}

{{/* Takes {where, what}. */}}
{{- define "bellboard.checkScaling" -}}
{{- $scaling := .what.autoscaling }}
{{- if $scaling.enabled }}
{{- if lt (int $scaling.most) (int .what.replicas) }}
{{- fail (printf "%s.autoscaling.most: %d is less than its replicas, %d" .where (int $scaling.most) (int .what.replicas)) }}
{{- end }}
{{- if and (eq $scaling.by "hpa") (lt (int .what.replicas) 1) }}
{{- fail (printf "%s.replicas: a HorizontalPodAutoscaler keeps one at least; KEDA goes down to none" .where) }}
{{- end }}
{{- if and (eq $scaling.by "keda") (not $scaling.prometheus) }}
{{- fail (printf "%s.autoscaling.prometheus is missing: KEDA asks it how much waits" .where) }}
{{- end }}
{{- end }}
{{- if and .what.storage.enabled (ne .what.component "gateway") (or $scaling.enabled (gt (int .what.replicas) 1)) }}
{{- fail (printf "%s.replicas: with storage there is one, because each would keep and answer for something else" .where) }}
{{- end }}
{{- end }}

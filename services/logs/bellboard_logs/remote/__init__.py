"""Where lines come from besides the embedded store: Loki, Elasticsearch and OpenSearch, journald, Kubernetes."""

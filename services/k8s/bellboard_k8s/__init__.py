"""The k8s bot: a look at what runs in Kubernetes, with the rights of whoever asks."""

"""Programs as providers: one that deploys, and those that start and stop replicas. No shell is involved anywhere."""

from .hosts import CommandHosts as CommandHosts
from .making import open_command as open_command

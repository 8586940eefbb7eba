"""GitHub as the one that deploys: Deployments keep the record, a workflow does the work."""

from .making import open_github as open_github

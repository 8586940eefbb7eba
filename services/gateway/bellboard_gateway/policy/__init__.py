"""Who may run what."""

from .judge import Ask, Chance, Decision, Policy, Verdict
from .plan import APPROVAL_LIFE, plan

__all__ = ["APPROVAL_LIFE", "Ask", "Chance", "Decision", "Policy", "Verdict", "plan"]

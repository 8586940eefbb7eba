"""Who may run what."""

from .decision import Ask, Chance, Decision, Verdict
from .judge import Policy
from .plan import APPROVAL_LIFE, plan

__all__ = ["APPROVAL_LIFE", "Ask", "Chance", "Decision", "Policy", "Verdict", "plan"]

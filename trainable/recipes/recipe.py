"""What is a recipe? A foundation, techniques added to it, and networks that vote."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from trainable.config import TrialConfig
from trainable.settings import Value

Settings = Mapping[str, Value]
"""Dotted path -> value; what is not named keeps its default."""

SEVERAL = "several networks"
"""The technique of a recipe with members."""


@dataclass(frozen=True)
class Recipe:
    """One team's system.

    ``techniques`` are what the team added to the ``foundation``, in its order, and what an ablation
    takes away one at a time; ``tried`` is what it tried beside them. ``members`` are the networks
    of one trial, each with settings of its own, and ``vote`` is how they answer together.
    """

    source: str
    foundation: Settings = field(default_factory=dict[str, Value])
    techniques: Mapping[str, Settings] = field(default_factory=dict[str, Settings])
    tried: Mapping[str, Settings] = field(default_factory=dict[str, Settings])
    members: Mapping[str, Settings] = field(default_factory=dict[str, Settings])
    vote: str = "soft"

    def settings(self) -> dict[str, object]:
        """Return the settings of the whole system, as a command line's defaults take them."""
        merged: dict[str, object] = dict(self.foundation)
        for technique in self.techniques.values():
            merged |= technique
        if self.members:
            members = {name: dict(own) for name, own in self.members.items()}
            merged |= {"members.settings": members, "members.vote": self.vote}
        return merged

    def steps(self) -> dict[str, Settings]:
        """Return the techniques in the team's order, and last that several networks vote."""
        several: Settings = {"members.use": "all"}
        return {**self.techniques, **({SEVERAL: several} if self.members else {})}

    def known(self) -> dict[str, Settings]:
        """Return every technique: those of the recipe, then those tried beside."""
        return {**self.steps(), **self.tried}

    def undone(self, technique: Settings) -> Settings:
        """Return the values that take a technique away: the foundation's, else the defaults."""
        plain = TrialConfig().with_values(self.foundation)
        alone: Settings = {"members.use": "none"}
        return {path: alone.get(path, plain.value(path)) for path in technique}

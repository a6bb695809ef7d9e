"""A trained linkage model: the parameters of Fellegi-Sunter as one versioned JSON document."""

import json
import math
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import Any, Self, cast

from analytics.linkage_specification import SPECIFICATIONS, Dependence, Kind

FORMAT_VERSION = 1


class ModelError(ValueError):
    """A model document that can't be used, said in one sentence with what to do about it."""


@dataclass(frozen=True)
class LevelWeights:
    """m = P(level | same entity), u = P(level | different entities), both over pairs that can be compared."""

    label: str
    m: float
    u: float

    @property
    def weight(self) -> float:
        """log2(m / u), in bits."""
        return math.log2(self.m / self.u)


@dataclass(frozen=True)
class TermFrequencies:
    """How often a column's common values occur, as a share of its values; `rare` stands for all the others."""

    rare: float
    common: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Model:
    """What `score` needs to weigh a pair; nothing in it depends on the batch that is scored.

    `prior` is P(two random records are one entity). `levels` are by comparison, from the strongest agreement down.
    """

    kind: Kind
    prior: float
    levels: dict[str, tuple[LevelWeights, ...]]
    term_frequencies: dict[str, TermFrequencies]
    record_count: int = 0

    def to_json(self) -> str:
        """The model as a JSON document with sorted keys, so that equal models are equal texts."""
        document = {
            "format": "tenure.linkage",
            "format_version": FORMAT_VERSION,
            "splink_version": version("splink"),
            "kind": self.kind,
            "record_count": self.record_count,
            "prior": self.prior,
            "comparisons": {
                name: [{"label": level.label, "m": level.m, "u": level.u} for level in levels]
                for name, levels in self.levels.items()
            },
            "term_frequencies": {
                column: {"rare": terms.rare, "common": terms.common} for column, terms in self.term_frequencies.items()
            },
        }
        return json.dumps(document, indent=1, sort_keys=True, ensure_ascii=False) + "\n"

    @classmethod
    def from_json(cls, text: str, kind: Kind) -> Self:
        """Read a document of `to_json`; ModelError if it isn't one, of this format version and of this kind."""
        try:
            document: dict[str, Any] = json.loads(text)
            written_as, written_version, written_kind = (
                document["format"],
                document["format_version"],
                document["kind"],
            )
        except (ValueError, TypeError, KeyError):
            raise ModelError("This is not a linkage model; train it again.") from None
        if written_as != "tenure.linkage" or written_version != FORMAT_VERSION:
            raise ModelError(
                f"The linkage model is of format version {written_version}, and this release reads version "
                f"{FORMAT_VERSION}; train it again."
            )
        if written_kind != kind:
            raise ModelError(f"The linkage model is for {written_kind}, not for {kind}; give the one for {kind}.")
        try:
            model = cls(
                kind=kind,
                prior=float(document["prior"]),
                levels={
                    name: tuple(LevelWeights(level["label"], float(level["m"]), float(level["u"])) for level in levels)
                    for name, levels in cast(dict[str, list[dict[str, Any]]], document["comparisons"]).items()
                },
                term_frequencies={
                    column: TermFrequencies(float(terms["rare"]), dict(terms["common"]))
                    for column, terms in cast(dict[str, dict[str, Any]], document["term_frequencies"]).items()
                },
                record_count=int(document["record_count"]),
            )
        except (AttributeError, ValueError, TypeError, KeyError):
            raise ModelError("The linkage model is damaged; train it again.") from None
        model.check()
        return model

    def check(self) -> None:
        """Raise ModelError unless the model fits this release's comparisons, with every probability within (0, 1)."""
        specification = SPECIFICATIONS[self.kind]
        expected = {c.name: [level.label for level in c.levels] for c in specification.weighed}
        found = {name: [level.label for level in levels] for name, levels in self.levels.items()}
        frequencies = {level.frequency_of for c in specification.weighed for level in c.levels} - {None}
        if found != expected or frequencies - set(self.term_frequencies):
            raise ModelError("The linkage model was trained for other comparisons than this release's; train it again.")
        probabilities = [self.prior, *(p for levels in self.levels.values() for v in levels for p in (v.m, v.u))]
        if not all(0 < p < 1 for p in probabilities):
            raise ModelError("The linkage model has a probability outside 0 to 1; train it again.")


def prior_model(kind: Kind, record_count: int = 0) -> Model:
    """The model before any training: the specification's m and u, and a prior of one match per two records."""
    specification = SPECIFICATIONS[kind]
    prior = min(0.5, 1.0 / max(record_count - 1, 1000))
    levels = {
        c.name: tuple(LevelWeights(level.label, level.m, level.u) for level in c.levels)
        for c in specification.comparisons
    }
    if specification.dependence:
        levels[specification.dependence.name] = _as_many_families_as_matches(specification.dependence, levels, prior)
    return Model(
        kind=kind,
        prior=prior,
        levels=levels,
        term_frequencies={
            level.frequency_of: TermFrequencies(level.u)
            for c in specification.comparisons
            for level in c.levels
            if level.frequency_of
        },
        record_count=record_count,
    )


def _as_many_families_as_matches(
    dependence: Dependence, levels: dict[str, tuple[LevelWeights, ...]], prior: float
) -> tuple[LevelWeights, ...]:
    """What a shared home is overrated by, if families are as frequent as matches."""
    first = levels[dependence.first][0]
    places = {level.label: level for level in levels[dependence.other]}
    return tuple(
        LevelWeights(level.label, first.u / (1 + prior * places[label].m / (first.u * places[label].u)), first.u)
        for level, (label, _) in zip(dependence.comparison.levels, dependence.places, strict=True)
    )

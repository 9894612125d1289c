"""The root of a run's configuration: one TOML file, one section a component.

Every section is a frozen model owned by the component it configures; what is not named in the
file has the default written there.
"""

from __future__ import annotations

import difflib
import json
import re
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from pydantic import Field, ValidationError, model_validator

import envs
from envs import trust
from selfplay.actors import Backend, Threads
from selfplay.actors.actor import ActorSection
from selfplay.learning.replay import ReplaySection
from selfplay.learning.section import LearnerSection
from selfplay.measure.strength import StrengthSection
from selfplay.nets import NetSection, ResNet
from selfplay.nets.inference import EvaluatorSection
from selfplay.regimes import Regime, SelfPlay
from selfplay.regimes.ledger import Budget
from selfplay.search import Gumbel, Search
from selfplay.section import Section, kinds_of
from selfplay.system.text import read_text
from selfplay.types import Game

NAME = r"^[\w.-]*[\w-][\w.-]*$"  # of a folder, and no .. that leads out of the one above it

TOLD = 5  # mistakes of a recipe that one answer names
_RECIPE_BYTES = 1 << 20
# a dotted key of many parts, which takes the reader of TOML time in the square of their number
_DEEP = re.compile(r"(?<![\w\"'-])(?:[\w\"'-]++[ \t]*+\.[ \t]*+){50}")
_SHIPPED = Path(__file__).resolve().parent.parent / "configs"


class Config(Section):
    """All that defines a run."""

    name: str = Field("run", pattern=NAME)
    """the run's folder below `runs/`; `"run"` where there is no file"""
    game: str = "connect4"
    """a game's name, `package.module:Class` or an adapter; options behind `?`"""
    problems: str = ""
    """of the proving game: a TPTP file or folder; empty: the problems that ship"""
    seed: int = Field(0, ge=0, le=2**63 - 1)
    """of everything random; same seed, same run, on one machine with one number of threads"""
    regime: Regime = SelfPlay()
    net: NetSection = ResNet()
    search: Search = Gumbel()
    evaluator: EvaluatorSection = EvaluatorSection()
    actor: ActorSection = ActorSection()
    backend: Backend = Threads()
    replay: ReplaySection = ReplaySection()
    learner: LearnerSection = LearnerSection()
    strength: StrengthSection = StrengthSection()
    budget: Budget = Budget(seconds=300)
    checkpoint_s: float = Field(120, gt=0, le=1e9)
    """seconds between checkpoints"""

    @model_validator(mode="after")
    def _problems_fit(self) -> Config:
        if self.problems and self.game.partition("?")[0] not in envs.ON_PROBLEMS:
            games = " or ".join(map(repr, envs.ON_PROBLEMS))
            raise ValueError(f"problems are for game = {games}, not for {self.game!r}")
        return self

    def rules(self) -> Game:
        """The game on the problems, as the net sees it; ValueError or OSError if it cannot be."""
        joint = "&" if "?" in self.game else "?"
        problems = joint + urlencode({"problems": self.problems}) if self.problems else ""
        rules = envs.make(self.game + problems)
        if folds := getattr(self.regime, "folds", 0):
            keeping = getattr(rules, "keeping", None)
            rules = keeping(self.seed % folds, folds) if keeping else rules
        seen_as = getattr(rules, "seen_as", None)
        return seen_as(self.net.view) if seen_as and self.net.view else rules

    def dump(self) -> dict[str, Any]:
        """The resolved configuration as plain JSON values."""
        plain: dict[str, Any] = self.model_dump(mode="json")
        return plain


def load_config(path: str | Path, overrides: Sequence[str] = ()) -> Config:
    """The configuration in a TOML file, with ``section.key=value`` overrides."""
    path = Path(path)
    if not path.is_file():
        near = nearest_recipe(str(path))
        hint = f"; did you mean {str(near)!r}?" if near else ""
        raise FileNotFoundError(f"there is no config file {str(path)!r}{hint}")
    plain = read_toml(path)
    name = re.sub(r"[^\w.-]", "-", path.stem)
    return parse_config({"name": name, **plain}, overrides, str(path), path)


def read_toml(path: Path) -> dict[str, Any]:
    """What a recipe or a sweep's file says; ValueError with a sentence when it is not TOML."""
    text = read_text(path, strict=True, limit=_RECIPE_BYTES)
    if not text and path.stat().st_size:
        raise ValueError(f"{path} is not valid TOML: it is a byte order mark without a text")
    try:
        if _DEEP.search(text):
            raise RecursionError
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ValueError(f"{path} is not valid TOML: {error}") from error
    except (ValueError, RecursionError) as error:  # a number of 5,000 digits; brackets without end
        reason = str(error) if isinstance(error, ValueError) else "it is nested too deeply"
        raise ValueError(f"{path} is not valid TOML: {reason}") from error


def nearest_recipe(name: str) -> Path | None:
    """The file in ``configs`` that is named most like ``name``; the user's come first."""
    folders = (_SHIPPED, Path("configs"))
    known = {recipe.stem: recipe for folder in folders for recipe in folder.glob("*.toml")}
    near = difflib.get_close_matches(Path(name).stem, known, n=1, cutoff=0.5)
    return known[near[0]] if near else None


def recipe_of(game: str) -> Path | None:
    """The recipe for a game's spec: beside the user, in the user's ``configs``, or shipped.

    Self-play comes first, then the file that is named like the game, then the shortest name.
    """
    found = []
    for rank, folder in enumerate((Path(), Path("configs"), _SHIPPED)):
        for path in sorted(folder.glob("*.toml")):
            try:
                plain = tomllib.loads(path.read_text(encoding="utf-8"))
            except (OSError, ValueError):
                continue
            if envs.short(str(plain.get("game"))) == envs.short(game):
                kind = dict(plain.get("regime") or {}).get("kind", "selfplay")
                found.append((kind != "selfplay", path.stem != game, rank, len(path.stem), path))
    return min(found)[-1] if found else None


def parse_config(
    plain: Mapping[str, Any],
    overrides: Sequence[str] = (),
    source: str = "config",
    file: Path | None = None,
) -> Config:
    """A Config out of plain values and overrides; ValueError in one sentence if it is not valid.

    ``file``: what the values come from, if they do; its game has to be listed or trusted, unless
    an override names the game.
    """
    values: dict[str, Any] = json.loads(json.dumps(plain, default=str))
    for override in overrides:
        _override(values, override)
    for name, field in Config.model_fields.items():
        section, kind = values.get(name), getattr(field.default, "kind", None)
        if isinstance(section, dict) and kind is not None:
            section.setdefault("kind", kind)
    try:
        config = Config.model_validate(values)
    except ValidationError as error:
        problems = "; ".join(map(_sentence, error.errors()[:TOLD]))
        raise ValueError(f"{source}: {problems}") from error
    typed = any(override.partition("=")[0].strip() == "game" for override in overrides)
    if file is not None and not typed:
        trust.require(config.game, file)
    return config


def changed_options(config: Config) -> dict[str, Any]:
    """The options that differ from their defaults, plain values by dotted names; not its name."""
    changed: dict[str, Any] = {}
    for name, field in Config.model_fields.items():
        value = getattr(config, name)
        if name == "name":
            continue
        if not isinstance(value, Section):
            if value != field.default:
                changed[name] = value
            continue
        same_kind = type(value) is type(field.default)
        plain = value.model_dump(mode="json")
        if not same_kind:
            changed[f"{name}.kind"] = plain["kind"]
        for option, inner in type(value).model_fields.items():
            usual = getattr(field.default, option) if same_kind else inner.get_default()
            if option != "kind" and getattr(value, option) != usual:
                changed[f"{name}.{option}"] = plain[option]
    return changed


def _override(values: dict[str, Any], override: str) -> None:
    """Writes ``a.b=value`` into nested ``values``; the value is read as TOML, else as text."""
    path, equals, text = override.partition("=")
    keys = path.strip().split(".")
    if not equals or not all(keys):
        raise ValueError(f"--set {override!r}: expected section.key=value")
    try:
        value = tomllib.loads(f"value = {text}")["value"]
    except (tomllib.TOMLDecodeError, RecursionError):
        value = text
    for key in keys[:-1]:
        values = values.setdefault(key, {})
        if not isinstance(values, dict):
            raise ValueError(f"--set {override!r}: {key!r} is a value, not a section")
    if keys[-1] == "kind":  # what only the old kind knows goes with it
        kinds = _sections(keys[0])
        old, new = kinds.get(str(values.get("kind"))), kinds.get(str(value))
        if old is not None and new is not None:
            for name in old.model_fields.keys() - new.model_fields:
                values.pop(name, None)
    values[keys[-1]] = value


def _sentence(problem: Any) -> str:
    """One validation problem in words: where, what was given, what is expected."""
    place = [part for part in problem["loc"] if isinstance(part, str)]
    plain = [part for i, part in enumerate(place) if not i or part not in _sections(place[i - 1])]
    if problem["type"] == "extra_forbidden":
        near = difflib.get_close_matches(plain[-1], _fields_at(place[:-1]), n=1, cutoff=0.5)
        known = ", ".join(_fields_at(place[:-1]))
        hint = f"did you mean {near[0]!r}?" if near else f"known here: {known}"
        kinds = _sections(place[0]) if len(plain) == 2 else {}
        if owners := [kind for kind, of in kinds.items() if plain[1] in of.model_fields]:
            hint = f"it is for {plain[0]}.kind = {' or '.join(map(repr, owners))}"
        return f"unknown option {'.'.join(plain)!r}; {hint}"
    if problem["type"] == "missing":
        option = ".".join(plain)
        return f"the option {option} is missing; name it there, or with --set {option}=..."
    if problem["type"] == "union_tag_invalid":
        context = problem["ctx"]
        near = difflib.get_close_matches(str(context["tag"]), _sections(place[0]), 1, 0.4)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        return (
            f"{'.'.join(plain)}.kind is {context['tag']!r}, expected one of "
            f"{context['expected_tags']}{hint}"
        )
    if problem["type"] in ("model_type", "model_attributes_type"):
        return f"{plain[-1]} = {problem['input']!r}: expected a section [{'.'.join(plain)}]"
    said = problem["msg"].removeprefix("Value error, ")
    return f"{'.'.join(plain)} = {problem['input']!r}: {said}"


def _sections(name: str) -> dict[str, type[Section]]:
    """What may stand under an option of the root, by kind; "" is that of a section without."""
    kinds = kinds_of(Config.model_fields[name]) if name in Config.model_fields else []
    sections = [each for each in kinds if isinstance(each, type) and issubclass(each, Section)]
    return {str(getattr(each.model_fields.get("kind"), "default", "")): each for each in sections}


def _fields_at(place: Sequence[str]) -> list[str]:
    """The options known at a place: the root, a section, or its kind where there are several."""
    if not place:
        return sorted(Config.model_fields)
    sections = _sections(place[0])
    named = [sections[kind] for kind in place[1:] if kind in sections]
    return sorted({name for each in named or sections.values() for name in each.model_fields})

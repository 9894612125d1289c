"""A net that sees no names, for the proving game: what a symbol is, its occurrences tell.

The clauses of a problem are encoded by rounds of messages between names (symbols, and the
variables of clauses), literals and clauses; a name's message is weighted by the place where it
occurs, so order and depth of arguments matter, and sums and means over sets make the order of
literals and clauses disappear (Olsak, Kaliszyk, Urban 2019, "Property invariant embedding for
automated reasoning").  Positions then look up what they consist of.  With weights that stand still
a problem is encoded once.

Shape suffixes: M positions, R literals seen in them, Q options that are there, F features, W width.
"""

from __future__ import annotations

from typing import ClassVar, Literal, NamedTuple

import torch
from pydantic import Field
from torch import Tensor, nn

from envs.proving.calculus.matrix import Library
from envs.proving.views.graph import ABOVE, COUNTS, EXTENSION, START, TOKENS, GraphObs
from selfplay.nets.base import (
    SMALLER_NET,
    Counted,
    Heads,
    Net,
    NetOptions,
    enough_memory,
    example,
)
from selfplay.nets.graph_problems import (
    Encoder,
    Memory,
    Places,
    Problems,
    Table,
    layers,
    mean_by,
    most_by,
    sum_by,
)
from selfplay.types import Game

_HEADS = 4  # of the goal's attention to the literals around it


class Graph(NetOptions):
    """Each inference is scored from its clause and the position, none of which shows a name."""

    view: ClassVar[str] = "graph"
    of_one_game: ClassVar[bool] = True
    kind: Literal["graph"] = "graph"
    features: int = Field(32, ge=1, le=4096)
    """learned numbers a node of the graph"""
    rounds: int = Field(2, ge=1, le=64)
    """of messages between names, literals and clauses"""
    width: int = Field(64, ge=_HEADS, le=8192, multiple_of=_HEADS)
    """of the layers that judge a position"""
    dropout: float = Field(0.3, ge=0, lt=1)
    """of what it knows of literals, clauses and positions, while learning"""

    @enough_memory(SMALLER_NET)
    def build(self, game: Game) -> Net:
        """A net with fresh weights from torch's random state, for the problems of ``game``.

        Raises ValueError when the game does not show graphs, or when the memory is too small.
        """
        library = getattr(game, "library", None)
        if not isinstance(example(game), GraphObs) or not isinstance(library, Library):
            raise ValueError(
                f"net kind 'graph' needs the proving game with view=graph; {game.name} shows "
                f"something else"
            )
        return Net(_Reader(self, Problems(library.matrix)), _Position(self), _Scores(self))


class _Seen(NamedTuple):
    """Positions with what the encoder knows of their parts."""

    literal_RF: Tensor  # the literals of the positions as they stand in the clauses
    inside_RF: Tensor  # and as the substitution made them
    role: Tensor  # [R] i64, 0 goal, 1 the literal above it, 2 further above, 3 open beside
    climb: Tensor  # [R] i64
    position: Tensor  # [R] i64
    problem_MF: Tensor
    counts_MC: Tensor
    option_literal_QF: Tensor  # 0 for a start
    option_clause_QF: Tensor  # 0 for a reduction
    kind: Tensor  # [Q] i64
    used: Tensor  # [Q] i64
    token: Tensor  # [Q] i64, 1 + the row among R of a reduction's partner; 0 = none
    of: Tensor  # [Q] i64, position
    there_MA: Tensor


class _Reader(nn.Module):
    """Observations -> what the encoder knows of their literals, names and clauses."""

    def __init__(self, section: Graph, problems: Problems) -> None:
        super().__init__()
        self.encoder = Encoder(section.features, section.rounds, problems)
        self.places = Places(section.features)
        self.drop = nn.Dropout(section.dropout)
        self.memory = Memory()

    def forward(self, fields: list[Tensor]) -> _Seen:
        problem, counts, literal, climb, name, place, kind, number, token, used = fields
        problem = problem.long()
        if torch.is_grad_enabled():  # it learns: encoded anew
            table: Table = self.encoder(problem.unique())
        else:
            table = self.memory.table(self.encoder, problem.unique())
        there, offered = literal > 0, kind > 0
        position, column = there.nonzero(as_tuple=True)
        where, of = problem[position], offered.nonzero()[:, 0]
        rows = literal[there].long() - 1 + table.move[1][where]
        tokens = torch.zeros(there.shape, dtype=torch.long, device=there.device)
        tokens[there] = torch.arange(1, len(rows) + 1, device=there.device)
        kind, number = kind[offered].long(), number[offered].long()
        partner = token[offered].long()
        option_literal, option_clause = self._options(table, problem[of], kind, number)
        return _Seen(
            self.drop(table.rows_RF.index_select(0, rows)),
            self.drop(self._inside(table, where, name[there], place[there])),
            torch.where(column > ABOVE, 3, column.clamp_max(2)),
            climb[there].long(),
            position,
            self.drop(table.rows_RF.index_select(0, table.move[3][problem])),
            torch.log1p(counts.to(table.rows_RF.dtype)) / 4,
            self.drop(option_literal),
            self.drop(option_clause),
            kind,
            used[offered].long(),
            torch.where(partner > 0, tokens[of, partner], 0),
            of,
            offered,
        )

    def _options(
        self, table: Table, problem: Tensor, kind: Tensor, number: Tensor
    ) -> tuple[Tensor, Tensor]:
        """The literals and clauses that options use."""
        of = self.encoder.problems.on(number.device)
        begin, extend = kind == START, kind == EXTENSION
        literals = torch.where(begin, 0, number + table.move[1][problem])
        inside = of["clause"][torch.where(begin, 0, number)].long()
        clause = torch.where(begin, number, inside) + table.move[2][problem]
        clauses = torch.where(begin | extend, clause, 0)
        return table.rows_RF.index_select(0, literals), table.rows_RF.index_select(0, clauses)

    def _inside(self, table: Table, problem: Tensor, name: Tensor, place: Tensor) -> Tensor:
        """The literals of positions as sums over the occurrences in them."""
        row, column = (name != 0).nonzero(as_tuple=True)
        name, place = name[row, column].long(), place[row, column].long()
        rows = torch.where(name > 0, name - 1 + table.move[0][problem[row]], -1 - name)
        x_OF = table.rows_RF.index_select(0, rows)
        inside_RF: Tensor = self.places(x_OF, place, row, len(problem))
        return inside_RF


class _Position(nn.Module):
    """The literals of a position, and all of them together as the goal sees them."""

    def __init__(self, section: Graph) -> None:
        super().__init__()
        features, width = section.features, section.width
        self.norm = nn.LayerNorm(features)
        self.enter = Counted(2 * features, width)
        self.role = nn.Embedding(4, width)
        self.climb = nn.Embedding(TOKENS, width)
        self.inner = Counted(width, width)
        self.literal = nn.LayerNorm(width)
        self.ask, self.key = Counted(width, width), Counted(width, width)
        self.join = layers(5 * width + features + COUNTS, width)
        self.position = nn.LayerNorm(width)
        self.drop = nn.Dropout(section.dropout)

    def forward(self, seen: _Seen) -> tuple[Tensor, Tensor, _Seen]:
        count, width = len(seen.counts_MC), self.enter.out_features
        parts = [seen.literal_RF, self.norm(seen.inside_RF)]
        h_RW = self.enter(torch.cat(parts, 1)) + self.role(seen.role)
        h_RW = torch.relu(h_RW + self.climb(seen.climb.clamp_max(TOKENS - 1)))
        h_RW = self.literal(h_RW + self.inner(h_RW))
        roles = [(seen.role == role).nonzero()[:, 0] for role in range(4)]
        pools = [mean_by(h_RW.index_select(0, rows), seen.position[rows], count) for rows in roles]
        question = self.ask(pools[0]).index_select(0, seen.position)
        fit = (question * self.key(h_RW)).view(-1, _HEADS, width // _HEADS).sum(2)
        weight = torch.exp((fit / (width // _HEADS) ** 0.5).clamp(-8, 8))
        total = sum_by(weight, seen.position, count).index_select(0, seen.position)
        share = (weight / total).repeat_interleave(width // _HEADS, 1).to(h_RW.dtype)
        pools.append(sum_by(share * h_RW, seen.position, count))
        x_MW = self.join(torch.cat([*pools, seen.problem_MF, seen.counts_MC], 1))
        return self.drop(torch.relu(self.position(x_MW))), h_RW, seen


class _Scores(nn.Module):
    """One number for each option, and the chance of closing the tableau."""

    def __init__(self, section: Graph) -> None:
        super().__init__()
        features, width = section.features, section.width
        self.kind, self.used = nn.Embedding(4, width), nn.Embedding(4, width)
        self.enter = Counted(2 * features, width)
        self.partner = Counted(width, width, bias=False)
        self.norm = nn.LayerNorm(width)
        self.meet = Counted(width, width)
        self.hidden = Counted(3 * width, width)
        self.score = Counted(width, 1)
        self.judge = Counted(3 * width, width)
        self.value = Counted(width, 3)

    def forward(self, parts: tuple[Tensor, Tensor, _Seen]) -> Heads:
        x_MW, h_RW, seen = parts
        y_QW = self.enter(torch.cat([seen.option_literal_QF, seen.option_clause_QF], 1))
        y_QW = y_QW + self.kind(seen.kind) + self.used(seen.used.clamp_max(3))
        partner = torch.cat([h_RW.new_zeros(1, h_RW.shape[1]), h_RW]).index_select(0, seen.token)
        y_QW = self.norm(torch.relu(y_QW + self.partner(partner)))
        x_QW = self.meet(x_MW).index_select(0, seen.of)
        z_QW = torch.relu(self.hidden(torch.cat([y_QW, x_QW, y_QW * x_QW], 1)))
        score_Q = self.score(z_QW)[:, 0]
        policy_MA = score_Q.new_zeros(seen.there_MA.shape)
        policy_MA[seen.there_MA] = score_Q
        options = [mean_by(z_QW, seen.of, len(x_MW)), most_by(z_QW, seen.of, len(x_MW))]
        judged = torch.relu(self.judge(torch.cat([x_MW, *options], 1)))
        return Heads(policy_MA, self.value(judged), None)

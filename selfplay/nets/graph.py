"""A net that sees no names, for the proving game: what a symbol is, its occurrences tell.

The clauses of a problem are encoded by rounds of messages between names (symbols, and the
variables of clauses), literals and clauses; a name's message is weighted by the place where it
occurs, so order and depth of arguments matter, and sums and means over sets make the order of
literals and clauses disappear (Olsak, Kaliszyk, Urban 2019, "Property invariant embedding for
automated reasoning").  Positions then look up what they consist of.  With weights that stand still
a problem is encoded once.

Shape suffixes: M positions, R literals seen in them, Q options that are there, F features, W width;
in the encoder O occurrences, N names, L literals, C clauses, K problems.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal, NamedTuple, Self

import numpy as np
import torch
from pydantic import Field
from torch import Tensor, nn

from envs.proving.calculus.matrix import ROLES, Library, Matrix
from envs.proving.views.graph import (
    ABOVE,
    COUNTS,
    EXTENSION,
    NAME_KINDS,
    PLACES,
    START,
    TOKENS,
    VARIABLE_CODES,
    GraphObs,
    problem_graphs,
)
from selfplay.nets.base import SMALLER_NET, Heads, Net, NetOptions, enough_memory, example
from selfplay.types import Game

_MOST_ROWS = 1 << 20  # of encoded problems that are remembered: 128 MB at 32 features of 4 bytes
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
        return Net(_Reader(self, _Problems(library.matrix)), _Position(self), _Scores(self))


# The problems of a library ------------------------------------------------------------------------


class _Batch(NamedTuple):
    """The graphs of K problems side by side; all numbers count from 0 within the batch."""

    literal: Tensor  # [O] i64, of each occurrence
    name: Tensor  # [O] i64
    place: Tensor  # [O] i64
    code: Tensor  # [O] i64, of variables by their order in the literal
    kind: Tensor  # [N] i64, of each name
    sign: Tensor  # [L] i64, 1 where negated
    clause: Tensor  # [L] i64, of each literal
    role: Tensor  # [C] i64
    size: Tensor  # [C] i64, literals
    problem: Tensor  # [C] i64
    names: Tensor  # [K] i64, where each problem's names, literals and clauses begin
    literals: Tensor
    clauses: Tensor


class _Problems:
    """The graphs of a library, as tensors; no copy of a net has its own."""

    def __init__(self, matrix: Matrix) -> None:
        graphs = problem_graphs(matrix)
        arrays = graphs._asdict() | {
            "side": matrix.side,
            # one more: an inference that begins a proof has no literal, and there may be none
            "clause": np.append(matrix.clause, np.int32(0)),
            "role": matrix.clause_role,
            "size": np.diff(matrix.clause_start),
        }
        self.count = len(matrix.clause_first) - 1
        self._on = {"cpu": {name: torch.from_numpy(array) for name, array in arrays.items()}}

    def __deepcopy__(self, memo: object) -> Self:
        return self

    def on(self, device: torch.device) -> Mapping[str, Tensor]:
        """The arrays on a device."""
        key = str(device)
        if key not in self._on:
            self._on[key] = {name: array.to(device) for name, array in self._on["cpu"].items()}
        return self._on[key]

    def batch(self, problems: Tensor) -> _Batch:
        """The graphs of the problems [K]."""
        of = self.on(problems.device)
        occurrences, by, _ = _rows(of["occurrence_first"], problems)
        names, _, first_name = _rows(of["name_first"], problems)
        literals, by_literal, first_literal = _rows(of["literal_first"], problems)
        clauses, by_clause, first_clause = _rows(of["clause_first"], problems)
        move_name = first_name - of["name_first"][problems]
        move_literal = first_literal - of["literal_first"][problems]
        move_clause = first_clause - of["clause_first"][problems]
        return _Batch(
            of["occurrence_literal"][occurrences] + move_literal[by],
            of["occurrence_name"][occurrences] + move_name[by],
            of["occurrence_place"][occurrences].long(),
            of["occurrence_code"][occurrences].long(),
            of["name_kind"][names].long(),
            of["side"][literals].long() & 1,
            of["clause"][literals] + move_clause[by_literal],
            of["role"][clauses].long(),
            of["size"][clauses].long(),
            by_clause,
            first_name,
            first_literal,
            first_clause,
        )


def _rows(first: Tensor, problems: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """The rows of some problems one after the other, which problem each is of, and where it begins.

    The rows of problem p are first[p] .. first[p + 1].
    """
    low = first[problems]
    count = first[problems + 1] - low
    begin = count.cumsum(0) - count
    by = torch.repeat_interleave(torch.arange(len(problems), device=problems.device), count)
    return torch.arange(len(by), device=by.device) + (low - begin)[by], by, begin


class _Table(NamedTuple):
    """Encoded problems in rows; the first VARIABLE_CODES are the variables of positions."""

    rows_RF: Tensor
    move: Tensor  # [4, P] i64, what to add to a problem's names (counted in the problem), to its
    #               literals and clauses (as in the matrix), and to 0, to find their rows


def _sum(x: Tensor, index: Tensor, rows: int) -> Tensor:
    """[rows, ...], the sums of the rows of ``x`` with the same index."""
    return x.new_zeros(rows, x.shape[1]).scatter_add(0, index[:, None].expand_as(x), x)


def _mean(x: Tensor, index: Tensor, rows: int) -> Tensor:
    """[rows, ...], the means; 0 where there is nothing."""
    count = torch.bincount(index, minlength=rows).clamp_min(1)
    return _sum(x, index, rows) / count[:, None].to(x.dtype)


def _most(x: Tensor, index: Tensor, rows: int) -> Tensor:
    """[rows, ...], the largest of numbers that are not negative; 0 where there is nothing."""
    start = x.new_zeros(rows, x.shape[1])
    return start.scatter_reduce(0, index[:, None].expand_as(x), x, "amax")


def _layers(inside: int, width: int) -> nn.Sequential:
    return nn.Sequential(nn.Linear(inside, width), nn.ReLU(), nn.Linear(width, width))


class _Places(nn.Module):
    """Occurrences -> sums over each literal: what stands there, weighted by the place."""

    def __init__(self, features: int) -> None:
        super().__init__()
        self.weight = nn.Embedding(PLACES, features)
        self.plain = nn.Embedding(PLACES, features)
        nn.init.normal_(self.plain.weight, std=0.3)

    def forward(self, x_OF: Tensor, place: Tensor, index: Tensor, rows: int) -> Tensor:
        return _sum(x_OF * self.weight(place) + self.plain(place), index, rows)


class _Round(nn.Module):
    """Names -> literals -> clauses -> literals -> names."""

    def __init__(self, features: int) -> None:
        super().__init__()
        self.places = _Places(features)
        self.code = nn.Embedding(VARIABLE_CODES, features)
        self.read = nn.LayerNorm(features)
        self.to_literal = _layers(3 * features, features)
        self.literal = nn.LayerNorm(features)
        self.to_clause = _layers(3 * features, features)
        self.clause = nn.LayerNorm(features)
        self.back = nn.Embedding(PLACES, features)
        self.heard = nn.LayerNorm(features)
        self.to_name = _layers(2 * features, features)
        self.name = nn.LayerNorm(features)

    def forward(
        self, graph: _Batch, n_NF: Tensor, l_LF: Tensor, c_CF: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        names = n_NF.index_select(0, graph.name) + self.code(graph.code)
        inside = self.places(names, graph.place, graph.literal, len(l_LF))
        around = c_CF.index_select(0, graph.clause)
        l_LF = self.literal(l_LF + self.to_literal(torch.cat([l_LF, self.read(inside), around], 1)))
        raised = torch.relu(l_LF)
        together = [
            c_CF,
            _mean(l_LF, graph.clause, len(c_CF)),
            _most(raised, graph.clause, len(c_CF)),
        ]
        c_CF = self.clause(c_CF + self.to_clause(torch.cat(together, 1)))
        told = l_LF + c_CF.index_select(0, graph.clause)
        heard = told.index_select(0, graph.literal) * self.back(graph.place)
        heard = self.heard(_mean(heard, graph.name, len(n_NF)))
        return self.name(n_NF + self.to_name(torch.cat([n_NF, heard], 1))), l_LF, c_CF


class _Encoder(nn.Module):
    """Problems -> a table of their names, literals and clauses, and of themselves."""

    def __init__(self, section: Graph, problems: _Problems) -> None:
        super().__init__()
        features = section.features
        self.problems = problems
        self.kind = nn.Embedding(NAME_KINDS, features)
        self.sign = nn.Embedding(2, features)
        self.role = nn.Embedding(len(ROLES), features)
        self.size = nn.Embedding(8, features)
        self.variable = nn.Embedding(VARIABLE_CODES, features)
        self.rounds = nn.ModuleList(_Round(features) for _ in range(section.rounds))
        with torch.no_grad():
            self.variable.weight[0] = 0

    def forward(self, problems: Tensor) -> _Table:
        """The table of these problems [K], no two of which are the same."""
        graph = self.problems.batch(problems)
        n_NF, l_LF = self.kind(graph.kind), self.sign(graph.sign)
        c_CF = self.role(graph.role) + self.size(graph.size.clamp_max(7))
        for each in self.rounds:
            n_NF, l_LF, c_CF = each(graph, n_NF, l_LF, c_CF)
        p_KF = _mean(c_CF, graph.problem, len(problems))
        none = torch.zeros_like(self.variable.weight[:1])
        parts = [none, self.variable.weight[1:], n_NF, l_LF, c_CF, p_KF]
        of = self.problems.on(problems.device)
        move = problems.new_zeros(4, self.problems.count)
        names = VARIABLE_CODES
        literals = names + len(n_NF)
        clauses = literals + len(l_LF)
        move[0, problems] = names + graph.names
        move[1, problems] = literals + graph.literals - of["literal_first"][problems]
        move[2, problems] = clauses + graph.clauses - of["clause_first"][problems]
        move[3, problems] = clauses + len(c_CF) + torch.arange(len(problems), device=move.device)
        dtype = n_NF.dtype
        return _Table(torch.cat([part.to(dtype) for part in parts]), move)


class _Memory:
    """The problems encoded so far, while the weights stay what they are; a copy begins empty.

    Several threads may read.  When there is no room left, all is forgotten.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._weights: tuple[Any, ...] = ()
        self._read: list[nn.Parameter] = []  # those of the encoder: looking for them takes long
        self._table: _Table | None = None
        self._known = torch.empty(0, dtype=torch.bool)
        self._filled = 0

    def __deepcopy__(self, memo: object) -> _Memory:
        return _Memory()

    def __reduce__(self) -> tuple[type[_Memory], tuple[()]]:
        return _Memory, ()  # as it is sent to another process

    def table(self, encoder: _Encoder, problems: Tensor) -> _Table:
        """A table that holds the problems [K], no two of which are the same."""
        with self._lock, torch.inference_mode(False), torch.no_grad():
            self._read = self._read or list(encoder.parameters())
            weights = _fingerprint(self._read)
            if weights != self._weights or self._table is None:
                self._weights, self._table = weights, None
                self._known = torch.zeros(encoder.problems.count, dtype=torch.bool)
            wanted = problems.cpu()
            new = wanted[~self._known[wanted]]
            if self._table is not None and not len(new):
                return self._table
            more = encoder(new.to(problems.device))
            if self._table is None or self._filled + len(more.rows_RF) > _MOST_ROWS:
                more = encoder(problems) if len(new) < len(wanted) else more
                self._table, self._filled, new = more, len(more.rows_RF), wanted
                self._known[:] = False
            else:
                self._table = self._with(self._table, more, new.to(problems.device))
            self._known[new] = True
            return self._table

    def _with(self, table: _Table, more: _Table, new: Tensor) -> _Table:
        """The table with the rows of ``more``; those who read the old one are not disturbed."""
        added = more.rows_RF[VARIABLE_CODES:]
        rows, end = table.rows_RF, self._filled + len(added)
        if end > len(rows):
            rows = rows.new_empty(min(max(2 * len(rows), end), max(_MOST_ROWS, end)), rows.shape[1])
            rows[: self._filled] = table.rows_RF[: self._filled]
        rows[self._filled : end] = added
        move = table.move.clone()
        move[:, new] = more.move[:, new] + self._filled - VARIABLE_CODES
        self._filled = end
        return _Table(rows, move)


def _fingerprint(weights: Sequence[nn.Parameter]) -> tuple[Any, ...]:
    """Changes whenever the weights do."""
    first = weights[0]
    return first.data_ptr(), first.dtype, first.device, sum(each._version for each in weights)


# Positions ----------------------------------------------------------------------------------------


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

    def __init__(self, section: Graph, problems: _Problems) -> None:
        super().__init__()
        self.encoder = _Encoder(section, problems)
        self.places = _Places(section.features)
        self.drop = nn.Dropout(section.dropout)
        self.memory = _Memory()

    def forward(self, fields: list[Tensor]) -> _Seen:
        problem, counts, literal, climb, name, place, kind, number, token, used = fields
        problem = problem.long()
        table = self._table(problem.unique())
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

    def _table(self, problems: Tensor) -> _Table:
        """Encoded anew while learning, else remembered."""
        if torch.is_grad_enabled():
            table: _Table = self.encoder(problems)
            return table
        return self.memory.table(self.encoder, problems)

    def _options(
        self, table: _Table, problem: Tensor, kind: Tensor, number: Tensor
    ) -> tuple[Tensor, Tensor]:
        """The literals and clauses that options use."""
        of = self.encoder.problems.on(number.device)
        begin, extend = kind == START, kind == EXTENSION
        literals = torch.where(begin, 0, number + table.move[1][problem])
        inside = of["clause"][torch.where(begin, 0, number)].long()
        clause = torch.where(begin, number, inside) + table.move[2][problem]
        clauses = torch.where(begin | extend, clause, 0)
        return table.rows_RF.index_select(0, literals), table.rows_RF.index_select(0, clauses)

    def _inside(self, table: _Table, problem: Tensor, name: Tensor, place: Tensor) -> Tensor:
        """The literals of positions as sums over the occurrences in them."""
        row, column = (name != 0).nonzero(as_tuple=True)
        name, place = name[row, column].long(), place[row, column].long()
        rows = torch.where(name > 0, name - 1 + table.move[0][problem[row]], -1 - name)
        x_OF = table.rows_RF.index_select(0, rows)
        inside_RF: Tensor = self.places(x_OF, place, row, len(problem))
        return inside_RF


class _Thought(NamedTuple):
    """What the heads read."""

    position_MW: Tensor
    literal_RW: Tensor
    seen: _Seen


class _Position(nn.Module):
    """The literals of a position, and all of them together as the goal sees them."""

    def __init__(self, section: Graph) -> None:
        super().__init__()
        features, width = section.features, section.width
        self.norm = nn.LayerNorm(features)
        self.enter = nn.Linear(2 * features, width)
        self.role = nn.Embedding(4, width)
        self.climb = nn.Embedding(TOKENS, width)
        self.inner = nn.Linear(width, width)
        self.literal = nn.LayerNorm(width)
        self.ask, self.key = nn.Linear(width, width), nn.Linear(width, width)
        self.join = _layers(5 * width + features + COUNTS, width)
        self.position = nn.LayerNorm(width)
        self.drop = nn.Dropout(section.dropout)

    def forward(self, seen: _Seen) -> _Thought:
        count, width = len(seen.counts_MC), self.enter.out_features
        parts = [seen.literal_RF, self.norm(seen.inside_RF)]
        h_RW = self.enter(torch.cat(parts, 1)) + self.role(seen.role)
        h_RW = torch.relu(h_RW + self.climb(seen.climb.clamp_max(TOKENS - 1)))
        h_RW = self.literal(h_RW + self.inner(h_RW))
        pools = []
        for role in range(4):
            rows = (seen.role == role).nonzero()[:, 0]
            pools.append(
                _mean(h_RW.index_select(0, rows), seen.position.index_select(0, rows), count)
            )
        question = self.ask(pools[0]).index_select(0, seen.position)
        fit = (question * self.key(h_RW)).view(-1, _HEADS, width // _HEADS).sum(2)
        weight = torch.exp((fit / (width // _HEADS) ** 0.5).clamp(-8, 8))
        total = _sum(weight, seen.position, count).index_select(0, seen.position)
        share = (weight / total).repeat_interleave(width // _HEADS, 1).to(h_RW.dtype)
        pools.append(_sum(share * h_RW, seen.position, count))
        x_MW = self.join(torch.cat([*pools, seen.problem_MF, seen.counts_MC], 1))
        return _Thought(self.drop(torch.relu(self.position(x_MW))), h_RW, seen)


class _Scores(nn.Module):
    """One number for each option, and the chance of closing the tableau."""

    def __init__(self, section: Graph) -> None:
        super().__init__()
        features, width = section.features, section.width
        self.kind, self.used = nn.Embedding(4, width), nn.Embedding(4, width)
        self.enter = nn.Linear(2 * features, width)
        self.partner = nn.Linear(width, width, bias=False)
        self.norm = nn.LayerNorm(width)
        self.meet = nn.Linear(width, width)
        self.hidden = nn.Linear(3 * width, width)
        self.score = nn.Linear(width, 1)
        self.judge = nn.Linear(3 * width, width)
        self.value = nn.Linear(width, 3)

    def forward(self, thought: _Thought) -> Heads:
        x_MW, h_RW, seen = thought
        y_QW = self.enter(torch.cat([seen.option_literal_QF, seen.option_clause_QF], 1))
        y_QW = y_QW + self.kind(seen.kind) + self.used(seen.used.clamp_max(3))
        partner = torch.cat([h_RW.new_zeros(1, h_RW.shape[1]), h_RW]).index_select(0, seen.token)
        y_QW = self.norm(torch.relu(y_QW + self.partner(partner)))
        x_QW = self.meet(x_MW).index_select(0, seen.of)
        z_QW = torch.relu(self.hidden(torch.cat([y_QW, x_QW, y_QW * x_QW], 1)))
        score_Q = self.score(z_QW)[:, 0]
        policy_MA = score_Q.new_zeros(seen.there_MA.shape)
        policy_MA[seen.there_MA] = score_Q
        options = [_mean(z_QW, seen.of, len(x_MW)), _most(z_QW, seen.of, len(x_MW))]
        judged = torch.relu(self.judge(torch.cat([x_MW, *options], 1)))
        return Heads(policy_MA, self.value(judged), None)

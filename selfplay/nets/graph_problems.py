"""The problems of the net that sees no names: their graphs, encoded and remembered.

Shape suffixes: O occurrences, N names, L literals, C clauses, K problems, R rows, F features.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Self

import numpy as np
import torch
from torch import Tensor, nn

from envs.proving.calculus.matrix import ROLES, Matrix
from envs.proving.views.graph import NAME_KINDS, PLACES, VARIABLE_CODES, problem_graphs
from selfplay.nets.base import Counted

MOST_ROWS = 1 << 20  # of encoded problems that are remembered: 128 MB at 32 features of 4 bytes


class _ProblemBatch(NamedTuple):
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


class Problems:
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

    def __getstate__(self) -> dict[str, Any]:
        """As it is sent to another process, which may have no GPU."""
        return {"count": self.count, "_on": {"cpu": self._on["cpu"]}}

    def on(self, device: torch.device) -> Mapping[str, Tensor]:
        """The arrays on a device."""
        key = str(device)
        if key not in self._on:
            self._on[key] = {name: array.to(device) for name, array in self._on["cpu"].items()}
        return self._on[key]

    def batch(self, problems: Tensor) -> _ProblemBatch:
        """The graphs of the problems [K]."""
        of = self.on(problems.device)
        occurrences, by, _ = _rows(of["occurrence_first"], problems)
        names, _, first_name = _rows(of["name_first"], problems)
        literals, by_literal, first_literal = _rows(of["literal_first"], problems)
        clauses, by_clause, first_clause = _rows(of["clause_first"], problems)
        move_name = first_name - of["name_first"][problems]
        move_literal = first_literal - of["literal_first"][problems]
        move_clause = first_clause - of["clause_first"][problems]
        return _ProblemBatch(
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


class Table(NamedTuple):
    """Encoded problems in rows; the first VARIABLE_CODES are the variables of positions."""

    rows_RF: Tensor
    move: Tensor  # [4, P] i64, what to add to a problem's names (counted in the problem), to its
    #               literals and clauses (as in the matrix), and to 0, to find their rows


def sum_by(x: Tensor, index: Tensor, rows: int) -> Tensor:
    """[rows, ...], the sums of the rows of ``x`` with the same index."""
    return x.new_zeros(rows, x.shape[1]).scatter_add(0, index[:, None].expand_as(x), x)


def mean_by(x: Tensor, index: Tensor, rows: int) -> Tensor:
    """[rows, ...], the means; 0 where there is nothing."""
    count = torch.bincount(index, minlength=rows).clamp_min(1)
    return sum_by(x, index, rows) / count[:, None].to(x.dtype)


def most_by(x: Tensor, index: Tensor, rows: int) -> Tensor:
    """[rows, ...], the largest of numbers that are not negative; 0 where there is nothing."""
    start = x.new_zeros(rows, x.shape[1])
    return start.scatter_reduce(0, index[:, None].expand_as(x), x, "amax")


def layers(inside: int, width: int) -> nn.Sequential:
    return nn.Sequential(Counted(inside, width), nn.ReLU(), Counted(width, width))


class Places(nn.Module):
    """Occurrences -> sums over each literal: what stands there, weighted by the place."""

    def __init__(self, features: int) -> None:
        super().__init__()
        self.weight = nn.Embedding(PLACES, features)
        self.plain = nn.Embedding(PLACES, features)
        nn.init.normal_(self.plain.weight, std=0.3)

    def forward(self, x_OF: Tensor, place: Tensor, index: Tensor, rows: int) -> Tensor:
        return sum_by(x_OF * self.weight(place) + self.plain(place), index, rows)


class _Round(nn.Module):
    """Names -> literals -> clauses -> literals -> names."""

    def __init__(self, features: int) -> None:
        super().__init__()
        self.places = Places(features)
        self.code = nn.Embedding(VARIABLE_CODES, features)
        self.read = nn.LayerNorm(features)
        self.to_literal = layers(3 * features, features)
        self.literal = nn.LayerNorm(features)
        self.to_clause = layers(3 * features, features)
        self.clause = nn.LayerNorm(features)
        self.back = nn.Embedding(PLACES, features)
        self.heard = nn.LayerNorm(features)
        self.to_name = layers(2 * features, features)
        self.name = nn.LayerNorm(features)

    def forward(
        self, graph: _ProblemBatch, n_NF: Tensor, l_LF: Tensor, c_CF: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        names = n_NF.index_select(0, graph.name) + self.code(graph.code)
        inside = self.places(names, graph.place, graph.literal, len(l_LF))
        around = c_CF.index_select(0, graph.clause)
        l_LF = self.literal(l_LF + self.to_literal(torch.cat([l_LF, self.read(inside), around], 1)))
        clause, count, raised = graph.clause, len(c_CF), torch.relu(l_LF)
        together = [c_CF, mean_by(l_LF, clause, count), most_by(raised, clause, count)]
        c_CF = self.clause(c_CF + self.to_clause(torch.cat(together, 1)))
        around_LF = l_LF + c_CF.index_select(0, graph.clause)
        heard = around_LF.index_select(0, graph.literal) * self.back(graph.place)
        heard = self.heard(mean_by(heard, graph.name, len(n_NF)))
        return self.name(n_NF + self.to_name(torch.cat([n_NF, heard], 1))), l_LF, c_CF


class Encoder(nn.Module):
    """Problems -> a table of their names, literals and clauses, and of themselves."""

    def __init__(self, features: int, rounds: int, problems: Problems) -> None:
        super().__init__()
        self.problems = problems
        self.kind = nn.Embedding(NAME_KINDS, features)
        self.sign = nn.Embedding(2, features)
        self.role = nn.Embedding(len(ROLES), features)
        self.size = nn.Embedding(8, features)
        self.variable = nn.Embedding(VARIABLE_CODES, features)
        self.rounds = nn.ModuleList(_Round(features) for _ in range(rounds))
        with torch.no_grad():
            self.variable.weight[0] = 0

    def forward(self, problems: Tensor) -> Table:
        """The table of these problems [K], no two of which are the same."""
        graph = self.problems.batch(problems)
        n_NF, l_LF = self.kind(graph.kind), self.sign(graph.sign)
        c_CF = self.role(graph.role) + self.size(graph.size.clamp_max(7))
        for each in self.rounds:
            n_NF, l_LF, c_CF = each(graph, n_NF, l_LF, c_CF)
        p_KF = mean_by(c_CF, graph.problem, len(problems))
        none = torch.zeros_like(self.variable.weight[:1])
        parts = [none, self.variable.weight[1:], n_NF, l_LF, c_CF, p_KF]
        of = self.problems.on(problems.device)
        move = problems.new_zeros(4, self.problems.count)
        literals = VARIABLE_CODES + len(n_NF)
        clauses = literals + len(l_LF)
        move[0, problems] = VARIABLE_CODES + graph.names
        move[1, problems] = literals + graph.literals - of["literal_first"][problems]
        move[2, problems] = clauses + graph.clauses - of["clause_first"][problems]
        move[3, problems] = clauses + len(c_CF) + torch.arange(len(problems), device=move.device)
        dtype = n_NF.dtype
        return Table(torch.cat([part.to(dtype) for part in parts]), move)


class Memory:
    """The problems encoded so far, while the weights stay what they are; a copy begins empty.

    Several threads may read.  When there is no room left, all is forgotten.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._weights: tuple[Any, ...] = ()
        self._read: list[nn.Parameter] = []  # those of the encoder: looking for them takes long
        self._table: Table | None = None
        self._known = torch.empty(0, dtype=torch.bool)
        self._filled = 0

    def __deepcopy__(self, memo: object) -> Memory:
        return Memory()

    def __reduce__(self) -> tuple[type[Memory], tuple[()]]:
        return Memory, ()  # as it is sent to another process

    def table(self, encoder: Encoder, problems: Tensor) -> Table:
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
            if self._table is None or self._filled + len(more.rows_RF) > MOST_ROWS:
                more = encoder(problems) if len(new) < len(wanted) else more
                self._table, self._filled, new = more, len(more.rows_RF), wanted
                self._known[:] = False
            else:
                self._table = self._with(self._table, more, new.to(problems.device))
            self._known[new] = True
            return self._table

    def _with(self, table: Table, more: Table, new: Tensor) -> Table:
        """The table with the rows of ``more``; those who read the old one are not disturbed."""
        added = more.rows_RF[VARIABLE_CODES:]
        rows, end = table.rows_RF, self._filled + len(added)
        if end > len(rows):
            rows = rows.new_empty(min(max(2 * len(rows), end), max(MOST_ROWS, end)), rows.shape[1])
            rows[: self._filled] = table.rows_RF[: self._filled]
        rows[self._filled : end] = added
        move = table.move.clone()
        move[:, new] = more.move[:, new] + self._filled - VARIABLE_CODES
        self._filled = end
        return Table(rows, move)


def _fingerprint(weights: Sequence[nn.Parameter]) -> tuple[Any, ...]:
    """Changes whenever the weights do."""
    first = weights[0]
    return first.data_ptr(), first.dtype, first.device, sum(each._version for each in weights)

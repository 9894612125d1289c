% Three pigeons do not fit into two holes.
% Source: S. A. Cook and R. A. Reckhow, Journal of Symbolic Logic 44 (1979).

cnf(pigeon_1, axiom, in_1_1 | in_1_2).
cnf(pigeon_2, axiom, in_2_1 | in_2_2).
cnf(pigeon_3, axiom, in_3_1 | in_3_2).
cnf(hole_1_1_2, negated_conjecture, ~ in_1_1 | ~ in_2_1).
cnf(hole_1_1_3, negated_conjecture, ~ in_1_1 | ~ in_3_1).
cnf(hole_1_2_3, negated_conjecture, ~ in_2_1 | ~ in_3_1).
cnf(hole_2_1_2, negated_conjecture, ~ in_1_2 | ~ in_2_2).
cnf(hole_2_1_3, negated_conjecture, ~ in_1_2 | ~ in_3_2).
cnf(hole_2_2_3, negated_conjecture, ~ in_2_2 | ~ in_3_2).

% Four pigeons do not fit into three holes.
% Source: S. A. Cook and R. A. Reckhow, Journal of Symbolic Logic 44 (1979).

cnf(pigeon_1, axiom, in_1_1 | in_1_2 | in_1_3).
cnf(pigeon_2, axiom, in_2_1 | in_2_2 | in_2_3).
cnf(pigeon_3, axiom, in_3_1 | in_3_2 | in_3_3).
cnf(pigeon_4, axiom, in_4_1 | in_4_2 | in_4_3).
cnf(hole_1_1_2, negated_conjecture, ~ in_1_1 | ~ in_2_1).
cnf(hole_1_1_3, negated_conjecture, ~ in_1_1 | ~ in_3_1).
cnf(hole_1_1_4, negated_conjecture, ~ in_1_1 | ~ in_4_1).
cnf(hole_1_2_3, negated_conjecture, ~ in_2_1 | ~ in_3_1).
cnf(hole_1_2_4, negated_conjecture, ~ in_2_1 | ~ in_4_1).
cnf(hole_1_3_4, negated_conjecture, ~ in_3_1 | ~ in_4_1).
cnf(hole_2_1_2, negated_conjecture, ~ in_1_2 | ~ in_2_2).
cnf(hole_2_1_3, negated_conjecture, ~ in_1_2 | ~ in_3_2).
cnf(hole_2_1_4, negated_conjecture, ~ in_1_2 | ~ in_4_2).
cnf(hole_2_2_3, negated_conjecture, ~ in_2_2 | ~ in_3_2).
cnf(hole_2_2_4, negated_conjecture, ~ in_2_2 | ~ in_4_2).
cnf(hole_2_3_4, negated_conjecture, ~ in_3_2 | ~ in_4_2).
cnf(hole_3_1_2, negated_conjecture, ~ in_1_3 | ~ in_2_3).
cnf(hole_3_1_3, negated_conjecture, ~ in_1_3 | ~ in_3_3).
cnf(hole_3_1_4, negated_conjecture, ~ in_1_3 | ~ in_4_3).
cnf(hole_3_2_3, negated_conjecture, ~ in_2_3 | ~ in_3_3).
cnf(hole_3_2_4, negated_conjecture, ~ in_2_3 | ~ in_4_3).
cnf(hole_3_3_4, negated_conjecture, ~ in_3_3 | ~ in_4_3).

% Pelletier 17: An implication as clauses.
% Source: F. J. Pelletier, "Seventy-five problems for testing automatic theorem provers",
%         Journal of Automated Reasoning 2 (1986), 191-216.

fof(goal, conjecture, ((p & (q => r)) => s) <=> ((~p | q | s) & (~p | ~r | s))).

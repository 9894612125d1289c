% Pelletier 14: Equivalence as clauses.
% Source: F. J. Pelletier, "Seventy-five problems for testing automatic theorem provers",
%         Journal of Automated Reasoning 2 (1986), 191-216.

fof(goal, conjecture, (p <=> q) <=> ((q | ~p) & (~q | p))).

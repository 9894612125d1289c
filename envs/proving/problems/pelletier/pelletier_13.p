% Pelletier 13: Disjunction distributes over conjunction.
% Source: F. J. Pelletier, "Seventy-five problems for testing automatic theorem provers",
%         Journal of Automated Reasoning 2 (1986), 191-216.

fof(goal, conjecture, (p | (q & r)) <=> ((p | q) & (p | r))).

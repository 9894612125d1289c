% Pelletier 11: Equivalence is reflexive.
% Source: F. J. Pelletier, "Seventy-five problems for testing automatic theorem provers",
%         Journal of Automated Reasoning 2 (1986), 191-216.

fof(goal, conjecture, p <=> p).

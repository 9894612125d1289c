% Pelletier 9: The four clauses of two letters.
% Source: F. J. Pelletier, "Seventy-five problems for testing automatic theorem provers",
%         Journal of Automated Reasoning 2 (1986), 191-216.

fof(goal, conjecture, ((p | q) & (~p | q) & (p | ~q)) => ~(~p | ~q)).

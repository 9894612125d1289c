% Pelletier 48: Equality without functions.
% Source: F. J. Pelletier, "Seventy-five problems for testing automatic theorem provers",
%         Journal of Automated Reasoning 2 (1986), 191-216.

fof(premise_1, axiom, a=b | c=d).
fof(premise_2, axiom, a=c | b=d).
fof(goal, conjecture, a=d | b=c).

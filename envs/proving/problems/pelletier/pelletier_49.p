% Pelletier 49: A world of two.
% Source: F. J. Pelletier, "Seventy-five problems for testing automatic theorem provers",
%         Journal of Automated Reasoning 2 (1986), 191-216.

fof(premise_1, axiom, ? [X,Y] : ! [Z] : (Z=X | Z=Y)).
fof(premise_2, axiom, p(a) & p(b)).
fof(premise_3, axiom, a!=b).
fof(goal, conjecture, ! [X] : p(X)).

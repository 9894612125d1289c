% Pelletier 50: A row that is full.
% Source: F. J. Pelletier, "Seventy-five problems for testing automatic theorem provers",
%         Journal of Automated Reasoning 2 (1986), 191-216.

fof(premise_1, axiom, ! [X] : (f(a,X) | ! [Y] : f(X,Y))).
fof(goal, conjecture, ? [X] : ! [Y] : f(X,Y)).

% Pelletier 58: Constant functions.
% Source: F. J. Pelletier, "Seventy-five problems for testing automatic theorem provers",
%         Journal of Automated Reasoning 2 (1986), 191-216.

fof(premise_1, axiom, ! [X,Y] : f(X)=g(Y)).
fof(goal, conjecture, ! [X,Y] : f(f(X))=f(g(Y))).

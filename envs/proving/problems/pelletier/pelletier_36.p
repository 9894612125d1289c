% Pelletier 36: Two steps along relations.
% Source: F. J. Pelletier, "Seventy-five problems for testing automatic theorem provers",
%         Journal of Automated Reasoning 2 (1986), 191-216.

fof(premise_1, axiom, ! [X] : ? [Y] : f(X,Y)).
fof(premise_2, axiom, ! [X] : ? [Y] : g(X,Y)).
fof(premise_3, axiom, ! [X,Y] : ((f(X,Y) | g(X,Y)) => ! [Z] : ((f(Y,Z) | g(Y,Z)) => h(X,Z)))).
fof(goal, conjecture, ! [X] : ? [Y] : h(X,Y)).

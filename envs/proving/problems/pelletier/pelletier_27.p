% Pelletier 27: Monadic logic.
% Source: F. J. Pelletier, "Seventy-five problems for testing automatic theorem provers",
%         Journal of Automated Reasoning 2 (1986), 191-216.

fof(premise_1, axiom, ? [X] : (f(X) & ~g(X))).
fof(premise_2, axiom, ! [X] : (f(X) => h(X))).
fof(premise_3, axiom, ! [X] : ((j(X) & i(X)) => f(X))).
fof(premise_4, axiom, (? [X] : (h(X) & ~g(X))) => ! [X] : (i(X) => ~h(X))).
fof(goal, conjecture, ! [X] : (j(X) => ~i(X))).

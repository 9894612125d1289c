% Pelletier 32: Monadic logic.
% Source: F. J. Pelletier, "Seventy-five problems for testing automatic theorem provers",
%         Journal of Automated Reasoning 2 (1986), 191-216.

fof(premise_1, axiom, ! [X] : ((f(X) & (g(X) | h(X))) => i(X))).
fof(premise_2, axiom, ! [X] : ((i(X) & h(X)) => j(X))).
fof(premise_3, axiom, ! [X] : (k(X) => h(X))).
fof(goal, conjecture, ! [X] : ((f(X) & k(X)) => j(X))).

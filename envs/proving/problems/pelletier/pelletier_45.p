% Pelletier 45: Relations.
% Source: F. J. Pelletier, "Seventy-five problems for testing automatic theorem provers",
%         Journal of Automated Reasoning 2 (1986), 191-216.

fof(premise_1, axiom,
    ( ! [X] : ((f(X) & ! [Y] : ((g(Y) & h(X,Y)) => j(X,Y))) => ! [Y] : ((g(Y) & h(X,Y)) =>
      k(Y))) )).
fof(premise_2, axiom, ~? [Y] : (l(Y) & k(Y))).
fof(premise_3, axiom,
    ( ? [X] : (f(X) & (! [Y] : (h(X,Y) => l(Y))) & ! [Y] : ((g(Y) & h(X,Y)) => j(X,Y))) )).
fof(goal, conjecture, ? [X] : (f(X) & ~? [Y] : (g(Y) & h(X,Y)))).

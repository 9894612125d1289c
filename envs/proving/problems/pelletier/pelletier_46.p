% Pelletier 46: Relations: an induction along an order.
% Source: F. J. Pelletier, "Seventy-five problems for testing automatic theorem provers",
%         Journal of Automated Reasoning 2 (1986), 191-216.

fof(premise_1, axiom, ! [X] : ((f(X) & ! [Y] : ((f(Y) & h(Y,X)) => g(Y))) => g(X))).
fof(premise_2, axiom,
    ( (? [X] : (f(X) & ~g(X))) => ? [X] : (f(X) & ~g(X) & ! [Y] : ((f(Y) & ~g(Y)) => j(X,Y)))
      )).
fof(premise_3, axiom, ! [X,Y] : ((f(X) & f(Y) & h(X,Y)) => ~j(Y,X))).
fof(goal, conjecture, ! [X] : (f(X) => g(X))).

% Pelletier 29: Monadic logic with an equivalence.
% Source: F. J. Pelletier, "Seventy-five problems for testing automatic theorem provers",
%         Journal of Automated Reasoning 2 (1986), 191-216.

fof(premise_1, axiom, (? [X] : f(X)) & ? [X] : g(X)).
fof(goal, conjecture,
    ( ((! [X] : (f(X) => h(X))) & ! [X] : (g(X) => j(X))) <=> ! [X,Y] : ((f(X) & g(Y)) =>
      (h(X) & j(Y))) )).

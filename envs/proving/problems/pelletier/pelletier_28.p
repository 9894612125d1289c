% Pelletier 28: Monadic logic.
% Source: F. J. Pelletier, "Seventy-five problems for testing automatic theorem provers",
%         Journal of Automated Reasoning 2 (1986), 191-216.

fof(premise_1, axiom, ! [X] : (p(X) => ! [X] : q(X))).
fof(premise_2, axiom, (! [X] : (q(X) | r(X))) => ? [X] : (q(X) & s(X))).
fof(premise_3, axiom, (? [X] : s(X)) => ! [X] : (f(X) => g(X))).
fof(goal, conjecture, ! [X] : ((p(X) & f(X)) => g(X))).

% Pelletier 24: Monadic logic.
% Source: F. J. Pelletier, "Seventy-five problems for testing automatic theorem provers",
%         Journal of Automated Reasoning 2 (1986), 191-216.

fof(premise_1, axiom, ~? [X] : (s(X) & q(X))).
fof(premise_2, axiom, ! [X] : (p(X) => (q(X) | r(X)))).
fof(premise_3, axiom, (~? [X] : p(X)) => ? [X] : q(X)).
fof(premise_4, axiom, ! [X] : ((q(X) | r(X)) => s(X))).
fof(goal, conjecture, ? [X] : (p(X) & r(X))).

% Pelletier 26: Monadic logic with equivalences.
% Source: F. J. Pelletier, "Seventy-five problems for testing automatic theorem provers",
%         Journal of Automated Reasoning 2 (1986), 191-216.

fof(premise_1, axiom, (? [X] : p(X)) <=> ? [X] : q(X)).
fof(premise_2, axiom, ! [X,Y] : ((p(X) & q(Y)) => (r(X) <=> s(Y)))).
fof(goal, conjecture, (! [X] : (p(X) => r(X))) <=> ! [X] : (q(X) => s(X))).

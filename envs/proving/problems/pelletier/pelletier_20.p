% Pelletier 20: What exists for all pairs exists for one.
% Source: F. J. Pelletier, "Seventy-five problems for testing automatic theorem provers",
%         Journal of Automated Reasoning 2 (1986), 191-216.

fof(premise_1, axiom, ! [X,Y] : ? [Z] : ! [W] : ((p(X) & q(Y)) => (r(Z) & s(W)))).
fof(goal, conjecture, (? [X,Y] : (p(X) & q(Y))) => ? [Z] : r(Z)).

% Pelletier 37: Relations under alternating quantifiers.
% Source: F. J. Pelletier, "Seventy-five problems for testing automatic theorem provers",
%         Journal of Automated Reasoning 2 (1986), 191-216.

fof(premise_1, axiom,
    ( ! [Z] : ? [W] : ! [X] : ? [Y] : ((p(X,Z) => p(Y,W)) & p(Y,Z) & (p(Y,W) => ? [U] :
      q(U,W))) )).
fof(premise_2, axiom, ! [X,Z] : (~p(X,Z) => ? [Y] : q(Y,Z))).
fof(premise_3, axiom, (? [X,Y] : q(X,Y)) => ! [X] : r(X,X)).
fof(goal, conjecture, ! [X] : ? [Y] : r(X,Y)).

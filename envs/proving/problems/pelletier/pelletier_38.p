% Pelletier 38: Problem 33 with relations.
% Source: F. J. Pelletier, "Seventy-five problems for testing automatic theorem provers",
%         Journal of Automated Reasoning 2 (1986), 191-216.

fof(goal, conjecture,
    ( (! [X] : ((p(a) & (p(X) => ? [Y] : (p(Y) & r(X,Y)))) => ? [Z,W] : (p(Z) & r(X,W) &
      r(W,Z)))) <=> ! [X] : ((~p(a) | p(X) | ? [Z,W] : (p(Z) & r(X,W) & r(W,Z))) & (~p(a) | ~?
      [Y] : (p(Y) & r(X,Y)) | ? [Z,W] : (p(Z) & r(X,W) & r(W,Z)))) )).

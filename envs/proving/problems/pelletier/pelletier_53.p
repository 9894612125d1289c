% Pelletier 53: Problems 51 and 52 in a world of exactly two.
% Source: F. J. Pelletier, "Seventy-five problems for testing automatic theorem provers",
%         Journal of Automated Reasoning 2 (1986), 191-216.

fof(premise_1, axiom, ? [X,Y] : (X!=Y & ! [Z] : (Z=X | Z=Y))).
fof(goal, conjecture,
    ( (? [Z] : ! [X] : ((? [W] : ! [Y] : (f(X,Y) <=> Y=W)) <=> X=Z)) <=> ? [W] : ! [Y] : ((?
      [Z] : ! [X] : (f(X,Y) <=> X=Z)) <=> Y=W) )).

% Pelletier 51: A relation of one pair has one first element.
% Source: F. J. Pelletier, "Seventy-five problems for testing automatic theorem provers",
%         Journal of Automated Reasoning 2 (1986), 191-216.

fof(premise_1, axiom, ? [Z,W] : ! [X,Y] : (f(X,Y) <=> (X=Z & Y=W))).
fof(goal, conjecture, ? [Z] : ! [X] : ((? [W] : ! [Y] : (f(X,Y) <=> Y=W)) <=> X=Z)).

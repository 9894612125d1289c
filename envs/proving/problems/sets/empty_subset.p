% The empty set is a subset of every set.
% Source: any textbook of set theory, such as P. R. Halmos, "Naive Set Theory".

fof(subset, axiom, ! [X,Y] : (subset(X,Y) <=> ! [Z] : (in(Z,X) => in(Z,Y)))).
fof(empty, axiom, ! [X] : ~in(X,empty)).
fof(goal, conjecture, ! [X] : subset(empty,X)).

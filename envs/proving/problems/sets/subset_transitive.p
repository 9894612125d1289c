% A subset of a subset is a subset.
% Source: any textbook of set theory, such as P. R. Halmos, "Naive Set Theory".

fof(subset, axiom, ! [X,Y] : (subset(X,Y) <=> ! [Z] : (in(Z,X) => in(Z,Y)))).
fof(goal, conjecture, ! [X,Y,Z] : ((subset(X,Y) & subset(Y,Z)) => subset(X,Z))).

% Subsets of disjoint sets are disjoint.
% Source: any textbook of set theory, such as P. R. Halmos, "Naive Set Theory".

fof(disjoint, axiom, ! [X,Y] : (disjoint(X,Y) <=> ~? [Z] : (in(Z,X) & in(Z,Y)))).
fof(subset, axiom, ! [X,Y] : (subset(X,Y) <=> ! [Z] : (in(Z,X) => in(Z,Y)))).
fof(goal, conjecture, ! [X,Y,Z] : ((disjoint(X,Y) & subset(Z,X)) => disjoint(Z,Y))).

% Nothing is left of a subset.
% Source: any textbook of set theory, such as P. R. Halmos, "Naive Set Theory".

fof(difference, axiom, ! [X,Y,Z] : (in(Z,difference(X,Y)) <=> (in(Z,X) & ~in(Z,Y)))).
fof(subset, axiom, ! [X,Y] : (subset(X,Y) <=> ! [Z] : (in(Z,X) => in(Z,Y)))).
fof(goal, conjecture, ! [X,Y] : (subset(X,Y) => ~? [Z] : in(Z,difference(X,Y)))).

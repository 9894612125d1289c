% A member is a subset of the union of the family.
% Source: any textbook of set theory, such as P. R. Halmos, "Naive Set Theory".

fof(subset, axiom, ! [X,Y] : (subset(X,Y) <=> ! [Z] : (in(Z,X) => in(Z,Y)))).
fof(big_union, axiom, ! [X,Z] : (in(Z,big_union(X)) <=> ? [Y] : (in(Y,X) & in(Z,Y)))).
fof(goal, conjecture, ! [X,Y] : (in(X,Y) => subset(X,big_union(Y)))).

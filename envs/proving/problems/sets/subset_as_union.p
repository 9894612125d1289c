% A set is a subset exactly if it adds nothing.
% Source: any textbook of set theory, such as P. R. Halmos, "Naive Set Theory".

fof(subset, axiom, ! [X,Y] : (subset(X,Y) <=> ! [Z] : (in(Z,X) => in(Z,Y)))).
fof(union, axiom, ! [X,Y,Z] : (in(Z,union(X,Y)) <=> (in(Z,X) | in(Z,Y)))).
fof(same, axiom, ! [X,Y] : (same(X,Y) <=> ! [Z] : (in(Z,X) <=> in(Z,Y)))).
fof(goal, conjecture, ! [X,Y] : (subset(X,Y) <=> same(union(X,Y),Y))).

% The union of a set with itself is the set.
% Source: any textbook of set theory, such as P. R. Halmos, "Naive Set Theory".

fof(union, axiom, ! [X,Y,Z] : (in(Z,union(X,Y)) <=> (in(Z,X) | in(Z,Y)))).
fof(same, axiom, ! [X,Y] : (same(X,Y) <=> ! [Z] : (in(Z,X) <=> in(Z,Y)))).
fof(goal, conjecture, ! [X] : same(union(X,X),X)).

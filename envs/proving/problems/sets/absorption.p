% A set absorbs its intersections.
% Source: any textbook of set theory, such as P. R. Halmos, "Naive Set Theory".

fof(union, axiom, ! [X,Y,Z] : (in(Z,union(X,Y)) <=> (in(Z,X) | in(Z,Y)))).
fof(intersection, axiom, ! [X,Y,Z] : (in(Z,intersection(X,Y)) <=> (in(Z,X) & in(Z,Y)))).
fof(same, axiom, ! [X,Y] : (same(X,Y) <=> ! [Z] : (in(Z,X) <=> in(Z,Y)))).
fof(goal, conjecture, ! [X,Y] : same(union(X,intersection(X,Y)),X)).

% Union distributes over intersection.
% Source: any textbook of set theory, such as P. R. Halmos, "Naive Set Theory".

fof(union, axiom, ! [X,Y,Z] : (in(Z,union(X,Y)) <=> (in(Z,X) | in(Z,Y)))).
fof(intersection, axiom, ! [X,Y,Z] : (in(Z,intersection(X,Y)) <=> (in(Z,X) & in(Z,Y)))).
fof(same, axiom, ! [X,Y] : (same(X,Y) <=> ! [Z] : (in(Z,X) <=> in(Z,Y)))).
fof(goal, conjecture,
    ( ! [X,Y,Z] : same(union(X,intersection(Y,Z)),intersection(union(X,Y),union(X,Z))) )).

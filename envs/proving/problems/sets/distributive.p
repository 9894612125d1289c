% Intersection distributes over union.
% Source: any textbook of set theory, such as P. R. Halmos, "Naive Set Theory".

fof(union, axiom, ! [X,Y,Z] : (in(Z,union(X,Y)) <=> (in(Z,X) | in(Z,Y)))).
fof(intersection, axiom, ! [X,Y,Z] : (in(Z,intersection(X,Y)) <=> (in(Z,X) & in(Z,Y)))).
fof(same, axiom, ! [X,Y] : (same(X,Y) <=> ! [Z] : (in(Z,X) <=> in(Z,Y)))).
fof(goal, conjecture,
    ( ! [X,Y,Z] : same(intersection(X,union(Y,Z)),union(intersection(X,Y),intersection(X,Z)))
      )).

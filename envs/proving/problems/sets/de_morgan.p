% The difference from a union is the intersection of the differences.
% Source: any textbook of set theory, such as P. R. Halmos, "Naive Set Theory".

fof(union, axiom, ! [X,Y,Z] : (in(Z,union(X,Y)) <=> (in(Z,X) | in(Z,Y)))).
fof(intersection, axiom, ! [X,Y,Z] : (in(Z,intersection(X,Y)) <=> (in(Z,X) & in(Z,Y)))).
fof(difference, axiom, ! [X,Y,Z] : (in(Z,difference(X,Y)) <=> (in(Z,X) & ~in(Z,Y)))).
fof(same, axiom, ! [X,Y] : (same(X,Y) <=> ! [Z] : (in(Z,X) <=> in(Z,Y)))).
fof(goal, conjecture,
    ( ! [X,Y,Z] : same(difference(X,union(Y,Z)),intersection(difference(X,Y),difference(X,Z)))
      )).

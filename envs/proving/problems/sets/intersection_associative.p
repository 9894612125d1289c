% Intersection is associative.
% Source: any textbook of set theory, such as P. R. Halmos, "Naive Set Theory".

fof(intersection, axiom, ! [X,Y,Z] : (in(Z,intersection(X,Y)) <=> (in(Z,X) & in(Z,Y)))).
fof(same, axiom, ! [X,Y] : (same(X,Y) <=> ! [Z] : (in(Z,X) <=> in(Z,Y)))).
fof(goal, conjecture,
    ( ! [X,Y,Z] : same(intersection(intersection(X,Y),Z),intersection(X,intersection(Y,Z)))
      )).

% Disjointness is symmetric.
% Source: any textbook of set theory, such as P. R. Halmos, "Naive Set Theory".

fof(disjoint, axiom, ! [X,Y] : (disjoint(X,Y) <=> ~? [Z] : (in(Z,X) & in(Z,Y)))).
fof(goal, conjecture, ! [X,Y] : (disjoint(X,Y) => disjoint(Y,X))).

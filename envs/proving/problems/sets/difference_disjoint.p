% A difference is disjoint from what was taken away.
% Source: any textbook of set theory, such as P. R. Halmos, "Naive Set Theory".

fof(difference, axiom, ! [X,Y,Z] : (in(Z,difference(X,Y)) <=> (in(Z,X) & ~in(Z,Y)))).
fof(disjoint, axiom, ! [X,Y] : (disjoint(X,Y) <=> ~? [Z] : (in(Z,X) & in(Z,Y)))).
fof(goal, conjecture, ! [X,Y] : disjoint(difference(X,Y),Y)).

% A singleton is a subset exactly if its element is in the set.
% Source: any textbook of set theory, such as P. R. Halmos, "Naive Set Theory".

fof(subset, axiom, ! [X,Y] : (subset(X,Y) <=> ! [Z] : (in(Z,X) => in(Z,Y)))).
fof(singleton, axiom, ! [X,Y] : (in(Y,singleton(X)) <=> Y=X)).
fof(goal, conjecture, ! [X,Y] : (subset(singleton(X),Y) <=> in(X,Y))).

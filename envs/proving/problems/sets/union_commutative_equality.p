% Union is commutative, with equality of sets.
% Source: any textbook of set theory, such as P. R. Halmos, "Naive Set Theory".

fof(union, axiom, ! [X,Y,Z] : (in(Z,union(X,Y)) <=> (in(Z,X) | in(Z,Y)))).
fof(extensional, axiom, ! [X,Y] : ((! [Z] : (in(Z,X) <=> in(Z,Y))) => X=Y)).
fof(goal, conjecture, ! [X,Y] : union(X,Y)=union(Y,X)).

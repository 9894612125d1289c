% The intersection of a set with itself is the set, with equality of sets.
% Source: any textbook of set theory, such as P. R. Halmos, "Naive Set Theory".

fof(intersection, axiom, ! [X,Y,Z] : (in(Z,intersection(X,Y)) <=> (in(Z,X) & in(Z,Y)))).
fof(extensional, axiom, ! [X,Y] : ((! [Z] : (in(Z,X) <=> in(Z,Y))) => X=Y)).
fof(goal, conjecture, ! [X] : intersection(X,X)=X).

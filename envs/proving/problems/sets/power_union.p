% The union of two power sets is a subset of the power set of the union.
% Source: any textbook of set theory, such as P. R. Halmos, "Naive Set Theory".

fof(subset, axiom, ! [X,Y] : (subset(X,Y) <=> ! [Z] : (in(Z,X) => in(Z,Y)))).
fof(power, axiom, ! [X,Y] : (in(Y,power(X)) <=> subset(Y,X))).
fof(union, axiom, ! [X,Y,Z] : (in(Z,union(X,Y)) <=> (in(Z,X) | in(Z,Y)))).
fof(goal, conjecture, ! [X,Y] : subset(union(power(X),power(Y)),power(union(X,Y)))).

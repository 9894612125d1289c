% The union of the power set is the set.
% Source: any textbook of set theory, such as P. R. Halmos, "Naive Set Theory".

fof(subset, axiom, ! [X,Y] : (subset(X,Y) <=> ! [Z] : (in(Z,X) => in(Z,Y)))).
fof(power, axiom, ! [X,Y] : (in(Y,power(X)) <=> subset(Y,X))).
fof(big_union, axiom, ! [X,Z] : (in(Z,big_union(X)) <=> ? [Y] : (in(Y,X) & in(Z,Y)))).
fof(same, axiom, ! [X,Y] : (same(X,Y) <=> ! [Z] : (in(Z,X) <=> in(Z,Y)))).
fof(goal, conjecture, ! [X] : same(big_union(power(X)),X)).

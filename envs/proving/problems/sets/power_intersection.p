% The power set of an intersection is the intersection of the power sets.
% Source: any textbook of set theory, such as P. R. Halmos, "Naive Set Theory".

fof(subset, axiom, ! [X,Y] : (subset(X,Y) <=> ! [Z] : (in(Z,X) => in(Z,Y)))).
fof(power, axiom, ! [X,Y] : (in(Y,power(X)) <=> subset(Y,X))).
fof(intersection, axiom, ! [X,Y,Z] : (in(Z,intersection(X,Y)) <=> (in(Z,X) & in(Z,Y)))).
fof(same, axiom, ! [X,Y] : (same(X,Y) <=> ! [Z] : (in(Z,X) <=> in(Z,Y)))).
fof(goal, conjecture, ! [X,Y] : same(power(intersection(X,Y)),intersection(power(X),power(Y)))).

% Sets that are subsets of each other have the same elements.
% Source: any textbook of set theory, such as P. R. Halmos, "Naive Set Theory".

fof(subset, axiom, ! [X,Y] : (subset(X,Y) <=> ! [Z] : (in(Z,X) => in(Z,Y)))).
fof(same, axiom, ! [X,Y] : (same(X,Y) <=> ! [Z] : (in(Z,X) <=> in(Z,Y)))).
fof(goal, conjecture, ! [X,Y] : ((subset(X,Y) & subset(Y,X)) => same(X,Y))).

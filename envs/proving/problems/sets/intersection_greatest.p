% What is a subset of both sets is a subset of their intersection.
% Source: any textbook of set theory, such as P. R. Halmos, "Naive Set Theory".

fof(subset, axiom, ! [X,Y] : (subset(X,Y) <=> ! [Z] : (in(Z,X) => in(Z,Y)))).
fof(intersection, axiom, ! [X,Y,Z] : (in(Z,intersection(X,Y)) <=> (in(Z,X) & in(Z,Y)))).
fof(goal, conjecture, ! [X,Y,Z] : ((subset(Z,X) & subset(Z,Y)) => subset(Z,intersection(X,Y)))).

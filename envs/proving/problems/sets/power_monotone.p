% Power sets of subsets are subsets.
% Source: any textbook of set theory, such as P. R. Halmos, "Naive Set Theory".

fof(subset, axiom, ! [X,Y] : (subset(X,Y) <=> ! [Z] : (in(Z,X) => in(Z,Y)))).
fof(power, axiom, ! [X,Y] : (in(Y,power(X)) <=> subset(Y,X))).
fof(goal, conjecture, ! [X,Y] : (subset(X,Y) => subset(power(X),power(Y)))).

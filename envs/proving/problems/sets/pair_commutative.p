% Unordered pairs have no order.
% Source: any textbook of set theory, such as P. R. Halmos, "Naive Set Theory".

fof(pair, axiom, ! [X,Y,Z] : (in(Z,pair(X,Y)) <=> (Z=X | Z=Y))).
fof(extensional, axiom, ! [X,Y] : ((! [Z] : (in(Z,X) <=> in(Z,Y))) => X=Y)).
fof(goal, conjecture, ! [X,Y] : pair(X,Y)=pair(Y,X)).

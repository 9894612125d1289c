% A symmetric, transitive relation in which everything has a partner is reflexive.
% Source: folklore.

fof(symmetric, axiom, ! [X,Y] : (r(X,Y) => r(Y,X))).
fof(transitive, axiom, ! [X,Y,Z] : ((r(X,Y) & r(Y,Z)) => r(X,Z))).
fof(serial, axiom, ! [X] : ? [Y] : r(X,Y)).
fof(goal, conjecture, ! [X] : r(X,X)).

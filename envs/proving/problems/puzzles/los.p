% Of two transitive relations that hold together everywhere, one of them symmetric, one holds
% everywhere.
% Source: J. Los; in F. J. Pelletier and P. Rudnicki, "Non-obviousness", AAR Newsletter 6 (1986).

fof(premise_1, axiom, ! [X,Y,Z] : ((p(X,Y) & p(Y,Z)) => p(X,Z))).
fof(premise_2, axiom, ! [X,Y,Z] : ((q(X,Y) & q(Y,Z)) => q(X,Z))).
fof(premise_3, axiom, ! [X,Y] : (q(X,Y) => q(Y,X))).
fof(premise_4, axiom, ! [X,Y] : (p(X,Y) | q(X,Y))).
fof(goal, conjecture, (! [X,Y] : p(X,Y)) | ! [X,Y] : q(X,Y)).

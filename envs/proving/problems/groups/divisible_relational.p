% An associative system in which all equations have solutions has a right identity;
% product(X,Y,Z) says X * Y = Z.
% Source: C.-L. Chang and R. C.-T. Lee, "Symbolic Logic and Mechanical Theorem Proving" (1973).

fof(associative, axiom,
    ( ! [X,Y,Z,U,V,W] : ((product(X,Y,U) & product(Y,Z,V)) => (product(U,Z,W) <=>
      product(X,V,W))) )).
fof(left_solutions, axiom, ! [X,Y] : ? [Z] : product(Z,X,Y)).
fof(right_solutions, axiom, ! [X,Y] : ? [Z] : product(X,Z,Y)).
fof(goal, conjecture, ? [X] : ! [Y] : product(Y,X,Y)).

% If every square is the identity, the group is commutative; product(X,Y,Z) says X * Y = Z.
% Source: C.-L. Chang and R. C.-T. Lee, "Symbolic Logic and Mechanical Theorem Proving" (1973).

fof(total, axiom, ! [X,Y] : ? [Z] : product(X,Y,Z)).
fof(associative, axiom,
    ( ! [X,Y,Z,U,V,W] : ((product(X,Y,U) & product(Y,Z,V)) => (product(U,Z,W) <=>
      product(X,V,W))) )).
fof(left_identity, axiom, ! [X] : product(e,X,X)).
fof(right_identity, axiom, ! [X] : product(X,e,X)).
fof(squares, axiom, ! [X] : product(X,X,e)).
fof(goal, conjecture, ! [X,Y,Z] : (product(X,Y,Z) => product(Y,X,Z))).

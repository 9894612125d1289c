% With a left identity and left inverses, the left identity is a right one; product(X,Y,Z)
% says X * Y = Z.
% Source: C.-L. Chang and R. C.-T. Lee, "Symbolic Logic and Mechanical Theorem Proving" (1973).

fof(total, axiom, ! [X,Y] : ? [Z] : product(X,Y,Z)).
fof(associative, axiom,
    ( ! [X,Y,Z,U,V,W] : ((product(X,Y,U) & product(Y,Z,V)) => (product(U,Z,W) <=>
      product(X,V,W))) )).
fof(left_identity, axiom, ! [X] : product(e,X,X)).
fof(left_inverse, axiom, ! [X] : product(inverse(X),X,e)).
fof(goal, conjecture, ! [X] : product(X,e,X)).

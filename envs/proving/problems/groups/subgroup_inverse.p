% A part closed under division contains the inverses of its members; product(X,Y,Z) says X * Y
% = Z.
% Source: C.-L. Chang and R. C.-T. Lee, "Symbolic Logic and Mechanical Theorem Proving" (1973).

fof(total, axiom, ! [X,Y] : ? [Z] : product(X,Y,Z)).
fof(associative, axiom,
    ( ! [X,Y,Z,U,V,W] : ((product(X,Y,U) & product(Y,Z,V)) => (product(U,Z,W) <=>
      product(X,V,W))) )).
fof(left_identity, axiom, ! [X] : product(e,X,X)).
fof(right_identity, axiom, ! [X] : product(X,e,X)).
fof(left_inverse, axiom, ! [X] : product(inverse(X),X,e)).
fof(right_inverse, axiom, ! [X] : product(X,inverse(X),e)).
fof(closed, axiom, ! [X,Y,Z] : ((member(X) & member(Y) & product(X,inverse(Y),Z)) => member(Z))).
fof(goal, conjecture, ! [X] : (member(X) => member(inverse(X)))).

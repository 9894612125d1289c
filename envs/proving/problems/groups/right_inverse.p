% With a left identity and left inverses, left inverses are right inverses.
% Source: any textbook of algebra, such as S. Lang, "Algebra".

fof(associative, axiom, ! [X,Y,Z] : times(times(X,Y),Z)=times(X,times(Y,Z))).
fof(left_identity, axiom, ! [X] : times(e,X)=X).
fof(left_inverse, axiom, ! [X] : times(inverse(X),X)=e).
fof(goal, conjecture, ! [X] : times(X,inverse(X))=e).

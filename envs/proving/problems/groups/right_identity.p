% With a left identity and left inverses, the left identity is a right one.
% Source: any textbook of algebra, such as S. Lang, "Algebra".

fof(associative, axiom, ! [X,Y,Z] : times(times(X,Y),Z)=times(X,times(Y,Z))).
fof(left_identity, axiom, ! [X] : times(e,X)=X).
fof(left_inverse, axiom, ! [X] : times(inverse(X),X)=e).
fof(goal, conjecture, ! [X] : times(X,e)=X).

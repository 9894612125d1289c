% If every square is the identity, the group is commutative.
% Source: any textbook of algebra, such as S. Lang, "Algebra".

fof(associative, axiom, ! [X,Y,Z] : times(times(X,Y),Z)=times(X,times(Y,Z))).
fof(left_identity, axiom, ! [X] : times(e,X)=X).
fof(right_identity, axiom, ! [X] : times(X,e)=X).
fof(squares, axiom, ! [X] : times(X,X)=e).
fof(goal, conjecture, ! [X,Y] : times(X,Y)=times(Y,X)).

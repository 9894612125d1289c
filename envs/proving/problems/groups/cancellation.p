% In a group one may cancel on the left.
% Source: any textbook of algebra, such as S. Lang, "Algebra".

fof(associative, axiom, ! [X,Y,Z] : times(times(X,Y),Z)=times(X,times(Y,Z))).
fof(left_identity, axiom, ! [X] : times(e,X)=X).
fof(right_identity, axiom, ! [X] : times(X,e)=X).
fof(left_inverse, axiom, ! [X] : times(inverse(X),X)=e).
fof(right_inverse, axiom, ! [X] : times(X,inverse(X))=e).
fof(goal, conjecture, ! [X,Y,Z] : (times(X,Y)=times(X,Z) => Y=Z)).

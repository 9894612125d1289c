% A left identity and a right identity are equal.
% Source: any textbook of algebra, such as S. Lang, "Algebra".

fof(left, axiom, ! [X] : times(a,X)=X).
fof(right, axiom, ! [X] : times(X,b)=X).
fof(goal, conjecture, a=b).
